import * as assert from 'uvu/assert';
import { followParent, parseTraceParent, traceOf } from '../../runtime/invocation/trace.ts';
import type { SeededRandom } from '../support/random.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const STATE = 'rojo=00f067aa0ba902b7,fw529a3039@dt=Fff fff,congo=t61rcWkgMzE';
const INVOCATION = '2d3f1c80-6a5e-4b0e-9f4b-0a1b2c3d4e5f';

/** Whatever a caller says of its trace, what is passed on is valid, bounded, and says the same when it is read again. */
export default function trace(random: SeededRandom): void {
  const changed = (text: string): string => {
    const bytes = random.below(3) === 0 ? Buffer.from(text) : random.mutate(Buffer.from(text));
    return Buffer.from(bytes).toString(random.pick(['latin1', 'utf8'] as const));
  };
  const state = Array.from({ length: random.pick([1, 1, 2, 20]) }, () => changed(STATE)).join(
    random.pick([',', ' , ']),
  );
  const parent = parseTraceParent(changed(PARENT), random.below(4) === 0 ? undefined : state);
  const own = traceOf(INVOCATION, parent, followParent);
  assert.match(own.traceparent, /^00-(?!0{32})[0-9a-f]{32}-9f4b0a1b2c3d4e5f-0[0-3]$/);
  if (own.tracestate !== null) {
    assert.ok(own.tracestate.length <= 32 * 514);
    assert.match(own.tracestate, /^[\x20-\x7e]+$/);
  }
  const again = parseTraceParent(own.traceparent, own.tracestate ?? undefined);
  assert.equal([again?.traceId, again?.spanId, again?.state], [own.traceId, own.spanId, own.tracestate]);
  assert.is(again?.sampled, own.sampled);
}
