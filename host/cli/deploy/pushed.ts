import { type CloudletClient, failureOf } from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  type Deployment,
  type FunctionInfo,
  type FunctionName,
  isEnded,
  type Published,
} from '../../../guest-sdk/protocol/index.ts';
import type { Publishable } from '../publishable.ts';
import { type Progress, showProgress } from '../terminal/progress.ts';
import { drawnDeployment, type EndedDeployment } from './drawn-deployment.ts';
import { functionAt } from './function-at.ts';
import { functionContent } from './function-content.ts';
import type { KeptComponents } from './kept-components.ts';

/** What a push sent. */
export type SentBytes = Pick<EndedDeployment, 'sentBytes' | 'totalBytes' | 'savedBytes' | 'wasThere'>;

/** Pushes what is to be published, showing how far it is, and resolves with what became of it. Nothing goes of what is there. */
export async function pushed(
  client: CloudletClient,
  name: FunctionName,
  found: Publishable,
  kept: KeptComponents,
  signal: AbortSignal,
): Promise<{ readonly published: Published; readonly end: SentBytes }> {
  const { content, digest, close } = await functionContent(found);
  const progress = showProgress(name);
  try {
    progress.stage('sending');
    const present = await functionAt(client, name, signal);
    // Signatures may be new on what is there: such a package goes as a whole.
    if (found.versionDigest !== null && present?.versions.some((each) => each.digest === digest))
      return await sentWhole(client, name, found, progress, signal);
    if (present?.digest === digest)
      return {
        published: publishedAlready(present),
        end: { sentBytes: 0, totalBytes: content.bytes, savedBytes: content.bytes, wasThere: true },
      };
    const dictionaries = await kept.dictionaries(present?.component ?? present?.digest);
    const news = client.push(name, content, { digest, dictionaries, signal });
    const end = await drawnDeployment(news, content.bytes, progress);
    const failure = failureOf(end.deployment);
    if (failure !== null) throw failure;
    await kept.keep(found.path);
    const { published } = end.deployment;
    return { published: published ?? publishedAlready(await client.function(name, signal)), end };
  } finally {
    progress.clear();
    await close();
  }
}

async function sentWhole(
  client: CloudletClient,
  name: FunctionName,
  { send, sizeBytes, digest, mediaType }: Publishable,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly published: Published; readonly end: SentBytes }> {
  let last: Deployment | undefined;
  const bytes = send((done) => progress.amount(done, sizeBytes));
  for await (last of client.publish(name, bytes, { sizeBytes, digest, mediaType, signal }))
    if (!isEnded(last)) progress.stage(last.state);
  const failure = last === undefined ? null : failureOf(last);
  if (failure !== null) throw failure;
  if (last?.published === undefined)
    throw new CloudletError(
      'network-unavailable',
      'the cloudlet stopped before it had said how the publish ended; see: npx cloudlet ls',
    );
  return {
    published: last.published,
    end: { sentBytes: sizeBytes, totalBytes: sizeBytes, savedBytes: 0, wasThere: false },
  };
}

function publishedAlready({ name, version, digest, sizeBytes }: FunctionInfo): Published {
  return { name, version, digest, sizeBytes, address: `/v1/functions/${name}`, created: false };
}
