import { CloudletError, type Digest, type FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { Registry } from '../store/index.ts';
import type { ServicePublishersOptions } from './service-publisher.ts';

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

/**
 * The same for a service: of the overlays and recipes that it was, only the one of which it is now. What it came to is still here perhaps, and can be
 * named by its digest; else the name is let go.
 */
export function checkReplayedService(
  { find, past }: ServicePublishersOptions['services'],
  name: FunctionName,
  document: Digest,
): void {
  const was = past.find(name, document)?.image;
  const present = find(name)?.image;
  if (was === undefined || present === undefined || present === was) return;
  throw new CloudletError(
    'conflict',
    `expected an overlay or a recipe that "${name}" was not before, since what is signed can be sent again by whoever kept it; got ${document}, of which it was ${was}; to go back to that, deploy its image by digest (${was}), or let the name go first with: npx cloudlet publisher forget ${name}`,
  );
}
