import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { SLOTS } from '../../../../runtime/agent/bulk-slots.ts';
import type { Outside, OutsideCall, OutsideError } from '../../../../runtime/agent/outside/outside.ts';
import {
  ASK_BYTES,
  ASK_WINDOW_BYTES,
  bulkPart,
  encodeBulk,
  encodeDone,
  encodeFrame,
  encodeMessage,
  FIRST_ASK_ID,
  type KindName,
  MAX_ASKS,
} from '../../../../runtime/agent/wire.ts';
import { openBulkFile } from '../../../../runtime/machine/bulk-file.ts';
import {
  OutsideRefusal,
  type OutsideRequest,
  type OutsideServices,
} from '../../../../runtime/outside/outside-service.ts';
import { CallAsks } from '../../../../runtime/sandbox/channel/call-asks.ts';
import { Channel } from '../../../../runtime/sandbox/channel/channel.ts';
import { FrameWriter } from '../../../../runtime/sandbox/channel/frame-writer.ts';
import { FunctionUse } from '../../../../runtime/use/function-use.ts';
import type { ByteSource } from '../../../../runtime/wasi/index.ts';
import { AskLab } from '../../../support/ask-lab.ts';
import { FakeMachine } from '../../../support/fake-machine.ts';
import { codeOf, RUN } from '../../../support/pool-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const asks = suite('what a guest asks');
const labs: AskLab[] = [];

asks.after.each(() => {
  for (const lab of labs.splice(0)) lab.close();
});

async function open(): Promise<AskLab> {
  const lab = await AskLab.open();
  labs.push(lab);
  return lab;
}

async function readAll(source: ByteSource): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (;;) {
    await source.wait();
    const bytes = source.read(1_000_000);
    if (bytes === null) return Buffer.concat(parts);
    parts.push(Uint8Array.from(bytes));
  }
}

async function writeAll(sink: OutsideCall['sink'], bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    await sink.wait();
    const size = Math.min(sink.capacity, bytes.length - at);
    sink.write(bytes.subarray(at, at + size));
    at += size;
  }
  sink.close();
}

async function codeOfAsk(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'answered',
    (error: OutsideError) => error.code,
  );
}

const upperCase = async ({ source, sink }: OutsideRequest): Promise<void> => {
  for (;;) {
    await source.wait();
    const bytes = source.read(1000);
    if (bytes === null) return sink.close();
    const upper = Buffer.from(Buffer.from(bytes).toString().toUpperCase());
    await sink.wait();
    sink.write(upper);
  }
};

const SERVICES: OutsideServices = {
  echo: async ({ args }) => ({ value: args }),
  refuse: async () => {
    throw new OutsideRefusal('no-such-key', 'there is none');
  },
  defect: async () => {
    throw new TypeError('a secret of the host');
  },
  'late-refusal': async () => ({ value: 1, end: Promise.reject(new OutsideRefusal('reset', 'by the peer')) }),
  'late-defect': async () => ({ value: 1, end: Promise.reject(new TypeError('another secret')) }),
  'too-much': async () => ({ value: new Uint8Array(ASK_BYTES) }),
  'no-data': async () => ({ value: 2n ** 70n }),
  size: async ({ source }) => ({ value: (await readAll(source)).length }),
  // It has all its bytes written before it answers.
  file: async ({ sink, args }) => {
    sink.write(Buffer.from(`file ${args}`));
    sink.close();
    return { value: 'text' };
  },
  // It goes on after its answer, without an `end`.
  upper: async (request) => {
    // The guest may leave in the middle.
    upperCase(request).catch(() => {});
    return { value: 'connected' };
  },
  trailers: async (request) => ({ value: 'connected', end: upperCase(request).then(() => ['trailer']) }),
  // It says what comes last and leaves its sink to be closed.
  open: async ({ sink }) => {
    sink.write(Buffer.from('open'));
    return { value: null, end: Promise.resolve('end') };
  },
};

asks('is answered by the service of its name', async () => {
  const lab = await open();
  const args = { text: 'a', number: -1, big: 2n ** 63n, bytes: Uint8Array.of(1, 2), list: [null, true, 1.5] };
  await lab.run(SERVICES, async (outside) => {
    assert.equal(await outside.ask('echo', args).answer, args);
    assert.is(await outside.ask('echo', undefined).end, null);
    assert.is(lab.asks!.open, 0);
  });
});

