import { type GrantedDirectory, type GrantedFile, GrantedFiles } from '../wasi/index.ts';
import { isLate, type LateContent, type SentDirectory } from './late-content.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { WireError } from './wire-error.ts';

/**
 * The files of a load, whose bytes follow those of the modules: a table of directories and files, then what is in these, in its order.
 * The bytes of those that are late come after the load.
 */
export interface FilesMessage {
  readonly tableBytes: number;
  readonly contentBytes: number;
  /** Most bytes in all scratch directories of one invocation. */
  readonly scratchBytes: number;
  /** Of the late ones, in the order of the table: how long their pieces are; none when left out. */
  readonly latePieces?: readonly (readonly number[])[];
}

/** A directory in the table, and the path and size of each of its files; a number behind them is that of a late one. */
type TableEntry = readonly [
  path: string,
  at: readonly string[],
  writable: boolean,
  files: readonly (readonly [names: readonly string[], bytes: number, late?: number])[],
];

/** What a load says of files, the bytes that follow, and those that are to follow later. */
export function encodeFiles(
  directories: readonly SentDirectory[],
  scratchBytes: number,
): {
  readonly message: FilesMessage;
  readonly parts: readonly Uint8Array[];
  readonly late: readonly LateContent[];
} {
  const contents: Uint8Array[] = [];
  const late: LateContent[] = [];
  const entries = directories.map(
    ({ path, at, writable, files }): TableEntry => [
      path,
      at,
      writable,
      files.map(({ names, bytes }) => {
        const here = isLate(bytes) ? bytes.here : bytes;
        if (here === null) return [names, bytes.length, late.push(bytes as LateContent) - 1] as const;
        contents.push(here);
        return [names, here.length] as const;
      }),
    ],
  );
  const table = encodeMessage(entries);
  const contentBytes = contents.reduce((sum, { length }) => sum + length, 0);
  const latePieces = late.map(({ pieces }) => pieces);
  const message = { tableBytes: table.length, contentBytes, scratchBytes };
  return { message: late.length === 0 ? message : { ...message, latePieces }, parts: [table, ...contents], late };
}

/** Of a load without files. */
export const NO_FILES: FilesMessage = { tableBytes: 0, contentBytes: 0, scratchBytes: 0 };

/**
 * The files of which `encodeFiles` made these bytes; they are views of them. A guest that `looksUpPaths` has the empty root besides,
 * where what it looks for in vain is seen.
 */
export function decodeFiles(message: FilesMessage | null, bytes: Uint8Array, looksUpPaths: boolean): GrantedFiles {
  const { tableBytes, contentBytes, scratchBytes, latePieces = [] } = message ?? NO_FILES;
  // The table is decoded from a copy: the bytes may be shared between workers, and decoders of text refuse those.
  const table = message === null ? [] : (decodeMessage(bytes.slice(0, tableBytes)) as readonly TableEntry[]);
  const taker = (start: number) => {
    let at = start;
    return (length: number): Uint8Array => {
      at += length;
      if (at > bytes.length) throw new WireError(`expected ${at} bytes of files, got ${bytes.length}`);
      return bytes.subarray(at - length, at);
    };
  };
  const [take, takeLate] = [taker(tableBytes), taker(tableBytes + contentBytes)];
  const directories = table.map(([path, place, writable, files]): GrantedDirectory => {
    const granted = files.map(([names, length, late]): GrantedFile => {
      const pieces = late === undefined ? undefined : (latePieces[late] ?? []).reduce((sum, bytes) => sum + bytes, 0);
      if (pieces !== undefined && pieces !== length)
        throw new WireError(`expected ${length} bytes of the late file ${late}, got ${pieces}`);
      return late === undefined ? { names, bytes: take(length) } : { names, bytes: takeLate(length), late };
    });
    return { path, at: place, writable, files: granted };
  });
  // Last, because guests take the first that fits. It has what is granted and else nothing, but without it a C library says of a path that is
  // in no directory that there is none, without a word to us: nobody could be told what the program looked for.
  if (looksUpPaths && !directories.some(({ at: place }) => place.length === 0)) {
    directories.push({ path: '/', at: [], writable: false, files: [] });
  }
  return new GrantedFiles(directories, scratchBytes);
}
