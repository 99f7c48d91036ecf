import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { budgetLifts } from '../../../../runtime/agent/lift-budget.ts';
import { wakeGlue } from '../../../../runtime/component/transpile/async-glue.ts';
import { generateGlue } from '../../../../runtime/component/transpile/generator.ts';
import { guest } from '../../../support/guest.ts';

const glue = suite('the glue of asynchronous components');

const { glue: text } = await generateGlue(await readFile(await guest('http-p3')), 'async', {
  imports: [],
  exports: [],
});

/** How often a piece of text is there. */
const count = (piece: string): number => text.split(piece).length - 1;

glue('waits for events instead of asking for them', () => {
  assert.is(count('let waitInterval'), 0);
  assert.is(count('await this.getWaitable().heard$();'), 3);
  assert.is(count('this.getWaitable().hear$('), 2);
  assert.is(count('wakeTicks$();') >= 4, true);
});

glue('looks at no environment, and lets nothing wait by chance', () => {
  assert.is(count('JCO_DEBUG'), 0);
  assert.is(count('const _coinFlip = () => true;'), 1);
});

glue('goes on by ticks, and gives the event loop a turn every so often', () => {
  assert.is(count('if (ticks$ === 0) setImmediate(then);'), 1);
  // Of a microtask: what is asked for by a tick itself comes before what it resumed has gone on.
  assert.is(count('done$.then(() => process.nextTick(then));'), 1);
  assert.is(count('setImmediate('), 1);
});

glue('notes no stream and no future in a table for ever', () => {
  assert.is(count('STREAMS.insert('), 0);
  assert.is(count('FUTURES.insert('), 0);
  assert.is(count('setGlobalStreamMapRep((stream));'), 1);
});

glue('looks for tasks that wait for each other once for many waits', () => {
  assert.is(count('STORE_ASYNC_STATE.deadlockCheck = setTimeout('), 1);
  assert.is(count('state.runTickLoop(); }\n      }, 10);'), 1);
});

glue('says what an instance dies of, and stops when it was given up', () => {
  assert.is(count('state$.died?.(err);'), 3);
  assert.is(count('if (!state$.ended) { result = this.tick(); }'), 1);
});

glue('lifts and lowers every resource by the table that is named beside it', () => {
  const owned =
    /_(?:lift|lower)FlatOwn\(\{\s*componentIdx: \d+,\s*tableIdx: (\d+),([\s\S]*?)return (?:resourceObj|handle);/g;
  let seen = 0;
  for (const [, table, body] of text.matchAll(owned)) {
    for (const [used] of body!.matchAll(/\bhandleTable\d+\b/g)) assert.is(used, `handleTable${table}`);
    seen += 1;
  }
  assert.ok(seen > 4, `${seen} resources`);
});

glue('asks for interfaces of WASI 0.3 by their version', () => {
  assert.is(count("imports['wasi:http/types@0.3']"), 1);
  assert.is(count("imports['wasi:cli/stdin']"), 1);
});

glue('lifts nothing past the budget', () => {
  const budgeted = budgetLifts(text);
  assert.is(/Decoder\.decode\(|TEXT_DECODER_UTF8\.decode\(|memory\d+\.buffer\.slice\(/.test(budgeted), false);
  assert.is(budgeted.split('lift$.spend(len * (elemSize32 + 8));').length - 1, 1);
});

glue('has bytes in streams, and no numbers in arrays, from and to the host', () => {
  assert.is(count('Array.from(new Uint8Array('), 0);
  assert.is(count('this.#hostOnlyData.concat('), 0);
  assert.is(count('pendingValues.drain$('), 2);
});

glue('forgets the ends of streams and futures that the host was given, when it is done with them', () => {
  assert.is(count('forgetEnd$(STREAM_TABLES, '), 2);
  assert.is(count('forgetEnd$(FUTURE_TABLES, '), 1);
});

glue('makes no promise for a wait that nobody waits for', () => {
  for (const gone of ['this.#resetPromise();', 'promise: exitPromise', 'async runTickLoop', 'suspendedTaskIDs.push'])
    assert.is(count(gone), 0, gone);
  assert.is(count('task.enterNow$() || await task.enter();') > 0, true);
});

glue('gives an instance on when it is free, and does not ask for it until then', () => {
  assert.is(count('if (this.#lockHolderTaskID !== null) { return; }'), 1);
});

glue('says nothing for its authors', () => {
  assert.is(/^ *(?:_debugLog|\w+\.setTarget)\(/m.test(text), false);
  assert.is(count('instanceBuffers.set('), 0);
});

glue('forgets all that it keeps in capitals, to make another instance', () => {
  const clear = /state\$\.clear = \(\) => \{\n([\s\S]*?)\n {2}\};/.exec(text)?.[1];
  assert.ok(clear, 'it can be cleared');
  const states = /^ *(?:let|const) ([A-Z_]+) ?= (?:new (?:Map|Set|RepTable|BufferManager)|\[\]|\{\})/gm;
  for (const [, state] of text.matchAll(states)) if (state !== 'CORE_TRAP_MESSAGES') assert.match(clear, `${state} = `);
  assert.match(clear, 'codec0$ = undefined;');
  assert.match(text, 'state$.again = ');
});

glue('of a component that asks nothing of its host has less to change', async () => {
  const component = await parse(`(component
    (core module $m (import "" "return" (func $return))
      (func (export "f") (result i32) (call $return) (i32.const 0))
      (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
    (canon task.return (core func $return))
    (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
    (func (export "f") async (canon lift (core func $i "f") async (callback (core func $i "cb")))))`);
  const { glue: small } = await generateGlue(new Uint8Array(component), 'async', { imports: [], exports: [] });
  assert.is(small.includes('manualAsyncResult'), false, 'nothing is called of the host');
  assert.is(small.split('if (!state$.ended) {').length - 1, 1);
});

glue('of an unknown form is refused', () => {
  try {
    wakeGlue('export function instantiate(a) {\n  const _debugLog = 1;\n}');
  } catch (error) {
    assert.instance(error, CloudletError);
    assert.match((error as Error).message, /its glue has an unknown form/);
    return;
  }
  assert.unreachable('expected a refusal');
});

glue.run();
