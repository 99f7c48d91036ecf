import {
  AcceptedDeployment,
  CloudletError,
  type Deployment,
  type DeploymentRequestInput,
  isEnded,
  isErrorCode,
  MAX_DICTIONARIES,
} from '../../protocol/index.ts';
import { type Compression, compressed } from '../compression.ts';
import { patiently, type Wait, waited } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import { DeploymentRun, type DeployNews, type HeldDictionary } from './deployment-run.ts';
import type { HeldParts } from './held-parts.ts';
import { firstParts, newDeploymentId, type SentAhead, sendAhead } from './sent-ahead.ts';

export type { DeployNews, HeldDictionary } from './deployment-run.ts';

/** How something is deployed. */
export interface DeployOptions {
  /** What this device can send of it. */
  readonly held?: HeldParts | undefined;
  /** Components to compress with, where the cloudlet has one of them, too. */
  readonly dictionaries?: readonly HeldDictionary[];
  /** Nothing of it is taken to be there: its first parts go beside the question. An overlay's always do. */
  readonly unasked?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How often it is asked for anew when the cloudlet is interrupted: a host that is killed again and again has another fault. */
const ATTEMPTS = 5;

/**
 * Has something on a cloudlet: asks, sends the parts that are missing, tells how it goes, up to its one end. Connections that break are made
 * again, and after a restart of the cloudlet only what it has not yet is sent. Whoever leaves before the end gives the deployment up.
 */
export async function* deploy(
  host: HostAddress,
  request: DeploymentRequestInput,
  { held, dictionaries = [], unasked = false, signal }: DeployOptions = {},
  wait: Wait = waited,
): AsyncGenerator<DeployNews> {
  let sentBytes = 0;
  const named = dictionaries.slice(0, MAX_DICTIONARIES).map(({ digest }) => digest);
  const wish = named.length === 0 ? request : { ...request, dictionaries: named };
  for (let attempt = 1; ; attempt += 1) {
    const first = attempt === 1 && held !== undefined && (unasked || 'overlay' in request.want) ? firstParts(held) : [];
    const id = first.length > 0 ? { id: newDeploymentId() } : {};
    const question = await questionOf({ ...wish, ...id }, host.compression);
    const ask = async ({ body, headers }: Question) => {
      sentBytes += body.length;
      return host.json(AcceptedDeployment, { method: 'POST', path: '/v1/deployments', headers, body, signal });
    };
    // The first time an address that nobody answers at is a mistake rather than a break.
    const asking = attempt === 1 ? ask(question) : patiently(() => ask(question), signal, wait);
    const beside = id.id === undefined ? null : sendAhead(host, held!, first, id.id, { signal, wait });
    const again = async () => ask(await questionOf(wish, host.compression));
    const { accepted, ahead } = await answered(asking, beside, again);
    const shared = dictionaries.find(({ digest }) => digest === accepted.dictionary);
    const count = (bytes: number) => {
      sentBytes += bytes;
      return sentBytes;
    };
    const run = new DeploymentRun(
      host,
      accepted,
      { held, shared, early: request.early === true || 'service' in request.want, ahead },
      signal,
      wait,
      count,
    );
    let end: Deployment = accepted;
    try {
      yield { kind: 'accepted', deployment: accepted };
      if (!isEnded(accepted)) {
        for await (const news of run.news()) {
          yield news;
          if (news.kind === 'event' && news.event.event === 'state') end = news.event.data;
        }
      }
    } finally {
      await run.close(isEnded(end));
    }
    if (end.problem?.code !== 'interrupted' || attempt === ATTEMPTS) {
      yield { kind: 'ended', deployment: end, sentBytes };
      return;
    }
  }
}

interface Question {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

async function questionOf(wish: DeploymentRequestInput, compression: Compression): Promise<Question> {
  const { bytes: body, encoding } = await compressed(new TextEncoder().encode(JSON.stringify(wish)), compression);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
  };
  return { body, headers };
}

/** The answer to the question; without one nothing more goes. A cloudlet of an earlier version refuses a question with an id: it is asked again without. */
async function answered(
  asking: Promise<AcceptedDeployment>,
  ahead: SentAhead | null,
  again: () => Promise<AcceptedDeployment>,
): Promise<{ readonly accepted: AcceptedDeployment; readonly ahead: SentAhead | null }> {
  try {
    return { accepted: await asking, ahead };
  } catch (error) {
    ahead?.leave();
    if (ahead === null || !(error instanceof CloudletError) || error.code !== 'request-invalid') throw error;
    return { accepted: await again(), ahead: null };
  }
}

/** How a deployment that ended failed, as an error; null when it is ready. */
export function failureOf({ problem }: Deployment): CloudletError | null {
  if (problem === undefined) return null;
  const { code, detail } = problem;
  return new CloudletError(isErrorCode(code) ? code : 'internal', detail);
}
