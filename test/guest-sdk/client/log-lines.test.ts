import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logLines } from '../../../guest-sdk/client/log-lines.ts';
import { PATIENCE_MS } from '../../../guest-sdk/client/patience.ts';
import { connect } from '../../../guest-sdk/client/request.ts';
import type { TransportRequest, TransportResponse } from '../../../guest-sdk/client/transport.ts';
import { CloudletError, ERRORS, type ErrorCode, type LogLine } from '../../../guest-sdk/protocol/index.ts';

const lines = suite('lines of a log');

/** What a host does with one request: gives lines and ends, or breaks; or says no. */
type Turn = { readonly lines: readonly number[]; readonly breaks?: boolean } | ErrorCode;

/** Reads a log of a host that acts by turns; gives all that was seen, asked and waited for. */
async function read(turns: readonly Turn[], options: { follow?: boolean; after?: number }) {
  const asked: string[] = [];
  const waits: number[] = [];
  const seen: number[] = [];
  const left = [...turns];
  const transport = async ({ url, headers }: TransportRequest): Promise<TransportResponse> => {
    asked.push(`${new URL(url).search} ${headers['last-event-id'] ?? '-'}`);
    const turn = left.shift();
    if (turn === undefined) throw new Error('asked once more');
    if (turn === 'network-unavailable') throw new CloudletError(turn, 'no cloudlet answers');
    return typeof turn === 'string' ? problem(turn) : answer(turn);
  };
  const host = connect('http://localhost', undefined, transport);
  const wait = async (ms: number): Promise<void> => void waits.push(ms);
  const end = await (async () => {
    for await (const { seq } of logLines(host, '/log', options, wait)) seen.push(seq);
    return 'ended';
  })().catch((error: Error) => (error instanceof CloudletError ? error.code : error.message));
  return { asked, waits, seen, end };
}

function answer({ lines, breaks }: Exclude<Turn, string>): TransportResponse {
  const facts = { at: '', version: 1, invocation: 'i', stream: 'stdout', text: '' } as const;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (const seq of lines)
      yield Buffer.from(`id: ${seq}\nevent: line\ndata: ${JSON.stringify({ seq, ...facts } satisfies LogLine)}\n\n`);
    if (breaks === true) throw new TypeError('terminated');
  };
  return { status: 200, header: () => null, body: body(), trailer: () => null };
}

function problem(code: ErrorCode): TransportResponse {
  const { status, title } = ERRORS[code];
  const text = JSON.stringify({ type: 'x', title, status, detail: 'no', code, instance: '/' });
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  };
  return { status, header: () => null, body: body(), trailer: () => null };
}

lines('without following, a log is read once, to its end', async () => {
  const { seen, asked, end } = await read([{ lines: [1, 2] }], {});
  assert.equal([seen, asked, end], [[1, 2], ['?follow=false -'], 'ended']);
});

lines('reading begins after a line', async () => {
  assert.equal((await read([{ lines: [6] }], { after: 5 })).asked, ['?follow=false 5']);
});

lines('a follower comes back after its last line, until the function is gone', async () => {
  const turns: Turn[] = [
    { lines: [1, 2], breaks: true },
    { lines: [3] },
    'draining',
    { lines: [] },
    'function-unknown',
  ];
  const { seen, asked, waits, end } = await read(turns, { follow: true });
  assert.equal([seen, end], [[1, 2, 3], 'ended']);
  assert.equal(
    asked,
    ['-', '2', '3', '3', '3'].map((last) => `?follow=true ${last}`),
  );
  assert.equal(waits, [250, 250, 500, 1000]);
});

lines('a host that does not come back is given up on in the end', async () => {
  const turns: Turn[] = [{ lines: [1] }, ...PATIENCE_MS.map(() => 'network-unavailable' as const)];
  const { waits, end } = await read(turns, { follow: true });
  assert.is(end, 'network-unavailable');
  assert.equal(waits, PATIENCE_MS);
});

for (const [what, turns, code] of [
  ['a host that was never there', ['network-unavailable'], 'network-unavailable'],
  ['a function that never was', ['function-unknown'], 'function-unknown'],
  ['a session that ran out', [{ lines: [1] }, 'unauthorized'], 'unauthorized'],
] as const) {
  lines(`${what} is an error at once`, async () => {
    assert.is((await read(turns, { follow: true })).end, code);
  });
}

lines('a connection that breaks without following is an error', async () => {
  assert.is((await read([{ lines: [1], breaks: true }], {})).end, 'terminated');
});

lines('waiting ends when its caller has enough', async () => {
  const enough = new AbortController();
  const host = connect('http://localhost', undefined, async () => answer({ lines: [1] }));
  const reading = logLines(host, '/log', { follow: true, signal: enough.signal });
  assert.is((await reading.next()).value?.seq, 1);
  const waiting = reading.next();
  setImmediate(() => enough.abort(new Error('enough')));
  assert.is(await waiting.catch((error: Error) => error.message), 'enough');
});

lines.run();
