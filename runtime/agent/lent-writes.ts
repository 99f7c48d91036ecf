/** A list of bytes that the glue copies out of the guest's memory, up to the call that takes it, in a function that WebAssembly calls. */
const WRITTEN =
  /\bvar (result\d+) = new Uint8Array\((memory\d+)\.buffer\.slice\((ptr\d+), \3 \+ (len\d+) \* 1\)\);\n(\s+let ret;\n\s+try \{\n\s+ret = \{ tag: 'ok', val: (?:await )?rsc\d+\.(?:write|blockingWriteAndFlush)\(\1\)\};)/g;

/**
 * The glue with the bytes of `write` and `blocking-write-and-flush` of an output stream lent, not copied: a view of the guest's memory, which is copied once, to
 * where the stream keeps it. Making a copy for each call is three quarters of what a write costs. No view outlives its call but one whose
 * guest waits in it, and none is longer than the memory: such a list traps as before.
 */
export function lendWrites(glue: string): string {
  return glue.replace(WRITTEN, 'var $1 = new Uint8Array($2.buffer, $3, $4);\n$5');
}
