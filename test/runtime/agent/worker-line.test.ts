import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BULK_BYTES, bulkPart } from '../../../runtime/agent/bulk-slots.ts';
import { FIRST_EPOCH, FrameReader, SLOT_BYTES } from '../../../runtime/agent/wire.ts';
import { WorkerLine } from '../../../runtime/agent/worker-line.ts';

/** A line without a machine, and what left by it; `bulkDevice` is a file in place of a disk. */
function lineTo(bulkDevice: string | null = null) {
  const reader = new FrameReader();
  const left: { kind: string; id: number; bytes: Buffer }[] = [];
  let writes = 0;
  const start = { line: 0, fd: -1, kind: 'socket', bulkDevice, epoch: FIRST_EPOCH } as const;
  const line = new WorkerLine(
    { ...start, cell: new SharedArrayBuffer(12) },
    { grant: () => {}, invoke: () => {}, tell: () => {} },
    {
      start: () => {},
      write: (bytes) => {
        writes += 1;
        // It keeps nothing that it was given: the memory is the line's again.
        for (const { kind, id, payload } of reader.push(new Uint8Array(bytes)))
          left.push({ kind, id, bytes: Buffer.from(payload) });
      },
    },
  );
  return { line, left, writes: () => writes };
}

const pattern = (bytes: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + seed) & 255));

const line = suite("a worker's line");

line('sends bytes as they were when they were posted, whatever their writer does with its memory then', () => {
  const { line, left } = lineTo();
  const memory = pattern(1000, 1);
  line.post({ kind: 'body', id: 1, bytes: memory });
  memory.fill(0);
  line.post({ kind: 'body', id: 1, bytes: pattern(500, 2) });
  line.flush();
  assert.equal(left, [{ kind: 'body', id: 1, bytes: Buffer.concat([pattern(1000, 1), pattern(500, 2)]) }]);
});

for (const size of [10, 100_000]) {
  line(`keeps the order of bodies of ${size} bytes and what is said between them`, () => {
    const { line, left, writes } = lineTo();
    line.post({ kind: 'head', id: 1, head: { status: 200, headers: [] } });
    line.post({ kind: 'body', id: 1, bytes: pattern(size, 1) });
    line.post({ kind: 'body', id: 2, bytes: pattern(size, 2) });
    line.post({ kind: 'credit', id: 1, bytes: 7 });
    line.post({ kind: 'body', id: 1, bytes: pattern(size, 3) });
    line.post({ kind: 'end', id: 2 });
    line.flush();
    assert.equal(
      left.map(({ kind, id }) => `${kind} ${id}`),
      ['head 1', 'body 1', 'body 2', 'credit 1', 'body 1', 'end 2'],
    );
    const bodies = left.filter(({ kind }) => kind === 'body').map(({ bytes }) => bytes);
    assert.equal(
      bodies,
      [1, 2, 3].map((seed) => pattern(size, seed)),
    );
    if (size < 4096) assert.is(writes(), 1);
  });
}

line('says what comes without waiting at once, also what a callback begins to say and its microtasks end', async () => {
  const { line, left, writes } = lineTo();
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      line.post({ kind: 'head', id: 1, head: { status: 200, headers: [] } });
      void later(20).then(() => {
        line.post({ kind: 'done', id: 1, done: { kind: 'ok', exitCode: 0, runMs: 1 } });
        setImmediate(resolve);
      });
    });
  });
  assert.is(left.map(({ kind }) => kind).join(), 'head,done');
  assert.is(writes(), 1);
});

line('keeps what several invocations at once say in one turn for its end, if it is to gather', async () => {
  const { line, left, writes } = lineTo();
  line.gather(true);
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      line.post({ kind: 'head', id: 1, head: { status: 200, headers: [] } });
      process.nextTick(() => process.nextTick(() => line.post({ kind: 'end', id: 1 })));
      setImmediate(() => setImmediate(resolve));
    });
  });
  assert.is(left.map(({ kind }) => kind).join(), 'head,end');
  assert.is(writes(), 1);
});

