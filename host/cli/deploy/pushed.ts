import { type CloudletClient, failureOf } from '../../../guest-sdk/client/index.ts';
import type { FunctionInfo, FunctionName, Published } from '../../../guest-sdk/protocol/index.ts';
import type { Source } from '../package/source.ts';
import { showProgress } from '../terminal/progress.ts';
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
  found: Source,
  kept: KeptComponents,
  signal: AbortSignal,
): Promise<{ readonly published: Published; readonly end: SentBytes }> {
  const { content, digest, close } = await functionContent(found);
  const progress = showProgress(name);
  try {
    progress.stage('sending');
    const present = await functionAt(client, name, signal);
    const { signers = [] } = found;
    const isSigned = signers.length === 0 || signers.includes(present?.publisher?.fingerprint ?? '');
    if (present?.digest === digest && isSigned)
      return {
        published: publishedAlready(present),
        end: { sentBytes: 0, totalBytes: content.bytes, savedBytes: content.bytes, wasThere: true },
      };
    const dictionaries = await kept.dictionaries(present?.component ?? present?.digest);
    const news = client.push(name, content, { digest, dictionaries, signers, signal });
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

/** What calls go to, as a publish of it that changed nothing. */
export function publishedAlready({ name, version, digest, sizeBytes }: FunctionInfo): Published {
  return { name, version, digest, sizeBytes, address: `/v1/functions/${name}`, created: false };
}
