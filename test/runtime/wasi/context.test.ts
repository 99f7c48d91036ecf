import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Context } from '../../../runtime/wasi/context.ts';
import { DISPOSE } from '../../../runtime/wasi/dispose.ts';
import { Fields } from '../../../runtime/wasi/http/fields.ts';
import { OutgoingResponse } from '../../../runtime/wasi/http/outgoing-response.ts';
import { DEFAULT_LIMITS, GuestTrap } from '../../../runtime/wasi/index.ts';
import { backend, thrown } from './backend.ts';

const MIB = 1024 * 1024;

const contexts = suite('what the resources of a guest share');

const limited = (limits: Partial<typeof DEFAULT_LIMITS>) =>
  new Context(backend({ limits: { ...DEFAULT_LIMITS, ...limits } }));
const limitOf = (act: () => unknown): string | null | undefined => {
  const trap = thrown(act);
  return trap instanceof GuestTrap ? trap.limit : undefined;
};
const value = (bytes: number) => new Uint8Array(bytes).fill(0x61);

contexts('names the limit that a guest went beyond', () => {
  const context = limited({ handles: 2 });
  context.retain();
  context.retain();
  assert.is(
    limitOf(() => context.retain()),
    'handles',
  );
  context.release();
  context.retain();
});

contexts('counts what all sets of fields keep together, and no longer what was changed or dropped', () => {
  const context = limited({ heldBytes: 1000 });
  const make = () => Fields.fromList(context, [['a', value(299)]]);
  const kept = [make(), make(), make()];
  assert.is(limitOf(make), 'heldBytes');
  assert.is(
    limitOf(() => kept[0]!.clone()),
    'heldBytes',
  );
  kept[0]!.delete('a');
  make();
  kept[1]!.set('a', [value(99)]);
  kept[1]!.append('b', value(99));
  kept[2]![DISPOSE]();
  kept[2]![DISPOSE]();
  // 300 of the fourth, 200 of the second: there is room for one more and not for two.
  make();
  assert.is(limitOf(make), 'heldBytes');
});

contexts('counts the body of a response until it is set or dropped', () => {
  const context = limited({ heldBytes: 1000, bodyWindowBytes: 600 });
  const make = () => {
    const response = new OutgoingResponse(Fields.empty(context));
    response.body();
    return response;
  };
  const first = make();
  assert.is(limitOf(make), 'heldBytes');
  OutgoingResponse.take(first);
  make()[DISPOSE]();
  make();
});

contexts('asks whether the guest may go on for every 4 MiB that is done for it', () => {
  let asked = 0;
  const context = new Context(backend(), () => {
    asked += 1;
    if (asked === 3) throw new Error('the guest shall end');
  });
  for (let done = 0; done < 11; done += 1) context.worked(MIB);
  assert.is(asked, 2);
  assert.match((thrown(() => context.worked(MIB)) as Error).message, /shall end/);
});

contexts.run();
