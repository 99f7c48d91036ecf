import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { OutsideRefusal, type OutsideService } from '../../runtime/outside/outside-service.ts';
import { Stores } from '../../runtime/outside/stores.ts';
import { memorySink, memorySource } from '../../runtime/wasi/index.ts';
import type { SeededRandom } from '../support/random.ts';

const QUOTA_BYTES = 100_000;
const NAMES = [
  'bucket',
  'key',
  'keys',
  'lengths',
  'bytes',
  'cursor',
  'delta',
  'version',
  'container',
  'object',
  'objects',
  'after',
  'most',
  'source',
  'destination',
  'move',
  'start',
  'end',
  'upload',
];
const TEXTS = [
  '',
  'a',
  'box',
  'default',
  '\0',
  'ä',
  '😀',
  '__proto__',
  'k'.repeat(1024),
  'k'.repeat(1025),
  '12',
  '-9223372036854775808',
];
const NUMBERS = [0, 1, 2, 1000, -1, 1.5, Number.NaN, 2 ** 53, 1_048_576, Number.POSITIVE_INFINITY];

/** What a hostile agent may send for an argument. */
function anything(random: SeededRandom, depth: number): unknown {
  switch (random.below(depth > 2 ? 6 : 8)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.pick([null, true, false, undefined]);
    case 3:
      return random.bytes(random.below(50));
    case 4:
      return Array.from({ length: random.below(4) }, () => random.pick(TEXTS));
    case 5:
      return Array.from({ length: random.below(4) }, () => random.pick(NUMBERS));
    case 6:
      return Array.from({ length: random.below(4) }, () => anything(random, depth + 1));
    default:
      return some(random, depth + 1);
  }
}

function some(random: SeededRandom, depth: number): Record<string, unknown> {
  const names = NAMES.filter(() => random.below(3) !== 0);
  return Object.fromEntries(names.map((name) => [name, likely(random, name, depth)]));
}

/** Often what the argument of this name should be, so that something is done now and then. */
function likely(random: SeededRandom, name: string, depth: number): unknown {
  if (random.below(3) === 0) return anything(random, depth);
  if (['bucket', 'key', 'container', 'object', 'after'].includes(name)) return random.pick(TEXTS);
  if (['keys', 'objects'].includes(name)) return [random.pick(TEXTS)];
  if (name === 'lengths') return [random.below(4)];
  if (name === 'bytes') return random.pick([null, random.bytes(random.below(4))]);
  if (['source', 'destination'].includes(name)) return { container: random.pick(TEXTS), object: random.pick(TEXTS) };
  if (name === 'move') return random.below(2) === 0;
  if (name === 'delta') return String(random.below(10) - 5);
  return random.below(4);
}

const directory = mkdtempSync(join(tmpdir(), 'cloudlet-fuzz-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
let opened: Promise<Stores> | undefined;

/** Whatever an agent asks of the stores, it is done within the quota or refused; nothing else is thrown, and nothing is left open. */
export default async function stores(random: SeededRandom): Promise<void> {
  opened ??= Stores.open(directory, { isFunction: () => true });
  const all = await opened;
  const grant = { functionName: `f${random.below(3)}`, quotaBytes: QUOTA_BYTES };
  const services = Object.entries({ ...all.keyValueServices(grant), ...all.blobServices(grant) });
  for (let times = 0; times < 20; times += 1) {
    const [name, service] = random.pick(services);
    await ask(name, service, random.below(10) === 0 ? anything(random, 0) : some(random, 0), random);
    const { keyValueBytes, blobBytes } = all.usage(grant.functionName);
    for (const bytes of [keyValueBytes, blobBytes])
      assert.ok(Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= QUOTA_BYTES, `${name}: ${bytes} bytes`);
  }
  if (random.below(10) === 0) {
    all.removeFunction(grant.functionName);
    assert.equal(all.usage(grant.functionName), { keyValueBytes: 0, blobBytes: 0 });
  }
}

async function ask(name: string, service: OutsideService, args: unknown, random: SeededRandom): Promise<void> {
  const abort = new AbortController();
  try {
    const source = memorySource(random.bytes(random.below(6)));
    const { end } = await service({ args, source, sink: memorySink(1e7), signal: abort.signal });
    end?.catch(() => {});
    abort.abort(new OutsideRefusal('forgotten', 'it is over'));
    await end;
  } catch (error) {
    if (!(error instanceof OutsideRefusal)) throw new Error(`${name} failed`, { cause: error });
  }
}
