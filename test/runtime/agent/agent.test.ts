import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Agent } from '../../../runtime/agent/agent.ts';
import {
  decodeMessage,
  encodeFrame,
  encodeMessage,
  FrameReader,
  type KindName,
  type LoadedMessage,
} from '../../../runtime/agent/wire.ts';

const agents = suite('an agent');

const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));
const { postMessage } = Worker.prototype;
agents.after.each(() => {
  Worker.prototype.postMessage = postMessage;
  for (const worker of workers.splice(0)) worker.unref();
});

const LOAD = encodeMessage({ glueBytes: 0, modules: [], reuse: null, files: null });

/** An agent whose workers do this with a message; `tell` has the agent say it to the host. */
async function started(does: string, count: number) {
  const program = `import { parentPort } from 'node:worker_threads';
    const say = (kind, more) => parentPort.postMessage({ kind, ...more });
    const tell = (message) => say('want', { message });
    parentPort.on('message', (message) => { ${does} });
    say('up');`;
  const reader = new FrameReader();
  const said: [KindName, unknown][] = [];
  let wake = () => {};
  let take: (bytes: Uint8Array) => void = () => assert.unreachable();
  const agent = new Agent({
    port: {
      start: (taking) => {
        take = taking;
      },
      write: (bytes) => {
        for (const { kind, payload } of reader.push(Uint8Array.from(bytes)))
          said.push([kind, payload.length === 0 ? null : decodeMessage(payload)]);
        wake();
      },
    },
    workers: count,
    openLine: (line) => ({ line, fd: 0, kind: 'socket', bulkDevice: null }),
    bulk: null,
  });
  await agent.start(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  return {
    said,
    send: (kind: KindName, payload: Uint8Array = new Uint8Array(0)) => take(encodeFrame(kind, 1, payload)),
    until: async (kind: KindName) => {
      while (!said.some(([each]) => each === kind)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

const wants = (said: readonly [KindName, unknown][]) =>
  said.filter(([kind]) => kind === 'want').map(([, what]) => what);

type Started = Awaited<ReturnType<typeof started>>;

/** Has an agent load, and then get ready for a snapshot. */
async function loadedAndPrepared(send: Started['send'], until: Started['until']): Promise<void> {
  send('load', LOAD);
  send('end');
  await until('loaded');
  send('prepare');
  await until('prepared');
}

agents('is prepared when its workers have what is loaded, and has them wait for no call', async () => {
  const { said, send, until } = await started(
    `tell(message.kind);
    if (message.kind === 'load') say('loaded', { error: null });
    if (message.kind === 'hurry') say('settled');
    if (message.kind === 'prepare') say('prepared');`,
    1,
  );
  await loadedAndPrepared(send, until);
  assert.equal(wants(said), ['load', 'hurry', 'prepare']);
});

agents('has nobody hurry when nothing is loaded', async () => {
  const { said, send, until } = await started(
    `tell(message.kind); if (message.kind === 'prepare') say('prepared');`,
    2,
  );
  send('prepare');
  await until('prepared');
  assert.equal(wants(said), ['prepare', 'prepare']);
});

agents('answers a load once, whatever its workers say of it', async () => {
  const { said, send, until } = await started(
    `if (message.kind === 'load') { say('loaded', { error: 'no glue' }); say('settled'); }
    if (message.kind === 'prepare') say('prepared');`,
    3,
  );
  await loadedAndPrepared(send, until);
  const answers = said.filter(([kind]) => kind === 'loaded').map(([, answer]) => (answer as LoadedMessage).error);
  assert.equal(answers, ['no glue']);
});

agents('answers a load that cannot be given to its workers, once', async () => {
  const { said, send, until } = await started(`if (message.kind === 'prepare') say('prepared');`, 2);
  Worker.prototype.postMessage = function (this: Worker, ...given: Parameters<typeof postMessage>) {
    if (given[0].kind === 'load') throw new Error('it could not be cloned');
    postMessage.apply(this, given);
  };
  await loadedAndPrepared(send, until);
  const answers = said.filter(([kind]) => kind === 'loaded').map(([, answer]) => (answer as LoadedMessage).error);
  assert.equal(answers, ['it could not be cloned']);
});

agents.run();
