// Memory of a call: what the host allocates for arguments and what is laid out for the answer is freed after it was read, what an
// import needs after that one.
let blocks: usize = 0;
export function take(size: usize): usize {
  const block = heap.alloc(size + 16);
  store<usize>(block, blocks);
  blocks = block;
  return block + 16;
}
export function mark(): usize { return blocks; }
export function unwind(to: usize): void {
  while (blocks != to) {
    const next = load<usize>(blocks);
    heap.free(blocks);
    blocks = next;
  }
}
export function release(): void {
  unwind(0);
  __collect();
}
export function reallocate(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  const block = take(size);
  if (oldSize != 0) memory.copy(block, old, min(oldSize, size));
  return block;
}
export function takeString(start: usize, length: i32): string { return String.UTF8.decodeUnsafe(start, length); }
export function giveString(at: usize, value: string): void {
  const length = String.UTF8.byteLength(value);
  const start: usize = length == 0 ? <usize>1 : take(length);
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, start);
  store<u32>(at, <u32>start);
  store<u32>(at + 4, length);
}
export function takeNumbers<T extends ArrayBufferView>(start: usize, length: i32, size: i32): T {
  const list = instantiate<T>(length);
  memory.copy(list.dataStart, start, <usize>length * size);
  return list;
}
export function giveNumbers<T extends ArrayBufferView>(at: usize, value: T, size: i32, align: usize): void {
  const bytes = <usize>value.byteLength;
  const start = bytes == 0 ? align : take(bytes);
  memory.copy(start, value.dataStart, bytes);
  store<u32>(at, <u32>start);
  store<u32>(at + 4, <u32>(bytes / size));
}
