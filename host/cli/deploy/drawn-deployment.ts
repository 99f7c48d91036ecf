import type { DeployNews } from '../../../guest-sdk/client/index.ts';
import {
  type AcceptedDeployment,
  type Deployment,
  type DeploymentEvent,
  isEnded,
} from '../../../guest-sdk/protocol/index.ts';
import { printable } from '../terminal/printable.ts';
import type { Progress } from '../terminal/progress.ts';
import { formatSize } from '../terminal/size.ts';

/** A deployment that came to its end. */
export interface EndedDeployment {
  readonly deployment: Deployment;
  /** Bytes that went over the link. */
  readonly sentBytes: number;
  /** Bytes of what is held here; null when nothing is. */
  readonly totalBytes: number | null;
  /** Bytes of it that needed not be sent; null when nothing is held. */
  readonly savedBytes: number | null;
  /** Whether some of it was there, or something to compress it with. */
  readonly wasThere: boolean;
}

/** Draws what becomes of a deployment of something of so many bytes (null: nothing is held here), and resolves at its end. */
export async function drawnDeployment(
  deployment: AsyncIterable<DeployNews>,
  bytes: number | null,
  progress: Progress,
): Promise<EndedDeployment> {
  let wasThere = false;
  for await (const news of deployment) {
    switch (news.kind) {
      case 'accepted':
        begun(progress, news.deployment);
        wasThere = news.deployment.dictionary !== undefined || news.deployment.bytesMissing < (bytes ?? 0);
        break;
      case 'event':
        show(progress, news.event);
        break;
      case 'sent':
        break;
      case 'ended': {
        const { deployment, sentBytes } = news;
        const savedBytes = bytes === null ? null : Math.max(0, bytes - sentBytes);
        return { deployment, sentBytes, totalBytes: bytes, savedBytes, wasThere };
      }
      default:
        throw news satisfies never;
    }
  }
  throw new Error('a deployment ended without its end');
}

/** What was sent, and what needed not be: `41 KiB of 2.3 MiB (98 % was there)`; the smallest take more to be told of than they are. */
export function sentSentence({
  sentBytes,
  totalBytes,
  wasThere,
}: Pick<EndedDeployment, 'sentBytes' | 'totalBytes' | 'wasThere'>): string {
  if (totalBytes === null || totalBytes === 0) return formatSize(sentBytes);
  if (sentBytes > totalBytes) return `${formatSize(sentBytes)} for ${formatSize(totalBytes)}`;
  const saved = Math.max(0, Math.floor(100 * (1 - sentBytes / Math.max(1, totalBytes))));
  const why = saved === 0 ? '' : ` (${saved} % ${wasThere ? 'was there' : 'less by compression'})`;
  return `${formatSize(sentBytes)} of ${formatSize(totalBytes)}${why}`;
}

function begun(progress: Progress, { rung, bytesMissing, dictionary }: AcceptedDeployment): void {
  const missing = dictionary === undefined ? `, ${formatSize(bytesMissing)} to send` : ', what changed is to send';
  progress.note(`${rung}${bytesMissing === 0 ? '' : missing}`);
}

function show(progress: Progress, { event, data }: DeploymentEvent): void {
  switch (event) {
    case 'state':
      if (isEnded(data)) return;
      progress.stage(data.stage === 'ready' ? 'ready, its files follow' : printable(data.stage));
      if (data.bytesTotal !== null && data.bytesTotal > 0)
        progress.amount(data.bytesDone, data.bytesTotal, data.estimateS);
      break;
    case 'rung':
      progress.note(`${data.from} failed (${reasonOf(data.problem)}); ${data.rung} is taken`);
      break;
    case 'log':
      for (const line of data.text.trimEnd().split('\n')) progress.note(printable(line));
      break;
  }
}

/** Why a way failed. That a signature is missing is told once, with its remedies, when no way brings it. */
function reasonOf({ code, detail }: { readonly code: string; readonly detail: string }): string {
  return code === 'signature-invalid' ? 'what is there has not the signature that is asked for' : printable(detail);
}