for (const [service, code, detail] of [
  ['absent', 'refused', /not granted "absent"/],
  ['__proto__', 'refused', /not granted/],
  ['toString', 'refused', /not granted/],
  ['refuse', 'no-such-key', /there is none/],
  ['defect', 'internal', /^the host failed to do it$/],
  ['too-much', 'internal', /^the host failed to do it$/],
  ['no-data', 'internal', /^the host failed to do it$/],
] as const) {
  asks(`of ${service} is refused as ${code}`, async () => {
    const lab = await open();
    await lab.run(SERVICES, async (outside) => {
      const call = outside.ask(service, null);
      const failure = (await call.answer.catch((error: unknown) => error)) as OutsideError;
      assert.is(failure.code, code);
      assert.match(failure.message, detail);
      assert.is(await codeOfAsk(call.end), code);
      // It costs nobody anything.
      assert.is(await outside.ask('echo', 'still').answer, 'still');
    });
    assert.is(lab.failures.length, code === 'internal' ? 1 : 0);
  });
}

asks('may be refused after its answer', async () => {
  const lab = await open();
  await lab.run(SERVICES, async (outside) => {
    for (const [service, code] of [
      ['late-refusal', 'reset'],
      ['late-defect', 'internal'],
    ] as const) {
      const call = outside.ask(service, null);
      assert.is(await call.answer, 1);
      assert.is(await codeOfAsk(call.end), code);
    }
    assert.is(lab.asks!.open, 0);
  });
  assert.equal(lab.failures, ['late-defect: another secret']);
});

asks('is refused where nothing was given, as in a rehearsal', async () => {
  const lab = await open();
  await lab.run(null, async (outside) => assert.is(await codeOfAsk(outside.ask('echo', 1).answer), 'refused'));
});

asks('sends bytes and gets bytes, more than the window in either direction', async () => {
  const lab = await open();
  const bytes = Buffer.alloc(5 * ASK_WINDOW_BYTES + 17, 'cloudlet ');
  await lab.run(SERVICES, async (outside) => {
    const size = outside.ask('size', null);
    await writeAll(size.sink, bytes);
    assert.is(await size.answer, bytes.length);
    for (const [service, end] of [
      ['upper', null],
      ['trailers', ['trailer']],
    ] as const) {
      const call = outside.ask(service, null);
      const sent = writeAll(call.sink, bytes);
      assert.is(await call.answer, 'connected');
      assert.is((await readAll(call.source)).toString(), bytes.toString().toUpperCase());
      assert.equal(await call.end, end);
      await sent;
    }
    assert.is(lab.asks!.open, 0);
  });
});

asks('hears of the end before its own last byte, and may send on as long as the service wants', async () => {
  const lab = await open();
  const read = Promise.withResolvers<Buffer>();
  const services: OutsideServices = {
    // As a server that answers before it has the whole request, or a connection that is closed in one direction.
    early: async ({ source, sink }) => {
      readAll(source).then(read.resolve, read.reject);
      sink.close();
      return { value: 1, end: Promise.resolve('trailers') };
    },
    enough: async ({ source }) => {
      await source.wait();
      return { value: 2, end: Promise.resolve(null).finally(() => source.close()) };
    },
  };
  await lab.run(services, async (outside) => {
    const early = outside.ask('early', null);
    assert.is(await early.end, 'trailers');
    assert.is(lab.asks!.open, 1);
    await writeAll(early.sink, Buffer.alloc(2 * ASK_WINDOW_BYTES, 'x'));
    assert.is((await read.promise).length, 2 * ASK_WINDOW_BYTES);
    while (lab.asks!.open > 0) await lab.channel.ping();
    const enough = outside.ask('enough', null);
    enough.sink.write(Buffer.from('x'));
    assert.is(await enough.end, null);
    while (lab.asks!.open > 0) await lab.channel.ping();
    assert.throws(() => enough.sink.capacity, /no more bytes/);
  });
});

