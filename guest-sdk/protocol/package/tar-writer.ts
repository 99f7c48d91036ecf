import { encodePaxRecord, encodeTarHeader, fitsTarHeader, TAR_BLOCK_BYTES } from './tar-header.ts';

/** A file of a tar. */
export type TarFile = readonly [name: string, bytes: Uint8Array];

/** A tar of files in pieces: the same bytes for the same files in the same order, with nothing of this computer in them. */
export function tarPieces(files: Iterable<TarFile>): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const [name, bytes] of files) {
    if (fitsTarHeader(name)) {
      pieces.push(encodeTarHeader({ name, type: '0', size: bytes.length }));
    } else {
      const record = encodePaxRecord('path', name);
      pieces.push(encodeTarHeader({ name: 'pax', type: 'x', size: record.length }), record, filling(record.length));
      pieces.push(encodeTarHeader({ name: 'long', type: '0', size: bytes.length }));
    }
    pieces.push(bytes, filling(bytes.length));
  }
  pieces.push(new Uint8Array(2 * TAR_BLOCK_BYTES));
  return pieces.filter((piece) => piece.length > 0);
}

/** Where the bytes of each of these files begin in their tar. */
export function tarPlaces(files: Iterable<TarFile>): number[] {
  const places: number[] = [];
  let at = 0;
  for (const [name, bytes] of files) {
    at += TAR_BLOCK_BYTES;
    if (!fitsTarHeader(name)) {
      const { length } = encodePaxRecord('path', name);
      at += length + filling(length).length + TAR_BLOCK_BYTES;
    }
    places.push(at);
    at += bytes.length + filling(bytes.length).length;
  }
  return places;
}

function filling(bytes: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK_BYTES - (bytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** The pieces as one. */
export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
