import type { GrantedDirectory, GrantedFile } from '../wasi/index.ts';

/** Bytes of a file that are on their way to the host while machines have the function already. */
export interface LateContent {
  readonly length: number;
  /** The bytes, once they are here and were compared with their digest. */
  readonly here: Uint8Array | null;
  /** Resolves with them when they are here; rejects when they do not come. */
  readonly whenHere: Promise<Uint8Array>;
  /** Somebody waits for them: they come before others. */
  want(): void;
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
