import { type Digest, digestOf, type FunctionName, type Part } from '../../protocol/index.ts';
import type { HostAddress } from '../request.ts';
import type { Content } from './content.ts';
import { type DeployNews, type DeployOptions, deploy, type HeldDictionary } from './deploy.ts';
import { cutIntoParts, type HeldParts } from './held-parts.ts';
import { pushSigned } from './push-signed.ts';

/** How a function is pushed. */
export interface PushFunctionOptions extends Pick<DeployOptions, 'signal' | 'unasked'> {
  /** Of the version: the component's (default: that of the content), or that of a package's manifest. */
  readonly digest?: Digest | undefined;
  /** Other components that the device has, the likest first, such as the version before: of one that the cloudlet has, too, only the difference goes. */
  readonly dictionaries?: readonly HeldDictionary[];
  /** Where the cloudlet can fetch it as well. */
  readonly from?: string | undefined;
  /** Fingerprints of the keys whose signatures are in the package: where the cloudlet has it without one of theirs, it goes whole, to bring them. */
  readonly signers?: readonly string[];
  readonly requirements?: Parameters<typeof deploy>[1]['requirements'];
  /** Ready is told as soon as it answers calls, while its files still go; the end is `complete` then. */
  readonly early?: boolean;
}

/**
 * Has a component or package on the cloudlet under a name: nothing is sent of what is there, and of what is not, only what differs from a
 * component that both have, or from chunks that the cloudlet has. Its news are those of `deploy`.
 */
export async function* pushFunction(
  host: HostAddress,
  name: FunctionName,
  content: Content,
  { digest, signers = [], ...options }: PushFunctionOptions = {},
): AsyncGenerator<DeployNews> {
  const known = digest ?? (await digestOf(await content.slice(0, content.bytes)));
  const push = pushKnown(host, name, content, known, options);
  if (signers.length === 0) yield* push;
  else yield* pushSigned(host, { name, content, digest: known, signers }, push, options.signal);
}

async function* pushKnown(
  host: HostAddress,
  name: FunctionName,
  content: Content,
  known: Digest,
  {
    dictionaries = [],
    from,
    requirements = [],
    early = false,
    unasked = false,
    signal,
  }: Omit<PushFunctionOptions, 'digest' | 'signers'>,
): AsyncGenerator<DeployNews> {
  const request = (parts: readonly Part[]) => ({
    want: { function: name, digest: known, parts: [...parts], ...(from === undefined ? {} : { from }) },
    requirements,
    ...(early ? { early } : {}),
  });
  const send = (held: HeldParts, more: Pick<DeployOptions, 'dictionaries' | 'unasked'> = {}) =>
    deploy(host, request(held.parts), { held, signal, ...more });
  if (host.compression.withDictionary !== null && dictionaries.length > 0) {
    // With a dictionary, chunks would only make the list longer.
    for await (const news of send(await cutIntoParts(content, { wholeComponents: true }), { dictionaries })) {
      // Leaving gives it up: without a dictionary it is asked for anew, in chunks.
      if (news.kind === 'accepted' && news.deployment.dictionary === undefined && news.deployment.bytesMissing > 0)
        break;
      yield news;
      if (news.kind === 'ended') return;
    }
  }
  // Of what may be compressed with something that is there, or has been asked for in vain, nothing goes before the answer.
  yield* send(await cutIntoParts(content), { unasked: unasked && dictionaries.length === 0 });
}