asks('gets the bytes that came before its answer, and the end of a sink that was left open', async () => {
  const lab = await open();
  await lab.run(SERVICES, async (outside) => {
    const file = outside.ask('file', 7);
    assert.is(await file.answer, 'text');
    assert.is((await readAll(file.source)).toString(), 'file 7');
    const left = outside.ask('open', null);
    assert.is((await readAll(left.source)).toString(), 'open');
    assert.is(await left.end, 'end');
    assert.is(lab.asks!.open, 0);
  });
});

asks('holds back a service whose guest does not read', async () => {
  const lab = await open();
  let written = 0;
  const full = Promise.withResolvers<void>();
  const services: OutsideServices = {
    flood: async ({ sink, signal }) => {
      while (!signal.aborted) {
        if (sink.capacity === 0) {
          if (written === ASK_WINDOW_BYTES) full.resolve();
          await sink.wait();
          continue;
        }
        const size = Math.min(sink.capacity, 10_000);
        sink.write(new Uint8Array(size));
        written += size;
      }
      return { value: null };
    },
  };
  await lab.run(services, async (outside) => {
    const call = outside.ask('flood', null);
    await full.promise;
    await lab.channel.ping();
    assert.is(written, ASK_WINDOW_BYTES);
    await call.source.wait();
    let read = 0;
    while (read < ASK_WINDOW_BYTES / 2) {
      await call.source.wait();
      read += call.source.read(ASK_WINDOW_BYTES / 2 - read)!.length;
    }
    while (written === ASK_WINDOW_BYTES) await lab.channel.ping();
    call.forget();
  });
});

/** A service that waits until it is told that nobody does any more. */
function waiting() {
  const begun: OutsideRequest[] = [];
  const state = { aborted: 0 };
  const services: OutsideServices = {
    wait: (request) => {
      begun.push(request);
      return new Promise((_resolve, reject) => {
        request.signal.addEventListener('abort', () => {
          state.aborted += 1;
          reject(request.signal.reason);
        });
      });
    },
    echo: SERVICES['echo']!,
  };
  return { services, begun, state };
}

async function untilBegun(lab: AskLab, begun: readonly unknown[], count: number): Promise<void> {
  while (begun.length < count) await lab.channel.ping();
}

asks('is given up by the service when the guest forgets it', async () => {
  const lab = await open();
  const { services, begun, state } = waiting();
  await lab.run(services, async (outside) => {
    // Many more than may be open at once.
    for (let times = 1; times <= 3 * MAX_ASKS; times += 1) {
      const call = outside.ask('wait', null);
      if (times % 3 === 0) await untilBegun(lab, begun, times);
      call.forget();
    }
    assert.is(await outside.ask('echo', 1).answer, 1);
    assert.is(state.aborted, 3 * MAX_ASKS);
  });
  assert.equal(lab.failures, []);
});

for (const [what, end, code] of [
  ['comes to its end', () => {}, 'ok'],
  [
    'fails',
    () => {
      throw new Error('trap');
    },
    'guest-trapped',
  ],
] as const) {
  asks(`does not hold up an invocation that ${what}, and leaves nothing`, async () => {
    const lab = await open();
    const { services, begun, state } = waiting();
    const calls: OutsideCall[] = [];
    const call = lab.invoke(services, async (outside) => {
      for (let times = 0; times < MAX_ASKS; times += 1) calls.push(outside.ask('wait', times));
      await untilBegun(lab, begun, MAX_ASKS);
      end();
    });
    assert.is(
      await call.done.then(
        () => 'ok',
        ({ code }: CloudletError) => code,
      ),
      code,
    );
    assert.is(state.aborted, MAX_ASKS);
    assert.equal(await Promise.all(calls.map((each) => codeOfAsk(each.answer))), Array(MAX_ASKS).fill('forgotten'));
    for (const { sink, source } of begun) {
      assert.throws(() => sink.write(Buffer.from('x')), /no more bytes/);
      assert.throws(() => source.read(1), /ended/);
    }
    // The next invocation has all its own.
    await lab.run(services, async (outside) => {
      for (let times = 0; times < MAX_ASKS; times += 1) outside.ask('wait', times);
      await untilBegun(lab, begun, 2 * MAX_ASKS);
    });
    assert.is(state.aborted, 2 * MAX_ASKS);
  });
}

