import { bytesOfDigest, Deployment, type Digest, encodeBase64, type FunctionName } from '../protocol/index.ts';
import { readEvents } from './event-lines.ts';
import type { HostAddress } from './request.ts';
import type { BodySource } from './transport.ts';

/** What a component or package is published with. */
export interface PublishOptions {
  readonly sizeBytes?: number;
  /** That of a component by default; a package has another, see `PACKAGE_TYPES`. */
  readonly mediaType?: string;
  /** Lets the cloudlet refuse bytes that changed on their way. */
  readonly digest?: Digest;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a component or package whole and gives the states of its deployment, the last of which is `ready` or `failed`. */
export async function* publishFunction(
  host: HostAddress,
  name: FunctionName,
  component: BodySource,
  { sizeBytes, digest, mediaType = 'application/wasm', signal }: PublishOptions = {},
): AsyncGenerator<Deployment> {
  const headers: Record<string, string> = { 'content-type': mediaType, prefer: 'respond-async' };
  if (sizeBytes !== undefined) headers['content-length'] = String(sizeBytes);
  if (digest !== undefined) headers['content-digest'] = `sha-256=:${encodeBase64(bytesOfDigest(digest))}:`;
  const path = `/v1/functions/${name}`;
  const accepted = await host.json(Deployment, { method: 'PUT', path, headers, body: component, signal });
  const response = await host.send({ path: `/v1/deployments/${encodeURIComponent(accepted.id)}/events`, signal });
  for await (const { data } of readEvents(response.body)) yield host.parse(Deployment, data, path);
}
