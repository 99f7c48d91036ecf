import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Frees what this thread does not reach any more: `all`, or of what is `young`. The former also forgets what the engine knows of shapes of which
 * there is no object just now. Takes tens of milliseconds: not for a path that anybody waits on.
 */
export function collectGarbage(what: 'all' | 'young'): void {
  // The flag is not given on the command line: it would put `gc` within the reach of whatever runs here.
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { readonly type: 'major' | 'minor' }) => void;
  gc({ type: what === 'all' ? 'major' : 'minor' });
  setFlagsFromString('--no-expose-gc');
}
