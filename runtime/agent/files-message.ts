import { type GrantedDirectory, GrantedFiles } from '../wasi/index.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { WireError } from './wire-error.ts';

/** The files of a load, whose bytes follow those of the modules: a table of directories and files, then what is in these, in its order. */
export interface FilesMessage {
  readonly tableBytes: number;
  readonly contentBytes: number;
  /** Most bytes in all scratch directories of one invocation. */
  readonly scratchBytes: number;
}

/** A directory in the table, and the path and size of each of its files. */
type TableEntry = readonly [
  path: string,
  at: readonly string[],
  writable: boolean,
  files: readonly (readonly [names: readonly string[], bytes: number])[],
];

/** What a load says of files, and the bytes that follow. */
export function encodeFiles(
  directories: readonly GrantedDirectory[],
  scratchBytes: number,
): { readonly message: FilesMessage; readonly parts: readonly Uint8Array[] } {
  const table = encodeMessage(
    directories.map(
      ({ path, at, writable, files }): TableEntry => [
        path,
        at,
        writable,
        files.map(({ names, bytes }) => [names, bytes.length] as const),
      ],
    ),
  );
  const contents = directories.flatMap(({ files }) => files.map(({ bytes }) => bytes));
  const contentBytes = contents.reduce((sum, { length }) => sum + length, 0);
  return { message: { tableBytes: table.length, contentBytes, scratchBytes }, parts: [table, ...contents] };
}

/**
 * The files of which `encodeFiles` made these bytes; they are views of them. A guest that `looksUpPaths` has the empty root besides,
 * where what it looks for in vain is seen.
 */
export function decodeFiles(message: FilesMessage | null, bytes: Uint8Array, looksUpPaths: boolean): GrantedFiles {
  const { tableBytes, scratchBytes } = message ?? { tableBytes: 0, scratchBytes: 0 };
  // The table is decoded from a copy: the bytes may be shared between workers, and decoders of text refuse those.
  const table = message === null ? [] : (decodeMessage(bytes.slice(0, tableBytes)) as readonly TableEntry[]);
  let at = tableBytes;
  const take = (length: number): Uint8Array => {
    at += length;
    if (at > bytes.length) throw new WireError(`expected ${at} bytes of files, got ${bytes.length}`);
    return bytes.subarray(at - length, at);
  };
  const directories = table.map(([path, place, writable, files]) => ({
    ...{ path, at: place, writable },
    files: files.map(([names, length]) => ({ names, bytes: take(length) })),
  }));
  // Last, because guests take the first that fits. It has what is granted and else nothing, but without it a C library says of a path that is
  // in no directory that there is none, without a word to us: nobody could be told what the program looked for.
  if (looksUpPaths && !directories.some(({ at: place }) => place.length === 0)) {
    directories.push({ path: '/', at: [], writable: false, files: [] });
  }
  return new GrantedFiles(directories, scratchBytes);
}
