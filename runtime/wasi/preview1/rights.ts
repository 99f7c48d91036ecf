const right = (bit: number): bigint => 1n << BigInt(bit);
const all = (...bits: number[]): bigint => bits.reduce((rights, bit) => rights | right(bit), 0n);

/** The rights that decide something here: what a file is opened for. The others are only told. */
export const RIGHT = { read: right(1), write: right(6) } as const;

/** Rights of files: synchronise, read, seek, set flags, tell, write, advise, allocate, get and set what is known, poll. */
export const FILE_RIGHTS = all(0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 23, 27);

/** Rights of directories: all with a path but setting a size, and reading entries, and what is known of the directory itself. */
export const DIRECTORY_RIGHTS = all(0, 3, 4, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 23, 24, 25, 26);