asks('is given up by the service when the caller leaves', async () => {
  const lab = await open();
  const { services, begun, state } = waiting();
  const call = lab.invoke(services, (outside) => outside.ask('wait', null).answer);
  await untilBegun(lab, begun, 1);
  call.fail(new CloudletError('client-closed', 'left'));
  assert.is(state.aborted, 1);
  await call.confirmed;
  await lab.run(services, async (outside) => assert.is(await outside.ask('echo', 2).answer, 2));
});

asks('is given up by the service when the machine is lost', async () => {
  const lab = await open();
  const { services, begun, state } = waiting();
  const call = lab.invoke(services, (outside) => outside.ask('wait', null).answer);
  await untilBegun(lab, begun, 1);
  lab.channel.close('a test');
  assert.is(await codeOf(call.done), 'machine-failed');
  assert.is(state.aborted, 1);
});

asks('says whether anything was done outside', async () => {
  const lab = await open();
  for (const [ask, reached] of [
    [() => null, false],
    [(outside: Outside) => codeOfAsk(outside.ask('absent', null).answer), false],
    [(outside: Outside) => outside.ask('echo', null).answer, true],
    [(outside: Outside) => codeOfAsk(outside.ask('refuse', null).answer), true],
  ] as const) {
    const call = lab.invoke(SERVICES, ask);
    await call.done;
    assert.is(call.reachedOutside, reached);
  }
});

asks('are many in one invocation, and their frames leave together', async () => {
  const lab = await open();
  await lab.run(SERVICES, async (outside) => {
    for (let round = 0; round < 20; round += 1) {
      const numbers = Array.from({ length: MAX_ASKS }, (_, at) => round * MAX_ASKS + at);
      const answers = numbers.map((number) => outside.ask('echo', number).answer);
      assert.equal(await Promise.all(answers), numbers);
    }
  });
});

const ask = (service: string, args: unknown = null) => encodeMessage({ invocation: 1, service, args });

/** An agent that says what a test wants, while an invocation runs. */
async function hostile(services: OutsideServices = waiting().services) {
  const machine = new FakeMachine('test', { workers: 1 });
  const channel = new Channel(machine);
  const call = channel.invoke(RUN, new Uint8Array(0), 1000, () => {}, { services, failed: () => {} });
  const { id } = await machine.agent.next();
  const line = machine.agent.lineOf(id);
  const say = (kind: KindName, ask: number, payload: Uint8Array = new Uint8Array(0)) =>
    void line.write(encodeFrame(kind, FIRST_ASK_ID + ask, payload));
  return { machine, channel, call, say, id, line };
}

for (const [what, harm, sentence] of [
  [
    'asks more at once than it may',
    ({ say }) => {
      for (let at = 0; at <= MAX_ASKS; at += 1) say('ask', at, ask('wait'));
    },
    /at most 64 things asked at once/,
  ],
  [
    'asks twice under one id',
    ({ say }) => {
      say('ask', 1, ask('wait'));
      say('ask', 1, ask('wait'));
    },
    /an id that is free/,
  ],
  [
    'asks with too many bytes',
    ({ say }) => say('ask', 1, ask('wait', new Uint8Array(ASK_BYTES))),
    /65536 bytes in an ask/,
  ],
  [
    'asks for what has no name',
    ({ say }) => say('ask', 1, encodeMessage({ service: 7 })),
    /ask.service to be a string/,
  ],
  ['asks what is no message', ({ say }) => say('ask', 1, Uint8Array.of(0xc1)), /0xc1/],
  [
    'sends more than it has credit for',
    ({ say }) => {
      say('ask', 1, ask('wait'));
      say('body', 1, new Uint8Array(ASK_WINDOW_BYTES));
      say('body', 1, new Uint8Array(1));
    },
    /at most 262144 body bytes/,
  ],
  [
    'sends bytes after the last',
    ({ say }) => {
      say('ask', 1, ask('wait'));
      say('end', 1);
      say('body', 1, new Uint8Array(1));
    },
    /no bytes after the last/,
  ],
  [
    'gives credit for what was not sent',
    ({ say }) => {
      say('ask', 1, ask('wait'));
      say('credit', 1, encodeMessage({ bytes: 1 }));
    },
    /credit for at most 0 bytes/,
  ],
  [
    'answers itself',
    ({ say }) => say('answer', 1, encodeMessage({ value: 1, last: true })),
    /a frame that a worker may send/,
  ],
  [
    'asks when its invocation is over',
    ({ say, id, line }) => {
      line.write(encodeFrame('done', id, encodeDone({ kind: 'ok', exitCode: 0, runMs: 0 })));
      say('ask', 1, ask('wait'));
    },
    /nothing to be asked without an invocation/,
  ],
  [
    'asks under the id of an invocation',
    ({ id, line }) => void line.write(encodeFrame('ask', id, ask('wait'))),
    /a frame that a worker may send, got ask/,
  ],
  [
    'asks by its channel',
    ({ machine }) => machine.agent.send('ask', FIRST_ASK_ID, ask('wait')),
    /by its channel, got ask/,
  ],
  ['uses a disk that it has not', ({ say }) => say('bulk', 1, encodeBulk(SLOTS, 1)), /no disk/],
] as const satisfies readonly (readonly [string, (given: Awaited<ReturnType<typeof hostile>>) => void, RegExp])[]) {
  asks(`costs the sandbox when an agent ${what}`, async () => {
    const given = await hostile();
    harm(given);
    assert.match((await given.channel.lost).message, sentence);
    await given.call.confirmed;
  });
}