line('keeps the beginning of an answer for its end at the checkpoints of a guest that goes on, for a while', () => {
  const { line, left, writes } = lineTo();
  const begin = (id: number): void => {
    line.post({ kind: 'head', id, head: { status: 200, headers: [] } });
    line.post({ kind: 'body', id, bytes: pattern(10, id) });
    line.post({ kind: 'log', id, log: { stream: 'stderr', text: 'a line' } });
  };
  line.goOn(0);
  begin(1);
  line.goOn(100);
  line.goOn(104);
  line.post({ kind: 'done', id: 1, done: { kind: 'ok', exitCode: 0, runMs: 1 } });
  line.flush();
  assert.is(writes(), 1);
  line.goOn(105);
  begin(2);
  line.goOn(106);
  line.goOn(110);
  assert.is(writes(), 1, 'its time counts from the first checkpoint behind it');
  line.goOn(111);
  assert.is(writes(), 2);
  assert.is(left.map(({ kind, id }) => `${kind} ${id}`).join(), 'head 1,body 1,log 1,done 1,head 2,body 2,log 2');
});

for (const message of [
  { kind: 'credit', id: 1, bytes: 7 },
  { kind: 'ask', id: 1, payload: new Uint8Array(1) },
  { kind: 'done', id: 1, done: { kind: 'ok', exitCode: 0, runMs: 1 } },
] as const) {
  line(`sends ${message.kind}, for which somebody waits, at the next checkpoint, and what was said before it`, () => {
    const { line, left } = lineTo();
    line.post({ kind: 'body', id: 2, bytes: pattern(10, 2) });
    line.post(message);
    line.goOn(0);
    assert.is(left.map(({ kind }) => kind).join(), `body,${message.kind}`);
    line.post({ kind: 'body', id: 2, bytes: pattern(10, 2) });
    line.goOn(1);
    assert.is(left.length, 2, 'and then holds again');
  });
}

/** After so many microtasks. */
async function later(microtasks: number): Promise<void> {
  for (let left = microtasks; left > 0; left -= 1) await undefined;
}

line('sends much as it comes, in frames no longer than a slot', () => {
  const { line, left } = lineTo();
  const sent = pattern(1024 * 1024, 5);
  for (let at = 0; at < sent.length; at += 50_000) {
    line.post({ kind: 'body', id: 3, bytes: sent.subarray(at, at + 50_000) });
  }
  line.flush();
  assert.ok(Buffer.concat(left.map(({ bytes }) => bytes)).equals(sent));
  assert.ok(left.length > 8 && left.every(({ bytes }) => bytes.length <= SLOT_BYTES));
});

line('sends much by the disk, and by the port what finds no slot', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudlet-line-'));
  try {
    const disk = join(directory, 'disk');
    writeFileSync(disk, '');
    truncateSync(disk, 2 * BULK_BYTES);
    const { line, left } = lineTo(disk);
    const sent = pattern(6 * SLOT_BYTES + 20_001, 9);
    for (let at = 0; at < sent.length; at += 4096) {
      line.post({ kind: 'body', id: 4, bytes: sent.subarray(at, at + 4096) });
    }
    line.flush();
    const stored = readFileSync(disk);
    const came = left.map(({ kind, bytes }) => {
      if (kind === 'body') return bytes;
      const from = bulkPart(1) + bytes.readUInt32LE(0) * SLOT_BYTES;
      return stored.subarray(from, from + bytes.readUInt32LE(4));
    });
    assert.ok(Buffer.concat(came).equals(sent));
    // A file system without unbuffered access has no disk for this.
    const slots = left.filter(({ kind }) => kind === 'bulk').length;
    assert.ok(slots === 4 || slots === 0, `${slots} slots`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

line.run();
