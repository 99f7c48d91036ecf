/**
 * What a hostile function reaches for, in any kind of sandbox: the caller is told by a code, the sandbox serves on, its neighbour never
 * notices, and what was taken is given back.
 *
 * Other limits of the list are held elsewhere: loops in an export, in `start` and in an interpreter, recursion, lists that alias one
 * another, a flood of stderr, a caller or a reader that leaves, input that is not read or never comes: `sandbox-behaviour.ts`. Paths with a
 * NUL or `..` and links: `runtime/wasi/filesystem`. Numbers that do not fit their type, depth: `guest-sdk/protocol/value`. Fields of
 * a request and bytes of a body: `runtime/invocation`, `host/listener`. Too many at once: `runtime/sandbox/pool`.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type ErrorCode,
  type Grant,
  readBindingValue,
  writeBindingValue,
} from '../../guest-sdk/protocol/index.ts';
import { collectGarbage } from '../../runtime/agent/collect-garbage.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { Neighbour } from './neighbour.ts';
import { finish } from './sandbox-lab.ts';

/** How one kind of sandbox is tested. */
export interface LimitsSubject {
  readonly name: string;
  /** Starts a sandbox with a test guest loaded, under the test grant with these limits. */
  readonly open: (guest: string, limits: Partial<Grant['limits']>) => Promise<Sandbox>;
  /** Processor time of one invocation: more than any good one here needs, milliseconds. */
  readonly cpuMs: number;
  /** Private memory that a sandbox may have more at the end than before, MiB. */
  readonly leftMib: number;
}

/** What is reached for, and what comes of it: a code, or a value that the caller gets. */
interface Reach {
  readonly what: string;
  readonly guest: 'hostile' | 'crowd';
  readonly target: string;
  readonly args?: readonly unknown[];
  readonly deadlineMs?: number;
  readonly gives: { readonly code: ErrorCode } | { readonly value: unknown };
}

const MIB = 2 ** 20;
const LONG_MS = 240_000;
/** The deadline of a guest that does not end by itself. */
const SHORT_MS = 400;
/** What the host's own memory may have grown by at the end, MiB. */
const HOST_MIB = 64;
const MOST = 2 ** 32 - 1;

const fails = (code: ErrorCode) => ({ gives: { code } });
const gives = (value: unknown) => ({ gives: { value } });
const hostile = (what: string, target: string, ...args: readonly unknown[]) =>
  ({ what, guest: 'hostile', target, args }) as const;
const crowd = (what: string, target: string) => ({ what, guest: 'crowd', target }) as const;

function reaches(cpuMs: number): Reach[] {
  const late = { deadlineMs: SHORT_MS, ...fails('deadline-exceeded') };
  return [
    { ...hostile('computes for ever', 'compute'), ...fails('cpu-exceeded') },
    { ...hostile('waits for longer than it may compute', 'wait', BigInt(cpuMs + 200)), ...gives(undefined) },
    { ...hostile('has a destructor that never ends', 'things.drop-one'), ...late },
    { ...hostile('never ends after it has returned', 'post-return'), ...late },
    { ...hostile('has the host work for ever', 'draw'), ...late },
    { ...crowd('grows the memories of all its instances', 'grow-memories'), ...gives(64 * 16) },
    { ...crowd('grows the tables of all its instances', 'grow-tables'), ...gives(796_004) },
    { ...hostile('takes a million handles', 'handles', 1_000_000), ...fails('limit-exceeded') },
    { ...hostile('waits for a thousand timers at once', 'timers', 1000), ...gives(1) },
    { ...hostile('waits for ten thousand timers at once', 'timers', 10_000), ...fails('limit-exceeded') },
    { ...hostile('polls a million pollables', 'poll-many', 1_000_000), ...fails('limit-exceeded') },
    { ...hostile('asks for 4 GiB of random bytes', 'random-bytes', 2n ** 32n), ...fails('limit-exceeded') },
    { ...hostile('makes 32,769 header fields', 'append-fields', 32_769), ...gives(256) },
    { ...hostile('makes 32,769 header fields at once', 'list-fields', 32_769), ...gives(false) },
    { ...hostile('makes a million header fields at once', 'list-fields', 1_000_000), ...fails('result-too-large') },
    { ...hostile('keeps two hundred large sets of fields', 'hoard-fields', 200), ...gives(200) },
    { ...hostile('keeps four thousand large sets of fields', 'hoard-fields', 4000), ...fails('limit-exceeded') },
    ...['bytes', 'booleans', 'pairs', 'texts', 'byte-lists'].flatMap((target) => [
      { ...hostile(`returns ${target} of length 2^32 - 1`, target, MOST), ...fails('guest-trapped') },
      { ...hostile(`returns seven million ${target}`, target, 7_000_000), ...fails('result-too-large') },
    ]),
  ];
}

