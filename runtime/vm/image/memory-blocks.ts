/** Length of a block of the digest of a saved VM's memory, bytes. An overlay changes single pages all over it, and each block that it touches is read and hashed. */
export const MEMORY_BLOCK_BYTES = 16 * 1024;
