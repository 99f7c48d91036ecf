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

/** Builds a project of the file `entry` with this text, publishes it to a cloudlet and asks each of its functions. */
export async function tryCounter(entry: string, source: string, more: object = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-counter-'));
  const lab = await openLab();
  try {
    const project = { name: 'counter', entry, wit: 'w.wit', ...GRANT, ...more };
    await mkdir(dirname(join(folder, entry)), { recursive: true });
    await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
    await writeFile(join(folder, 'w.wit'), COUNTER_WIT);
    await writeFile(join(folder, entry), source);
    const component = await readFile((await build(folder)).component);
    const name = parseName('counter');
    const { pieces } = await writePackage({ component, grant: GRANT, files: [] });
    await lab.cloudlet.publish(name, bodyOf(Buffer.concat(pieces)));
    const call = async (target: string, ...args: unknown[]) => {
      const formats = { argumentFormat: 'json', resultFormat: 'json' } as const;
      const { value } = await lab.cloudlet.call(name, target, args, formats);
      return JSON.parse(JSON.stringify(value)) as unknown;
    };
    for (let round = 1; round <= ROUNDS; round++) assert.equal(await call('count', 'a'), { ok: round * 2 });
    assert.equal(await call('swap', 'x', 'AQ=='), { ok: null });
    assert.equal(await call('swap', 'x', 'Ag=='), { ok: 'AQ==' });
    assert.equal(await call('fill', 3), { ok: ['k0=k0', 'k1=k1', 'k2=k2'] });
    assert.equal(await call('ready'), [1]);
  } finally {
    await lab.close();
    await rm(folder, { recursive: true });
  }
}