asks('may be spoken of after they are over: that was on its way', async () => {
  const { channel, call, say, id, line } = await hostile(SERVICES);
  say('ask', 1, ask('echo'));
  await channel.ping();
  say('body', 1, new Uint8Array(ASK_WINDOW_BYTES));
  say('end', 1);
  say('credit', 1, encodeMessage({ bytes: 1 }));
  say('forget', 1);
  line.write(encodeFrame('done', id, encodeDone({ kind: 'ok', exitCode: 0, runMs: 0 })));
  say('forget', 1);
  await call.done;
  await channel.ping();
  channel.close('the test is over');
});

asks('may send by the disk, whose slots are freed also when nobody reads', async () => {
  const file = await openBulkFile(bulkPart(2));
  const machine = new FakeMachine('test', { workers: 1 });
  const channel = new Channel({ channel: machine.channel, lines: machine.lines, bulkFd: file.fd });
  const call = channel.invoke(RUN, new Uint8Array(0), 1000, () => {}, { services: SERVICES, failed: () => {} });
  const { id } = await machine.agent.next();
  const line = machine.agent.lineOf(id);
  line.write(encodeFrame('ask', FIRST_ASK_ID, ask('size')));
  for (let times = 0; times < 3; times += 1) {
    line.write(encodeFrame('bulk', FIRST_ASK_ID + (times === 2 ? 1 : 0), encodeBulk(SLOTS, 100_000)));
    while (machine.agent.heard.filter((kind) => kind === 'freed').length <= times) await channel.ping();
  }
  line.write(encodeFrame('end', FIRST_ASK_ID, new Uint8Array(0)));
  while (!machine.agent.heard.includes('answer')) await channel.ping();
  assert.equal(
    machine.agent.heard.filter((kind) => kind !== 'ping'),
    ['invoke', 'freed', 'freed', 'freed', 'answer'],
  );
  channel.close('the test is over');
  await call.confirmed;
  await file.close();
});

asks('survive an agent that sends anything', async () => {
  const random = new SeededRandom(Number(process.env['SEED'] ?? Date.now()));
  let rounds = 0;
  try {
    for (; rounds < 100; rounds += 1) {
      const { services, state, begun } = waiting();
      const { channel, call, say, line, machine } = await hostile({ ...SERVICES, ...services });
      for (let frames = random.below(20); frames > 0; frames -= 1) {
        const kind = random.pick(['ask', 'ask', 'ask', 'body', 'end', 'credit', 'forget'] as const);
        const payload =
          kind === 'body'
            ? random.bytes(random.below(300))
            : kind === 'credit'
              ? encodeMessage({ bytes: random.below(3) })
              : ask(random.pick(['wait', ...Object.keys(SERVICES)]), random.bytes(3));
        if (random.below(20) > 0) say(kind, random.below(6), payload);
        else line.write(random.mutate(encodeFrame(kind, FIRST_ASK_ID, payload)));
        if (random.below(4) === 0) await new Promise(setImmediate);
      }
      machine.die(0, null);
      await channel.lost;
      await call.confirmed;
      assert.is(state.aborted, begun.length);
    }
  } catch (error) {
    throw new Error(`seed ${random.seed}, round ${rounds}`, { cause: error });
  }
});

