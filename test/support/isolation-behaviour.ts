/**
 * What one invocation may learn of another in any kind of sandbox: nothing. Instances serve again, so hostile guests look for traces.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import type { Subject } from './sandbox-behaviour.ts';
import { finish } from './sandbox-lab.ts';

/** Queues the suite of a subject. */
export function isolationBehaviour(subject: Subject): void {
  const isolation = suite(`invocations in a ${subject.name} sandbox`);
  const opened = new Map<string, Promise<Sandbox>>();

  const value = async (guest: string, target: string, deadlineMs = 240_000): Promise<unknown> => {
    const opening = opened.get(guest) ?? subject.open(guest);
    opened.set(guest, opening);
    const sandbox = await opening;
    const call = sandbox.invoke({ door: 'call', target }, writeBindingValue([]), { deadlineMs, log: () => {} });
    const { output } = await finish(call);
    return readBindingValue(output);
  };

  isolation.after(async () => {
    for (const sandbox of opened.values()) await (await sandbox).close();
  });

  for (const [how, guest, leaving, code] of [
    ['returned', 'hoard', 'leave', null],
    ['changed globals and memory, and did not grow it', 'hoard', 'leave-small', null],
    ['trapped', 'hoard', 'leave-and-trap', 'guest-trapped'],
    ['was ended while it waited', 'hoard', 'leave-and-wait', 'deadline-exceeded'],
    ['changed a table', 'hoard-table', 'leave', null],
  ] as const) {
    isolation(`find nothing of one that ${how}`, async () => {
      for (let times = 0; times < 4; times += 1) {
        const deadlineMs = code === 'deadline-exceeded' ? 200 : undefined;
        const ended = value(guest, leaving, deadlineMs).then(
          () => null,
          (error: CloudletError) => error.code,
        );
        assert.is(await ended, code);
        assert.is(await value(guest, 'find'), 0);
      }
    });
  }

  isolation('find nothing of those that run at the same time', async () => {
    const targets = ['leave', 'find', 'leave-small', 'find'];
    const calls = Array.from({ length: 40 }, (_, at) => value('hoard', targets[at % 4]!));
    const found = (await Promise.all(calls)).filter((_, at) => at % 2 === 1);
    assert.equal(
      found,
      found.map(() => 0),
    );
  });

  isolation('count their handles anew', async () => {
    const first = await value('hoard', 'leave-small');
    for (let times = 0; times < 10; times += 1) assert.is(await value('hoard', 'leave-small'), first);
  });

  for (const [when, guest, target] of [
    ['when they ask', 'hoard', 'random'],
    ['while they are initialised', 'draws-at-start', 'drawn'],
  ] as const) {
    isolation(`get their own random numbers ${when}`, async () => {
      const drawn = await Promise.all(Array.from({ length: 40 }, () => value(guest, target)));
      assert.is(new Set(drawn).size, drawn.length);
    });
  }

  isolation('get their own Math.random in JavaScript', async () => {
    const opening = opened.get('http-quickjs') ?? subject.open('http-quickjs');
    opened.set('http-quickjs', opening);
    const sandbox = await opening;
    const request = { door: 'http', method: 'GET', scheme: 'http', authority: 'a.test', headers: [] } as const;
    const draw = async () => {
      const options = { deadlineMs: 120_000, log: () => {} };
      return (await finish(sandbox.invoke({ ...request, path: '/random' }, new Uint8Array(0), options))).text;
    };
    const drawn = await Promise.all(Array.from({ length: 12 }, draw));
    assert.is(new Set(drawn).size, drawn.length);
    for (const number of drawn) assert.match(number, /^0\.\d+|^\d(\.\d+)?e-\d+$/);
  });

  isolation.run();
}
