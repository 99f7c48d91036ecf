import {
  CloudletError,
  type DeploymentRequest,
  type Digest,
  isErrorCode,
  parseDigest,
} from '../../../guest-sdk/protocol/index.ts';
import type { AskedDeployment } from '../deployment/asked-deployment.ts';
import type { Deployments } from '../deployment/deployments.ts';
import type { Provisioned } from '../deployment/rung.ts';
import type { OpenedWish } from './service-entry.ts';

/** What is asked of deployments: a device's part in them is played by the cloudlet itself, with what its store has. */
export type EntryDeployments = Pick<Deployments, 'ask' | 'part' | 'wanted' | 'events' | 'cancel'>;

/** A deployment whose parts are on their way. */
export interface FedDeployment {
  readonly asked: AskedDeployment;
  /** Settles when it has all that it asked for, or ended; rejects when parts cannot be read, and then it was given up. */
  readonly fed: Promise<void>;
}

/** Asks for what an entry wishes, and sends the parts. The wish is closed when `fed` settles. */
export async function askForEntry(
  deployments: EntryDeployments,
  wish: OpenedWish,
  request: Omit<DeploymentRequest, 'want' | 'have'>,
  signal: AbortSignal,
  { user, vouchedBy }: { readonly user?: string | undefined; readonly vouchedBy?: string | undefined } = {},
): Promise<FedDeployment> {
  try {
    const asked = await deployments.ask({ ...request, want: wish.want }, user, vouchedBy);
    const fed = feed(deployments, wish, asked, signal).finally(wish.close);
    fed.catch(() => {}); // Whoever waits for the end of the deployment is told there.
    return { asked: { ...asked, missing: [] }, fed };
  } catch (error) {
    await wish.close();
    throw error;
  }
}

/** Waits for the end of a deployment; rejects with what it failed with. */
export async function endOfDeployment(
  deployments: EntryDeployments,
  { asked }: FedDeployment,
  signal: AbortSignal,
): Promise<Provisioned> {
  const { id } = asked.deployment;
  let last = asked.deployment;
  for await (const event of deployments.events(id, 0, signal)) if (event.event === 'state') last = event.data;
  signal.throwIfAborted();
  const { stage, problem, kind, name, address, digest } = last;
  if (stage === 'ready' && address !== undefined && digest !== undefined)
    return { kind, name, address, digest: parseDigest(digest) };
  const code = problem?.code ?? '';
  throw new CloudletError(
    isErrorCode(code) ? code : 'interrupted',
    problem?.detail ?? `expected "${name}" to become ready, it did not say why not`,
  );
}

async function feed(
  deployments: EntryDeployments,
  { read }: OpenedWish,
  { deployment }: AskedDeployment,
  signal: AbortSignal,
): Promise<void> {
  const { id } = deployment;
  try {
    for (let next = deployments.wanted(id).wanted; next.length > 0; ) {
      const digest: Digest = next[0]!;
      const bytes = await read(digest, signal);
      next = (await deployments.part(id, digest, once(bytes), signal)).wanted;
    }
  } catch (error) {
    await deployments.cancel(id);
    throw error;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
