import {
  CloudletError,
  type Deployment,
  type Digest,
  FunctionList,
  type FunctionName,
  PACKAGE_TYPES,
} from '../../protocol/index.ts';
import { publishFunction } from '../publish-function.ts';
import type { HostAddress } from '../request.ts';
import type { Content } from './content.ts';
import type { DeployNews } from './deploy.ts';

/** Bytes of what goes whole that are in memory at once. */
const PIECE_BYTES = 256 * 1024;

/** A package as it is pushed, with signatures that the cloudlet may lack. */
export interface SignedContent {
  readonly name: FunctionName;
  readonly content: Content;
  /** Of the package's manifest. */
  readonly digest: Digest;
  /** Fingerprints of the keys that signed it. */
  readonly signers: readonly string[];
}

/**
 * The news of `push`, unless that finds the package there without its signatures: those travel in the package, and it goes whole then. So
 * what was published unsigned becomes signed, and what is refused unsigned is taken.
 */
export async function* pushSigned(
  host: HostAddress,
  signed: SignedContent,
  push: AsyncIterable<DeployNews>,
  signal: AbortSignal | undefined,
): AsyncGenerator<DeployNews> {
  for await (const news of push) {
    // Leaving gives it up; a version that came of it all the same is the one that is to have the signatures.
    if (news.kind === 'accepted' && isThere(news.deployment) && !(await isSignedThere(host, signed, signal))) break;
    yield news;
    if (news.kind === 'ended') return;
  }
  const { name, content } = signed;
  let last: Deployment | undefined;
  const options = { sizeBytes: content.bytes, mediaType: PACKAGE_TYPES[0], signal };
  let id = 0;
  for await (last of publishFunction(host, name, piecesOf(content), options)) {
    yield { kind: 'event', event: { id, event: 'state', data: last } };
    id += 1;
  }
  if (last === undefined)
    throw new CloudletError('network-unavailable', 'the cloudlet stopped before it had said how the publish ended');
  yield { kind: 'ended', deployment: last, sentBytes: content.bytes };
}

function isThere({ rung }: Pick<Deployment, 'rung'>): boolean {
  return rung === 'running' || rung === 'cached';
}

async function isSignedThere(
  host: HostAddress,
  { name, digest, signers }: SignedContent,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { functions } = await host.json(FunctionList, { path: '/v1/functions', signal });
  const found = functions.find((each) => each.name === name && each.digest === digest);
  return found?.publisher != null && signers.includes(found.publisher.fingerprint);
}

async function* piecesOf({ bytes, slice }: Content): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) yield await slice(at, Math.min(bytes, at + PIECE_BYTES));
}