/** Queues the suite of a subject. */
export function limitsBehaviour(subject: LimitsSubject): void {
  const limits = suite(`the limits of a ${subject.name} sandbox, of a guest that`);
  const opened = new Map<string, Promise<Sandbox>>();
  const before = { privateMib: 0, rssMib: 0, resources: 0 };
  let neighbour: Neighbour;

  const sandboxOf = (guest: string): Promise<Sandbox> => {
    const opening = opened.get(guest) ?? subject.open(guest, { cpuMs: guest === 'hostile' ? subject.cpuMs : LONG_MS });
    opened.set(guest, opening);
    return opening;
  };
  const call = async (guest: string, target: string, args: readonly unknown[] = [], deadlineMs = LONG_MS) => {
    const begun = (await sandboxOf(guest)).invoke({ door: 'call', target }, writeBindingValue(args), {
      deadlineMs,
      log: () => {},
    });
    try {
      return readBindingValue((await finish(begun)).output);
    } finally {
      await begun.confirmed;
    }
  };
  const outcomeOf = async (calling: Promise<unknown>): Promise<Reach['gives']> => {
    try {
      return { value: await calling };
    } catch (error) {
      assert.instance(error, CloudletError);
      return { code: (error as CloudletError).code };
    }
  };
  const hostMib = () => {
    collectGarbage('all');
    return process.memoryUsage.rss() / MIB;
  };

  limits.before(async () => {
    const names = ['typed', 'hostile', 'crowd'];
    const [typed, reaching] = await Promise.all(names.map(sandboxOf));
    neighbour = new Neighbour(typed!);
    assert.is(await call('hostile', 'count'), 1);
    before.privateMib = (await reaching!.privateBytes()) / MIB;
    before.rssMib = hostMib();
    before.resources = process.getActiveResourcesInfo().length;
  });
  limits.before.each(() => neighbour.start());
  limits.after(async () => {
    process.stdout.write(`\nnote: ${neighbour.note}\n`);
    for (const sandbox of opened.values()) await (await sandbox).close();
  });

  for (const { what, guest, target, args, deadlineMs, gives: expected } of reaches(subject.cpuMs)) {
    limits(what, async () => {
      const answers = neighbour.answers;
      assert.equal(await outcomeOf(call(guest, target, args, deadlineMs)), expected);
      await neighbour.stop();
      assert.ok(neighbour.answers > answers, 'the neighbour answers meanwhile');
      const sandbox = await sandboxOf(guest);
      assert.equal([sandbox.state, sandbox.running], ['ready', 0]);
      if (guest === 'hostile') assert.is(await call(guest, 'count'), 1);
    });
  }

  limits('is called by more at once than it has workers', async () => {
    const { workers } = await sandboxOf('hostile');
    const calls = Array.from({ length: workers * 8 }, (_, at) =>
      at % 4 === 0 ? call('hostile', 'wait', [20n]) : call('hostile', 'append-fields', [at]),
    );
    const given = await Promise.all(calls);
    await neighbour.stop();
    assert.equal(
      given,
      given.map((_, at) => (at % 4 === 0 ? undefined : at)),
    );
  });

  limits('draws its seed, which no two invocations share', async () => {
    const drawn = await Promise.all(Array.from({ length: 24 }, () => call('hostile', 'seed')));
    await neighbour.stop();
    assert.is(new Set(drawn.flat() as bigint[]).size, 48);
  });

  limits('looks whether its clock goes back', async () => {
    assert.is(await call('hostile', 'watch-clock', [200_000_000n]), 0);
    await neighbour.stop();
  });

  limits('has done all of this, gives back what it took', async () => {
    await neighbour.stop();
    const sandbox = await sandboxOf('hostile');
    // All that its workers do not need is freed, as before a snapshot; it serves nothing afterwards.
    await sandbox.prepare();
    const privateMib = (await sandbox.privateBytes()) / MIB - before.privateMib;
    const rssMib = hostMib() - before.rssMib;
    process.stdout.write(`\nnote: the sandbox has ${privateMib.toFixed(0)} MiB more, the host ${rssMib.toFixed(0)}\n`);
    assert.ok(privateMib < subject.leftMib, `the sandbox has ${privateMib} MiB more`);
    assert.ok(rssMib < HOST_MIB, `the host has ${rssMib} MiB more`);
    assert.ok(process.getActiveResourcesInfo().length <= before.resources + 1, 'no handle is left');
  });

  limits.run();
}
