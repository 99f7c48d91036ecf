import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { followParent, parseTraceParent, traceOf } from '../../../runtime/invocation/trace.ts';

const trace = suite('W3C Trace Context');

const ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

for (const [what, header, sampled, random] of [
  ['sampled', `00-${ID}-${SPAN}-01`, true, false],
  ['not sampled', `00-${ID}-${SPAN}-00`, false, false],
  ['random', `00-${ID}-${SPAN}-03`, true, true],
  ['unknown flags', `00-${ID}-${SPAN}-fe`, false, true],
  ['a later version', `01-${ID}-${SPAN}-01`, true, false],
  ['a later version with more', `cc-${ID}-${SPAN}-01-what-the-future-brings`, true, false],
] as const) {
  trace(`reads ${what}`, () => {
    const parent = parseTraceParent(header, undefined);
    assert.equal(parent, { traceId: ID, spanId: SPAN, sampled, random, state: null });
  });
}

for (const [what, header] of [
  ['nothing', ''],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${ID}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${ID.toUpperCase()}-${SPAN}-01`],
  ['capital flags', `00-${ID}-${SPAN}-0A`],
  ['version ff', `ff-${ID}-${SPAN}-01`],
  ['a version of one digit', `0-${ID}-${SPAN}-01`],
  ['more than version 00 has', `00-${ID}-${SPAN}-01-more`],
  ['a trailing dash', `00-${ID}-${SPAN}-01-`],
  ['a later version without a dash before more', `01-${ID}-${SPAN}-01.more`],
  ['a short trace', `00-${ID.slice(1)}-${SPAN}-01`],
  ['a long span', `00-${ID}-${SPAN}0-01`],
  ['no flags', `00-${ID}-${SPAN}`],
  ['flags of one digit', `00-${ID}-${SPAN}-1`],
  ['a space before', ` 00-${ID}-${SPAN}-01`],
  ['a line break after', `00-${ID}-${SPAN}-01\n`],
  ['two fields', `00-${ID}-${SPAN}-01, 00-${ID}-${SPAN}-01`],
  ['other digits', `00-${ID.replace('0', '٠')}-${SPAN}-01`],
] as const) {
  trace(`takes ${what} for no trace, whatever tracestate says`, () => {
    assert.is(parseTraceParent(header, 'a=1'), null);
  });
}

const many = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');
for (const [what, header, state] of [
  ['one entry', 'congo=t61rcWkgMzE', 'congo=t61rcWkgMzE'],
  ['several', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  ['spaces and empty entries between', ' a=1 ,\t, b=2,', 'a=1,b=2'],
  ['a tenant', 'fw529a3039@dt=FfffffdFaaa', 'fw529a3039@dt=FfffffdFaaa'],
  ['a key that begins with a digit', '1a=1', '1a=1'],
  ['spaces and tildes in a value', 'a=x y~!', 'a=x y~!'],
  ['32 entries', many(32), many(32)],
  ['33 entries', many(33), null],
  ['the longest key and value', `${'k'.repeat(256)}=${'v'.repeat(256)}`, `${'k'.repeat(256)}=${'v'.repeat(256)}`],
  ['a longer key', `${'k'.repeat(257)}=v`, null],
  ['a longer value', `k=${'v'.repeat(257)}`, null],
  ['a key twice', 'a=1,b=2,a=3', null],
  ['a capital key', 'A=1', null],
  ['no value', 'a=', null],
  ['no key', '=1', null],
  ['two signs', 'a=b=c', null],
  ['no sign', 'a', null],
  ['bytes beyond ASCII', 'a=é', null],
  ['nothing', '', null],
] as const) {
  trace(`a tracestate with ${what} is ${state === null ? 'dropped alone' : 'kept'}`, () => {
    assert.is(parseTraceParent(`00-${ID}-${SPAN}-01`, header)?.state, state);
    assert.is(parseTraceParent(`00-${ID}-${SPAN}-01`, header)?.traceId, ID);
  });
}

trace('an invocation has a span of its own in the trace of its caller', () => {
  const parent = parseTraceParent(`00-${ID}-${SPAN}-03`, 'a=1');
  const own = traceOf('2d3f1c80-6a5e-4b0e-9f4b-0a1b2c3d4e5f', parent, followParent);
  assert.equal(own, {
    traceId: ID,
    spanId: '9f4b0a1b2c3d4e5f',
    sampled: true,
    parentSpanId: SPAN,
    traceparent: `00-${ID}-9f4b0a1b2c3d4e5f-03`,
    tracestate: 'a=1',
  });
});

trace('a trace that begins with an invocation has its id, and is not kept by itself', () => {
  const own = traceOf('2d3f1c80-6a5e-4b0e-9f4b-0a1b2c3d4e5f', null, followParent);
  assert.equal([own.traceId, own.parentSpanId], ['2d3f1c806a5e4b0e9f4b0a1b2c3d4e5f', null]);
  assert.is(own.traceparent, '00-2d3f1c806a5e4b0e9f4b0a1b2c3d4e5f-9f4b0a1b2c3d4e5f-00');
});

trace('the sampler decides by trace and parent, and what it says is passed on', () => {
  const asked: unknown[] = [];
  const parent = parseTraceParent(`00-${ID}-${SPAN}-01`, undefined);
  const own = traceOf(randomUUID(), parent, (...args) => asked.push(args) === 0);
  assert.equal(asked, [[ID, parent]]);
  assert.match(own.traceparent, /-00$/);
});

trace('what is written can be read', () => {
  for (let i = 0; i < 1000; i += 1) {
    const own = traceOf(randomUUID(), null, () => i % 2 === 0);
    const read = parseTraceParent(own.traceparent, undefined);
    assert.equal([read?.traceId, read?.spanId, read?.sampled], [own.traceId, own.spanId, i % 2 === 0]);
  }
});

trace.run();
