/**
 * How an artifact, or a refusal, comes out of the confined child: `u32le length | JSON head | glue | modules`, the sizes in the
 * head. The reader trusts none of it: lengths are compared with what really came, and the manifest is checked.
 */
import type { Artifact } from '../artifact.ts';
import { parseManifest } from '../manifest-schema.ts';

/** What the child is given is a component behind its digest, which is so many characters. */
export const DIGEST_CHARACTERS = 'sha256:'.length + 64;

/** Longest head, in bytes: the most functions and types that the inspector lets through, written out. */
const MAX_HEAD_BYTES = 32 * 1024 * 1024;

type Head =
  | { readonly refused: string }
  | { readonly manifest: unknown; readonly glueBytes: number; readonly moduleBytes: readonly number[] };

/** The bytes that say that a component is refused, and why. */
export function encodeRefusal(sentence: string): Uint8Array[] {
  return withHead({ refused: sentence }, []);
}

/** The bytes of an artifact, in parts. */
export function encodeArtifact(artifact: Artifact): Uint8Array[] {
  const glue = new TextEncoder().encode(artifact.glue);
  const modules = artifact.modules.map((module) => module.bytes);
  const head: Head = {
    manifest: artifact.manifest,
    glueBytes: glue.length,
    moduleBytes: modules.map((bytes) => bytes.length),
  };
  return withHead(head, [glue, ...modules]);
}

/** Reads what `encodeArtifact` or `encodeRefusal` made. Throws a plain error when the bytes are neither. */
export function decodeArtifact(bytes: Uint8Array): Artifact | { readonly refused: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 4) throw new Error(`expected a head, got ${bytes.length} bytes`);
  const headBytes = view.getUint32(0, true);
  if (headBytes > Math.min(MAX_HEAD_BYTES, bytes.length - 4))
    throw new Error(`expected a whole head, got a part of ${headBytes} bytes`);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headBytes))) as Partial<
    Record<string, unknown>
  >;
  if (typeof head['refused'] === 'string') return { refused: head['refused'].slice(0, 2000) };
  const manifest = parseManifest(head['manifest']);
  const sizes = [head['glueBytes'], ...(Array.isArray(head['moduleBytes']) ? head['moduleBytes'] : [])];
  if (!sizes.every((size): size is number => Number.isSafeInteger(size) && (size as number) >= 0))
    throw new Error('expected sizes');
  const total = sizes.reduce((sum, size) => sum + size, 4 + headBytes);
  if (sizes.length !== manifest.modules.length + 1 || total !== bytes.length) {
    throw new Error(`expected ${total} bytes in ${manifest.modules.length} modules, got ${bytes.length}`);
  }
  let at = 4 + headBytes;
  const [glue, ...modules] = sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
  return {
    manifest,
    glue: new TextDecoder('utf-8', { fatal: true }).decode(glue),
    modules: manifest.modules.map(({ name }, index) => ({ name, bytes: modules[index]! })),
  };
}

function withHead(head: Head, parts: Uint8Array[]): Uint8Array[] {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  return [length, json, ...parts];
}
