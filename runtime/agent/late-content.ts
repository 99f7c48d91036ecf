import type { GrantedDirectory, GrantedFile } from '../wasi/index.ts';

/** Bytes of a file that are on their way to the host while machines have the function already, in pieces that come in any order. */
export interface LateContent {
  readonly length: number;
  /** How long each piece is, at least a byte; together they are the file. */
  readonly pieces: readonly number[];
  /** All bytes, once they are here and were compared with their digests. */
  readonly here: Uint8Array | null;
  /** Resolves with a piece when it is here and was compared with its digest; rejects when it does not come. */
  whenHere(piece: number): Promise<Uint8Array>;
  /** Somebody waits for a piece: it comes before others. */
  want(piece: number): void;
}

/** A file as it is put into a sandbox: its bytes, or what gives them later. */
export interface SentFile extends Pick<GrantedFile, 'names'> {
  readonly bytes: Uint8Array | LateContent;
}

/** A directory with such files. */
export interface SentDirectory extends Omit<GrantedDirectory, 'files'> {
  readonly files: readonly SentFile[];
}

/** Whether a file's bytes may still be on their way. */
export function isLate(bytes: Uint8Array | LateContent): bytes is LateContent {
  return !(bytes instanceof Uint8Array);
}
