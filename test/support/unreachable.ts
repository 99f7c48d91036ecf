import type { Artifact } from '../../runtime/component/artifact.ts';
import { EMPTY_ARTIFACT } from './fake-version.ts';

const fn = (name: string) => ({
  wit: { name, interface: null, function: name, params: [], result: null, async: false },
  path: [name],
});

/** Functions that no fuel reaches, because they are JavaScript: what is left is to end their worker. */
export const UNREACHABLE: Artifact = {
  ...EMPTY_ARTIFACT,
  manifest: { ...EMPTY_ARTIFACT.manifest, run: null, functions: [fn('spin'), fn('hoard'), fn('quit'), fn('one')] },
  glue: `export function instantiate(getCoreModule, imports, instantiateCore) {
    return {
      spin() { for (;;) {} },
      hoard() { const kept = []; for (;;) kept.push({ at: kept.length, of: [kept.length] }); },
      quit() { process.exit(3); },
      one() { return 1; },
    };
  }`,
};
