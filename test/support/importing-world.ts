/**
 * A world that counts, swaps and waits with what a host gives it, and what every language's function of it has to answer on a real cloudlet.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { build } from '../../guest-sdk/build/index.ts';
import { parseName, writePackage } from '../../guest-sdk/protocol/index.ts';
import { bodyOf, openLab } from './cloudlet-lab.ts';

/** The WIT of the world `counter`. */
export const COUNTER_WIT = `package a:b;
world counter {
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:config/store@0.2.0-rc.1;
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:logging/logging@0.1.0-draft;
  export count: func(key: string) -> result<s64, string>;
  export swap: func(key: string, value: list<u8>) -> result<option<list<u8>>, string>;
  export fill: func(n: u32) -> result<list<string>, string>;
  export ready: func() -> list<u32>;
}
`;

const GRANT = { configuration: { step: '2' }, stores: { keyvalue: { bytes: 1_000_000 } } };

/** Many more than a machine has room for handles that nobody gives back. */
const ROUNDS = 50;

/** A world that a program has: what it imports, and one function beside its `main`. */
const TALLY_WIT = `package a:b;
world tally {
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:config/store@0.2.0-rc.1;
  export twice: func(n: u32) -> u32;
}
`;

/** Builds a project of the file `entry` with this text for the world `counter`, publishes it to a cloudlet and asks each of its functions. */
export async function tryCounter(entry: string, source: string, more: object = {}): Promise<void> {
  await published('counter', { [entry]: source, 'w.wit': COUNTER_WIT }, { entry, ...more }, async ({ call }) => {
    for (let round = 1; round <= ROUNDS; round++) assert.equal(await call('count', 'a'), { ok: round * 2 });
    assert.equal(await call('swap', 'x', 'AQ=='), { ok: null });
    assert.equal(await call('swap', 'x', 'Ag=='), { ok: 'AQ==' });
    assert.equal(await call('fill', 3), { ok: ['k0=k0', 'k1=k1', 'k2=k2'] });
    assert.equal(await call('ready'), [1]);
  });
}

/**
 * The same for a program of the world `tally`: it adds the step of its configuration to the key that its first argument names, as often as the second says, and
 * prints both; without them it ends with status 2.
 */
export async function tryTally(entry: string, source: string, more: object = {}, files: Files = {}): Promise<void> {
  const all = { ...files, [entry]: files[entry] ?? source, 'w.wit': TALLY_WIT };
  await published('tally', all, { entry, kind: 'command', ...more }, async ({ call, run }) => {
    assert.equal(await run('a', '3'), [0, 'a 6\n']);
    assert.equal(await run('a', '1000'), [0, 'a 2006\n']);
    assert.equal(await run(), [2, '']);
    assert.is(await call('twice', 21), 42);
  });
}

type Files = Readonly<Record<string, string>>;

/** A published function's doors. */
interface Doors {
  readonly call: (target: string, ...args: unknown[]) => Promise<unknown>;
  readonly run: (...words: string[]) => Promise<[status: number | undefined, output: string]>;
}

async function published(
  program: string,
  files: Files,
  project: object,
  work: (doors: Doors) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `cloudlet-${program}-`));
  const lab = await openLab();
  try {
    const written = {
      'cloudlet.json': JSON.stringify({ name: program, wit: 'w.wit', ...GRANT, ...project }),
      ...files,
    };
    for (const [path, text] of Object.entries(written)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const component = await readFile((await build(folder)).component);
    const name = parseName(program);
    const { pieces } = await writePackage({ component, grant: GRANT, files: [] });
    await lab.cloudlet.publish(name, bodyOf(Buffer.concat(pieces)));
    await work({
      call: async (target, ...args) => {
        const formats = { argumentFormat: 'json', resultFormat: 'json' } as const;
        const { value } = await lab.cloudlet.call(name, target, args, formats);
        return JSON.parse(JSON.stringify(value)) as unknown;
      },
      run: async (...words) => {
        const { output, done } = await lab.cloudlet.invoke(name, { door: 'run', arguments: words }, bodyOf(''));
        const pieces: Uint8Array[] = [];
        for await (const piece of output) pieces.push(piece);
        return [(await done).exitCode, Buffer.concat(pieces).toString()];
      },
    });
  } finally {
    await lab.close();
    await rm(folder, { recursive: true });
  }
}
