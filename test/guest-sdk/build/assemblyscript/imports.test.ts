// end to end
import { suite } from 'uvu';
import { tryCounter } from '../../../support/importing-world.ts';
import { tryLowering } from '../../../support/lowered-world.ts';

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

const LOWERING = `import { b, Box, En, Fl, Pair, V, VTag, some, none, Tuple2, ok } from 'w';
export function run(): string {
  const list = new Int16Array(2);
  list[0] = -1; list[1] = 2;
  const p = new Pair('ä', list, -0.5);
  const out = new Array<string>();
  const all = [V.ofNone(), V.ofF(1.5), V.ofD(-2.25), V.ofI(-3), V.ofP(p), V.ofS('s'), V.ofL(u64.MAX_VALUE)];
  for (let at = 0; at < all.length; at++) {
    const v = all[at];
    const back = b.e.few(-1, v, Fl.X | Fl.Z, En.Two);
    assert(back.tag == v.tag && back.f == v.f && back.d == v.d && back.i == v.i && back.l == v.l);
    const box = Box.create(v);
    assert(box.get().tag == v.tag && box.get().i == v.i);
    const n = b.e.eat(box, ok<Box, string>(Box.create(v)));
    assert(n.length == 2 && n[1].get().tag == v.tag);
    n[0].drop(); n[1].drop();
    out.push(b.e.many(-1, u64.MAX_VALUE, 0.5, 'd', some<string>('e'), v, Fl.Y, En.One, 0x1f600, [v, V.ofI(-1)], new Tuple2<bool, i64>(true, -9), p));
  }
  assert(b.e.one(-1.5) == -1.5);
  assert(b.e.neg(-2) == -2);
  const r = b.e.rec(p, some<Pair>(p));
  assert(r.f0.a == 'ä' && r.f1.isSome && r.f1.value.b[0] == -1 && r.f1.value.c == -0.5);
  assert(!b.e.rec(p, none<Pair>()).f1.isSome);
  return out.join('\\n');
}
`;

imports('is given values of every shape', () => tryLowering('f.ts', LOWERING, { language: 'assemblyscript' }));

imports.run();
