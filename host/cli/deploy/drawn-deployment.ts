import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import {
  type AcceptedDeployment,
  type Deployment,
  type DeploymentEvent,
  type DeploymentRequestInput,
  isEnded,
} from '../../../guest-sdk/protocol/index.ts';
import { printable } from '../terminal/printable.ts';
import type { Progress } from '../terminal/progress.ts';
import { formatSize } from '../terminal/size.ts';
import type { Deployable } from './deployable.ts';

/** A deployment that came to its end. */
export interface EndedDeployment {
  readonly deployment: Deployment;
  readonly sentBytes: number;
  /** Bytes of what is held here that needed not be sent; null when nothing is. */
  readonly savedBytes: number | null;
}

/** Has something deployed, draws what becomes of it, and resolves at its end. */
export async function drawnDeployment(
  client: CloudletClient,
  { held, bytes }: Pick<Deployable, 'held' | 'bytes'>,
  request: DeploymentRequestInput,
  progress: Progress,
  signal: AbortSignal,
): Promise<EndedDeployment> {
  for await (const news of client.deploy(request, { held, signal })) {
    switch (news.kind) {
      case 'accepted':
        begun(progress, news.deployment);
        break;
      case 'event':
        show(progress, news.event);
        break;
      case 'sent':
        break;
      case 'ended': {
        const { deployment, sentBytes } = news;
        return { deployment, sentBytes, savedBytes: bytes === null ? null : Math.max(0, bytes - sentBytes) };
      }
      default:
        throw news satisfies never;
    }
  }
  throw new Error('a deployment ended without its end');
}

function begun(progress: Progress, { rung, bytesMissing }: AcceptedDeployment): void {
  progress.note(`${rung}${bytesMissing === 0 ? '' : `, ${formatSize(bytesMissing)} to send`}`);
}

function show(progress: Progress, { event, data }: DeploymentEvent): void {
  switch (event) {
    case 'state':
      if (isEnded(data)) return;
      progress.stage(printable(data.stage));
      if (data.bytesTotal !== null && data.bytesTotal > 0)
        progress.amount(data.bytesDone, data.bytesTotal, data.estimateS);
      break;
    case 'rung':
      progress.note(`${data.from} failed (${printable(data.problem.detail)}); ${data.rung} is taken`);
      break;
    case 'log':
      for (const line of data.text.trimEnd().split('\n')) progress.note(printable(line));
      break;
  }
}
