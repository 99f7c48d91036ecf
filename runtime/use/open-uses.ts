import { join } from 'node:path';
import type { CloudletParts } from '../cloudlet-parts.ts';
import type { VersionLog } from '../function/version-log.ts';
import { FunctionUses } from './function-uses.ts';

/** What the functions of a cloudlet used, in its data directory; `log` takes lines about what they lack. */
export function openUses(
  { data, stores, observer }: Pick<CloudletParts, 'data' | 'stores' | 'observer'>,
  log: VersionLog,
): FunctionUses {
  return FunctionUses.open({
    directory: join(data.path, 'use'),
    isFunction: (name) => data.registry.list().some((each) => each.name === name),
    log,
    stored: (name) => stores.usage(name),
    unkept: (sentence) => observer.warning?.(sentence),
  });
}
