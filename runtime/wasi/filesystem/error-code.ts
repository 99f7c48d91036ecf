/** `wasi:filesystem/types#error-code`: the ones that an in-memory file system can answer with. */
export type FilesystemErrorCode =
  | 'bad-descriptor'
  | 'cross-device'
  | 'exist'
  | 'file-too-large'
  | 'insufficient-space'
  | 'invalid'
  | 'is-directory'
  | 'loop'
  | 'name-too-long'
  | 'no-entry'
  | 'not-directory'
  | 'not-empty'
  | 'not-permitted'
  | 'overflow'
  | 'read-only';

/** Throws an error code as the glue wants it: the bare value of the enum. */
export function fail(code: FilesystemErrorCode): never {
  throw code;
}
