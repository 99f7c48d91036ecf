/** One entry of an archive. Modes are permissions only; the kind adds the rest. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'character-device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE = { directory: 0o040000, file: 0o100000, 'character-device': 0o020000 } as const;

/** A `newc` archive, as the kernel unpacks it for its initial root (initramfs buffer format). Same entries, same bytes. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const add = (path: string, mode: number, bytes: Uint8Array, device: readonly [number, number]) => {
    const name = Buffer.from(`${path}\0`);
    const ino = path === 'TRAILER!!!' ? 0 : parts.length + 1;
    const fields = [ino, mode, 0, 0, 1, 0, bytes.length, 0, 0, device[0], device[1], name.length, 0];
    const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
    parts.push(head, name, padding(head.length + name.length, 4), Buffer.from(bytes), padding(bytes.length, 4));
  };
  for (const entry of entries) {
    const permissions = entry.kind === 'directory' ? 0o755 : entry.mode;
    const device = entry.kind === 'character-device' ? ([entry.major, entry.minor] as const) : ([0, 0] as const);
    add(entry.path, TYPE[entry.kind] | permissions, entry.kind === 'file' ? entry.bytes : new Uint8Array(), device);
  }
  add('TRAILER!!!', 0, new Uint8Array(), [0, 0]);
  const archive = Buffer.concat(parts);
  return Buffer.concat([archive, padding(archive.length, 512)]);
}

function padding(length: number, to: number): Buffer {
  return Buffer.alloc((to - (length % to)) % to);
}
