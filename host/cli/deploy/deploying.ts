import type { CloudletClient, DeployNews } from '../../../guest-sdk/client/index.ts';
import type { Requirements } from '../../../guest-sdk/protocol/index.ts';
import type { Deployable } from './deployable.ts';
import { functionAt } from './function-at.ts';
import type { KeptComponents } from './kept-components.ts';

/** Has what was found deployed: a function as what differs from what the host has, by `kept` where that is given. */
export async function* deploying(
  client: CloudletClient,
  found: Deployable,
  { requirements = [], kept }: { readonly requirements?: Requirements; readonly kept?: KeptComponents },
  signal: AbortSignal,
): AsyncGenerator<DeployNews> {
  if (found.kind === 'wanted') {
    yield* client.deploy({ want: found.want, requirements }, { held: found.held, signal });
    return;
  }
  const { name, content, digest, from, signers } = found;
  const present = kept === undefined ? null : await functionAt(client, name, signal);
  const dictionaries = (await kept?.dictionaries(present?.component ?? present?.digest)) ?? [];
  // A device that keeps nothing asks for nothing before.
  const unasked = present === null;
  const options = { digest, dictionaries, from, signers, requirements, early: true, unasked, signal };
  yield* client.push(name, content, options);
}
