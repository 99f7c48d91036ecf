import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Captures, GLUE_TABLES, leanTables, TABLES_IMPORT } from '../../../runtime/agent/glue-tables.ts';
import { budgetLifts } from '../../../runtime/agent/lift-budget.ts';
import { SeededRandom } from '../../support/random.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';

const tables = suite('the tables of a glue');

tables('keep resources as a map does, few and many, and are empty when they were cleared', () => {
  const random = new SeededRandom(20261126);
  const captures = new Captures();
  for (let round = 0; round < 20; round += 1) {
    const map = new Map<number, object>();
    for (let step = 0, next = 1; step < 200; step += 1) {
      if (random.below(round + 2) > 0) {
        const thing = {};
        map.set(next, thing);
        captures.set(next++, thing);
      }
      const rep = random.below(next + 1);
      assert.is(captures.get(rep), map.get(rep));
      if (random.below(2) === 0) {
        map.delete(rep);
        captures.delete(rep);
      }
      assert.is(captures.size, map.size);
    }
    for (const [rep, thing] of map) assert.is(captures.get(rep), thing);
    captures.clear();
    assert.is(captures.size, 0);
    for (const rep of map.keys()) assert.is(captures.get(rep), undefined);
  }
});

/** The functions with which the glue of a component with resources gives handles out and takes them back, as they are used here. */
async function handles() {
  const glue = leanTables((await artifactOf('hello-http')).glue)!;
  const [create, remove] = ['rscTableCreateOwn', 'rscTableRemove'].map(
    (name) => new RegExp(`function ${name} ?\\([\\s\\S]*?\\n {2}\\}\\n`).exec(glue)![0],
  );
  const text = `const T_FLAG = 1 << 30;\n${create}\n${remove}\nexport { rscTableCreateOwn as create, rscTableRemove as remove };`;
  return (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    create(table: number[], rep: number): number;
    remove(table: number[], handle: number): { rep: number; own: boolean };
  };
}

tables('give the same handles after they were emptied as new ones, and refuse the same', async () => {
  const { create, remove } = await handles();
  const random = new SeededRandom(7);
  const fresh = () => [1 << 30, 0];
  const used = fresh();
  for (const most of [1, 5, 50, 200, 3]) {
    const table = fresh();
    const live: number[] = [];
    for (let step = 0; step < 4 * most; step += 1) {
      if (live.length < most && random.below(3) > 0) {
        const handle = create(table, step + 1);
        assert.is(create(used, step + 1), handle);
        live.push(handle);
        continue;
      }
      // One that is there, one that was, one that never was, and none at all.
      for (const handle of [live.splice(random.below(live.length), 1)[0] ?? 1, random.below(2 * most), 10_000, 0]) {
        const [taken, same] = [table, used].map((each) => {
          try {
            return remove(each, handle).rep;
          } catch (error) {
            return (error as Error).message;
          }
        });
        assert.is(same, taken);
        const at = live.indexOf(handle);
        if (at !== -1) live.splice(at, 1);
      }
    }
    GLUE_TABLES.empty(used);
    assert.is(used.length <= 2 * 64, true);
  }
});

tables('of a glue in an unknown form stay as they are', () => {
  assert.is(leanTables('export function instantiate(a) {\n    const handleTable1 = [T_FLAG, 0];\n'), null);
});

tables('of a component are all replaced', async () => {
  const { glue } = await artifactOf('hello-http');
  const lean = leanTables(glue)!;
  assert.match(lean, `imports['${TABLES_IMPORT}']`);
  assert.is(/new Map\(\)|dv\.buffer|val === 0/.test(lean), false);
  assert.is(/^ *curResourceBorrows(?:\.push| = )/m.test(lean), false);
  assert.is(/\blift\$.*\bmemory\d+\.buffer\b/.test(leanTables(budgetLifts(glue))!), false);
});

/** The glue's function that writes a text to a memory, over one that gives it room. */
async function lowering() {
  const glue = leanTables((await artifactOf('hello-http')).glue)!;
  const [view] = /^ {2}let dv = [\s\S]*?\n {2}\};\n/m.exec(glue)!;
  const [encode] = /^ {2}let utf8EncodedLen[\s\S]*?\n {2}\}\n/m.exec(glue)!;
  const text = `export function make(tables$) {\nconst utf8Encoder = new TextEncoder();\n${view}${encode}\nreturn (s, realloc, memory) => [utf8Encode(s, realloc, memory), utf8EncodedLen];\n}`;
  const { make } = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    make(tables: object): (text: string, realloc: (...args: number[]) => number, memory: object) => [number, number];
  };
  return make(GLUE_TABLES);
}

tables('of a glue write texts of any kind and length to a memory that grows meanwhile', async () => {
  const lower = await lowering();
  const memory = new WebAssembly.Memory({ initial: 1 });
  let at = 8;
  const realloc = (_: number, __: number, ___: number, size: number) => {
    memory.grow(1);
    at += size;
    return at - size;
  };
  for (const each of ['a', 'content-type', 'x'.repeat(64), 'y'.repeat(65), 'ü', 'z'.repeat(300), '\u{1f4f7}', '\0']) {
    const [from, length] = lower(each, realloc, memory);
    assert.is(Buffer.from(memory.buffer, from, length).toString(), each);
  }
  assert.equal(lower('', realloc, memory), [1, 0]);
  assert.throws(() => lower('beyond', () => memory.buffer.byteLength - 3, memory), RangeError);
});

tables('of a glue let who calls a guest wait for it where nothing is done after it, and only there', () => {
  const ends = (...lines: string[]) =>
    ['    async function enter(a) {', ...lines.map((line) => `      ${line}`), '    }', ''].join('\n');
  const last = leanTables(ends('const b = a;', 'await enterGuest(a, b);'))!;
  assert.match(last, '    function enter(a) {');
  assert.match(last, '      return enterGuest(a, b);');
  for (const lines of [
    ['await enterGuest(a);', 'post();'],
    ['const ret = await enterGuest(a);', 'return ret;'],
    ['await first(a);', 'await enterGuest(a);'],
  ])
    assert.is(leanTables(ends(...lines)), ends(...lines));
});

tables('of a glue that lends what it has no own handle of are as the translator made them', () => {
  assert.type(leanTables('export function instantiate() {\n}'), 'string');
  assert.is(leanTables('function rscTableCreateBorrow(table, rep) {}\nexport function instantiate() {\n}'), null);
});

tables.run();