asks('that a grant or policy denies are told in the log, each once, and no more than some', async () => {
  const lab = await open();
  const services: OutsideServices = {
    ...SERVICES,
    ...Object.fromEntries(
      ['access-denied', 'HTTP-request-denied', 'destination-IP-prohibited'].map((code) => [
        code,
        () => Promise.reject(new OutsideRefusal(code, `${code}, in words`)),
      ]),
    ),
  };
  const denied = ['HTTP-request-denied', 'refuse', 'access-denied', 'defect', 'destination-IP-prohibited', 'absent'];
  await lab.run(services, async (outside) => {
    for (const service of [...denied, ...denied]) await outside.ask(service, null).answer.catch(() => {});
  });
  assert.equal(lab.log, [
    'HTTP-request-denied, in words',
    'access-denied, in words',
    'destination-IP-prohibited, in words',
    'the function was not granted "absent"; run npx cloudlet trace --learn --allow-net -- …, or add it to cloudlet.json',
  ]);
  lab.log.length = 0;
  await lab.run(services, async (outside) => {
    for (let at = 0; at < 40; at++) await outside.ask(`absent-${at}`, null).answer.catch(() => {});
  });
  assert.is(lab.log.length, 16);
});

asks('for which nothing was granted are told by what was asked for, with what grants it', async () => {
  const [near] = duplexPair();
  const use = new FunctionUse({
    note: () => {},
    changed: () => {},
    stored: () => ({ keyValueBytes: 0, blobBytes: 0 }),
  });
  const log: string[] = [];
  const list = new CallAsks({ services: {}, failed: () => {}, use }, new FrameWriter(near), (text) => log.push(text));
  const remote = { address: Uint8Array.of(192, 0, 2, 1), port: 5432 };
  const request = { method: 'GET', scheme: 'https', authority: 'api.example.org', path: '/', headers: [], body: false };
  for (const [id, service, args] of [
    [1, 'http.send', request],
    [2, 'tcp.connect', { remote, binding: null }],
    [3, 'dns.resolve', { name: 'db.example.org' }],
    [4, 'http.send', 'nonsense'],
  ] as const)
    list.take({ kind: 'ask', id, payload: ask(service, args) });
  const hint = 'run npx cloudlet trace --learn --allow-net -- …, or add it to cloudlet.json';
  assert.equal(
    log,
    ['http api.example.org', 'tcp 192.0.2.1:5432', 'lookup db.example.org', 'http.send'].map(
      (asked) => `the function was not granted ${asked}; ${hint}`,
    ),
  );
  assert.equal(use.use.denied, ['http api.example.org', 'http.send', 'lookup db.example.org', 'tcp 192.0.2.1:5432']);
});

asks('leave nothing in the list of an invocation when they are over', async () => {
  const [near] = duplexPair();
  const list = new CallAsks(
    { services: { ...SERVICES, ...waiting().services }, failed: () => {} },
    new FrameWriter(near),
    () => {},
  );
  const take = (kind: KindName, id: number, payload: Uint8Array) => list.take({ kind, id, payload });
  take('ask', 1, ask('echo'));
  take('ask', 2, ask('refuse'));
  take('ask', 3, ask('defect'));
  take('ask', 4, ask('wait'));
  take('ask', 5, ask('absent'));
  take('ask', 6, ask('upper'));
  assert.is(list.open, 5);
  await new Promise(setImmediate);
  assert.is(list.open, 2);
  take('end', 6, new Uint8Array(0));
  await new Promise(setImmediate);
  assert.is(list.open, 1);
  list.close();
  assert.is(list.open, 0);
  take('ask', 7, ask('echo'));
  assert.is(list.open, 0);
});

asks.run();
