/** Gives a core module's exports other names, because a WIT name is no name of AssemblyScript's. Names that the map lacks stay. */
export function renameExports(module: Uint8Array, names: ReadonlyMap<string, string>): Uint8Array {
  const pieces: Uint8Array[] = [module.subarray(0, 8)];
  let at = 8;
  while (at < module.length) {
    const id = module[at];
    const size = readLeb(module, at + 1);
    const end = size.next + size.value;
    if (id !== EXPORT_SECTION) pieces.push(module.subarray(at, end));
    else {
      const body = renamed(module.subarray(size.next, end), names);
      pieces.push(Uint8Array.of(EXPORT_SECTION), writeLeb(body.length), body);
    }
    at = end;
  }
  return Buffer.concat(pieces);
}

const EXPORT_SECTION = 7;

function renamed(body: Uint8Array, names: ReadonlyMap<string, string>): Uint8Array {
  const count = readLeb(body, 0);
  const pieces: Uint8Array[] = [writeLeb(count.value)];
  let at = count.next;
  for (let left = count.value; left > 0; left--) {
    const length = readLeb(body, at);
    const after = length.next + length.value;
    const old = new TextDecoder().decode(body.subarray(length.next, after));
    const name = new TextEncoder().encode(names.get(old) ?? old);
    // A kind, then an index.
    const { next } = readLeb(body, after + 1);
    pieces.push(writeLeb(name.length), name, body.subarray(after, next));
    at = next;
  }
  return Buffer.concat(pieces);
}

function readLeb(bytes: Uint8Array, from: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let next = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next };
  }
}

function writeLeb(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
