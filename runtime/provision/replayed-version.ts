import { CloudletError, type Digest, type FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { Registry } from '../store/index.ts';

/**
 * Refuses, with `conflict`, to make a version of what was one before, under a name that belongs to a key. Its signature is as good as on the first day, so
 * whoever kept it (a registry, a device, somebody on the way) could bring back a fault that a later version had mended. `rollback` is how that is meant.
 */
export function checkReplayed(
  registry: Pick<Registry, 'past' | 'find'>,
  {
    name,
    digest,
    pinned,
  }: { readonly name: FunctionName; readonly digest: Digest; readonly pinned: string | undefined },
): void {
  const version = pinned === undefined ? undefined : registry.past.versionOf(name, digest);
  const present = version === undefined ? undefined : registry.find(name);
  const current = present?.versions.find((each) => each.version === present.current);
  if (version === undefined || current === undefined || current.digest === digest) return;
  const kept = present?.versions.find((each) => each.digest === digest);
  const remedy =
    kept === undefined
      ? `which is not kept any more; publish something newer, or let the name go first with: npx cloudlet publisher forget ${name}`
      : `and calls go to version ${current.version}; send them there with: npx cloudlet rollback ${name} ${kept.version}`;
  throw new CloudletError(
    'conflict',
    `expected a version of "${name}" that is new, since what is signed can be sent again by whoever kept it; got what was version ${version}, ${remedy}`,
  );
}
