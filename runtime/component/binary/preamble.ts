import { type ByteReader, refused } from './byte-reader.ts';

/** What the first eight bytes of a WebAssembly file announce. */
export type BinaryKind = 'component' | 'core-module';

const PREAMBLE_BYTES = 8;
const CORE_VERSION = 1;
const COMPONENT_VERSION = 0x0d;
const COMPONENT_LAYER = 1;

/** Reads magic, version and layer, and refuses what is neither a component nor a core module of the versions known here. */
export function readPreamble(reader: ByteReader): BinaryKind {
  const available = reader.end - reader.at;
  const head = reader.bytes.subarray(reader.at, reader.at + Math.min(available, PREAMBLE_BYTES));
  if (available === 0) throw refused('expected a WebAssembly component, got an empty file');
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (magic.some((byte, index) => index < head.length && head[index] !== byte)) {
    throw refused(
      `expected a WebAssembly component, which starts with the bytes 00 61 73 6d, got a file that starts with ${inHex(head)}`,
    );
  }
  if (available < PREAMBLE_BYTES) {
    throw refused(
      `expected the WebAssembly version at byte 4, but the file ends at byte ${reader.end}: it is truncated`,
    );
  }
  reader.skip(PREAMBLE_BYTES, 'the WebAssembly preamble');
  const version = head[4]! | (head[5]! << 8);
  const layer = head[6]! | (head[7]! << 8);
  if (layer === 0 && version === CORE_VERSION) return 'core-module';
  if (layer === COMPONENT_LAYER && version === COMPONENT_VERSION) return 'component';
  throw refused(
    `expected a component (version 13, layer 1) or a core module (version 1, layer 0), got version ${version}, layer ${layer}; build it with current tools`,
  );
}

function inHex(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
  return `${hex} (${JSON.stringify(text)})`;
}
