// end to end
// time limit: 120 s
import { suite } from 'uvu';
import { tryCounter } from '../../../support/importing-world.ts';

const imports = suite('what a function in AssemblyScript imports');

const COUNTER = `
import { Bucket, Cas, CasErrorTag, clocks, config, err, io, keyvalue, Level, logging, none, ok, Option, Pollable, Result, Tuple2 } from 'counter';

function open(): Bucket {
  const opened = keyvalue.store.open('default');
  assert(opened.isOk);
  return opened.ok;
}

export function count(key: string): Result<i64, string> {
  const step = config.store.get('step');
  if (!step.isOk || !step.ok.isSome) return err<i64, string>('no step');
  const bucket = open();
  const counted = keyvalue.atomics.increment(bucket, key, <i64>parseInt(step.ok.value));
  bucket.drop();
  return counted.isOk ? ok<i64, string>(counted.ok) : err<i64, string>('not counted');
}

export function swap(key: string, value: Uint8Array): Result<Option<Uint8Array>, string> {
  const bucket = open();
  let made = Cas.new_(bucket, key);
  assert(made.isOk);
  let cas = made.ok;
  const before = cas.current();
  for (;;) {
    const swapped = keyvalue.atomics.swap(cas, value);
    if (swapped.isOk) break;
    if (swapped.err.tag != CasErrorTag.CasFailed) return err<Option<Uint8Array>, string>('not swapped');
    cas = swapped.err.casFailed;
  }
  bucket.drop();
  return ok<Option<Uint8Array>, string>(before.ok);
}

export function fill(n: u32): Result<Array<string>, string> {
  const bucket = open();
  const pairs = new Array<Tuple2<string, Uint8Array>>();
  const keys = new Array<string>();
  for (let at: u32 = 0; at < n; at++) {
    const key = 'k' + at.toString();
    keys.push(key);
    pairs.push(new Tuple2<string, Uint8Array>(key, Uint8Array.wrap(String.UTF8.encode(key))));
  }
  assert(keyvalue.batch.setMany(bucket, pairs).isOk);
  const all = keyvalue.batch.getMany(bucket, keys);
  assert(all.isOk);
  logging.logging.log(Level.Info, 'fill', 'done');
  assert(bucket.exists('k0').ok && !bucket.get('nope').ok.isSome);
  const page = bucket.listKeys(none<string>());
  assert(page.isOk && <u32>page.ok.keys.length >= n);
  const found = new Array<string>();
  for (let at = 0; at < all.ok.length; at++) {
    const pair = all.ok[at].value;
    found.push(pair.f0 + '=' + String.UTF8.decode(pair.f1.buffer));
  }
  bucket.drop();
  return ok<Array<string>, string>(found);
}

export function ready(): Uint32Array {
  const soon = clocks.monotonicClock.subscribeDuration(1);
  const later = clocks.monotonicClock.subscribeDuration(60_000_000_000);
  const answer = io.poll.poll([later, soon]);
  soon.drop();
  later.drop();
  return answer;
}
`;

imports('counts in keyvalue, reads its configuration, and waits', () =>
  tryCounter('f.ts', COUNTER, { language: 'assemblyscript' }),
);

imports.run();
