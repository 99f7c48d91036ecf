/** The error numbers of `wasi_snapshot_preview1` that are given here. */
export const ERRNO = {
  success: 0,
  access: 2,
  again: 6,
  badf: 8,
  exist: 20,
  fault: 21,
  fbig: 22,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  notsup: 58,
  overflow: 61,
  perm: 63,
  pipe: 64,
  rofs: 69,
  spipe: 70,
  xdev: 75,
} as const;

/** What a function of WASI 0.1 throws to answer with an error number. */
export class Preview1Error extends Error {
  override readonly name = 'Preview1Error';
  readonly errno: number;

  constructor(errno: number) {
    super(`error ${errno}`);
    this.errno = errno;
  }
}

/** Throws an error number. */
export function failWith(name: keyof typeof ERRNO): never {
  throw new Preview1Error(ERRNO[name]);
}

/** `wasi:filesystem`'s codes, as WASI 0.1 has them. */
const OF_CODE: Readonly<Record<string, number>> = {
  access: ERRNO.access,
  'bad-descriptor': ERRNO.badf,
  'cross-device': ERRNO.xdev,
  exist: ERRNO.exist,
  'file-too-large': ERRNO.fbig,
  'insufficient-space': ERRNO.nospc,
  invalid: ERRNO.inval,
  'is-directory': ERRNO.isdir,
  loop: ERRNO.loop,
  'name-too-long': ERRNO.nametoolong,
  'no-entry': ERRNO.noent,
  'not-directory': ERRNO.notdir,
  'not-empty': ERRNO.notempty,
  'not-permitted': ERRNO.perm,
  overflow: ERRNO.overflow,
  'read-only': ERRNO.rofs,
  unsupported: ERRNO.notsup,
  'would-block': ERRNO.again,
};

/**
 * The error number of something thrown: by `failWith`, or by a resource of WASI 0.2, which throws bare codes and stream errors.
 * Everything else is an end of the guest (an exit, a trap) and is thrown on.
 */
export function errnoOf(thrown: unknown): number {
  if (thrown instanceof Preview1Error) return thrown.errno;
  if (typeof thrown === 'string') return OF_CODE[thrown] ?? ERRNO.io;
  if (typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error) && 'tag' in thrown) {
    return thrown.tag === 'closed' ? ERRNO.pipe : ERRNO.io;
  }
  throw thrown;
}
