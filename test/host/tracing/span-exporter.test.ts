import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SpanExporter, type SpanExporterOptions } from '../../../host/tracing/span-exporter.ts';
import { settled } from '../../support/pool-lab.ts';

const exporting = suite('the exporter of spans');

/** An exporter whose time and collector are the test's. */
class Lab {
  readonly sent: number[][] = [];
  readonly troubles: string[] = [];
  /** Answers in order; then all is taken. A promise that never settles is a collector that never answers. */
  answers: (Response | Error | Promise<Response>)[] = [];
  timers: { readonly ms: number; readonly callback: () => void }[] = [];
  readonly exporter: SpanExporter;
  made = 0;

  constructor(options: Partial<SpanExporterOptions> = {}) {
    this.exporter = new SpanExporter(
      {
        ...{ url: 'http://collector.example/secret', headers: { authorization: 'Bearer x' }, gzip: false },
        ...{ timeoutMs: 1000, queueSpans: 12, batchSpans: 4, delayMs: 5000 },
        troubled: (sentence) => this.troubles.push(sentence),
        fetch: async (_url, init) => {
          this.sent.push(JSON.parse(String(init?.body)));
          assert.is(new Headers(init?.headers).get('authorization'), 'Bearer x');
          const answer = (await this.answers.shift()) ?? new Response('{}');
          if (answer instanceof Error) throw answer;
          return answer;
        },
        after: (ms, callback) => {
          const timer = { ms, callback };
          this.timers.push(timer);
          return () => {
            this.timers = this.timers.filter((each) => each !== timer);
          };
        },
        ...options,
      },
      (spans) => spans,
    );
  }

  add(...numbers: number[]): void {
    for (const number of numbers)
      this.exporter.add({
        spans: 1,
        make: () => {
          this.made += 1;
          return [number];
        },
      });
  }

  /** Lets the time of the oldest timer come. */
  async fire(): Promise<number> {
    const timer = this.timers.shift();
    if (timer === undefined) throw new Error('expected a timer');
    timer.callback();
    await settled();
    return timer.ms;
  }

  get counts(): readonly [exported: number, dropped: number] {
    return [this.exporter.counts.exported, this.exporter.counts.dropped];
  }
}

exporting('spans wait for others, and are made only when they are sent', async () => {
  const lab = new Lab();
  lab.add(1, 2, 3);
  await settled();
  assert.equal([lab.sent, lab.made, lab.timers.length], [[], 0, 1]);
  assert.is(await lab.fire(), 5000);
  assert.equal([lab.sent, lab.counts], [[[1, 2, 3]], [3, 0]]);
  assert.is(lab.timers.length, 0);
});

exporting('a full batch goes at once, and one at a time', async () => {
  const lab = new Lab();
  const answer = Promise.withResolvers<Response>();
  lab.answers = [answer.promise];
  lab.add(1, 2, 3, 4);
  assert.is(await lab.fire(), 0);
  lab.add(5, 6, 7, 8, 9);
  await settled();
  assert.equal(lab.sent, [[1, 2, 3, 4]]);
  answer.resolve(new Response('{}'));
  await settled();
  assert.equal(lab.sent, [[1, 2, 3, 4], [5, 6, 7, 8], [9]]);
});

exporting('what comes faster than it goes is dropped and counted', async () => {
  const lab = new Lab();
  lab.answers = [new Promise(() => {})];
  lab.add(1, 2, 3, 4);
  await lab.fire();
  for (let i = 0; i < 1000; i += 1) lab.add(i);
  assert.equal(lab.counts, [0, 988]);
  assert.is(lab.made, 4);
});

for (const [what, answer, waitMs] of [
  ['429', () => new Response(null, { status: 429 }), 1000],
  ['503 with Retry-After', () => new Response(null, { status: 503, headers: { 'retry-after': '7' } }), 7000],
  [
    '503 with a Retry-After of a day',
    () => new Response(null, { status: 503, headers: { 'retry-after': '86400' } }),
    30_000,
  ],
  ['no connection', () => Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } }), 1000],
] as const) {
  exporting(`after ${what} the same spans are sent again, later`, async () => {
    const lab = new Lab();
    lab.answers = [answer()];
    lab.add(1, 2);
    await lab.fire();
    assert.is(await lab.fire(), waitMs);
    assert.equal(lab.sent, [
      [1, 2],
      [1, 2],
    ]);
    assert.equal(lab.counts, [2, 0]);
    assert.is(lab.troubles.length, 1);
    assert.not.match(lab.troubles[0]!, /secret|Bearer/);
    assert.match(lab.troubles[0]!, /^spans are not taken by http:\/\/collector\.example: /);
  });
}

exporting('spans that nobody takes are given up after four tries, and told of once', async () => {
  const lab = new Lab();
  lab.answers = Array.from({ length: 8 }, () => new Error('gone'));
  lab.add(1);
  await lab.fire();
  assert.equal([await lab.fire(), await lab.fire(), await lab.fire()], [1000, 2000, 4000]);
  assert.equal([lab.sent.length, lab.counts], [4, [0, 1]]);
  lab.add(2);
  for (let i = 0; i < 4; i += 1) await lab.fire();
  assert.equal([lab.counts, lab.troubles.length], [[0, 2], 1]);
  lab.add(3);
  await lab.fire();
  assert.equal(lab.counts, [1, 2]);
});

exporting('a request that is refused is not repeated', async () => {
  const lab = new Lab();
  lab.answers = [new Response('no', { status: 400 })];
  lab.add(1);
  await lab.fire();
  assert.equal([lab.sent.length, lab.counts, lab.timers.length], [1, [0, 1], 0]);
});

for (const [what, body, counts] of [
  ['spans that the collector rejects count as dropped', '{"partialSuccess":{"rejectedSpans":"2"}}', [1, 2]],
  ['more than were sent, too', '{"partialSuccess":{"rejectedSpans":99}}', [0, 3]],
  ['an answer that is no JSON means that all were taken', 'thanks', [3, 0]],
  ['an answer without end means that all were taken', 'x'.repeat(1_000_000), [3, 0]],
] as const) {
  exporting(what, async () => {
    const lab = new Lab();
    lab.answers = [new Response(body)];
    lab.add(1, 2, 3);
    await lab.fire();
    assert.equal(lab.counts, counts);
  });
}

exporting('closing sends what waits', async () => {
  const lab = new Lab();
  lab.add(1, 2, 3, 4, 5);
  await lab.exporter.close(1000);
  assert.equal(
    [lab.sent, lab.counts],
    [
      [[1, 2, 3, 4], [5]],
      [5, 0],
    ],
  );
  assert.is(lab.timers.length, 0);
});

exporting('closing does not wait for ever, neither for an answer nor for another try', async () => {
  for (const answer of [new Promise<Response>(() => {}), new Error('gone')]) {
    const lab = new Lab();
    lab.answers = [answer];
    lab.add(1, 2, 3, 4, 5);
    const closing = lab.exporter.close(77);
    await settled();
    lab.timers.find(({ ms }) => ms === 77)!.callback();
    await closing;
    await settled();
    assert.equal([lab.sent.length, lab.counts], [1, [0, 5]]);
    assert.is(
      lab.troubles.at(-1),
      'http://collector.example did not take the last 5 spans within 77 ms: they are dropped',
    );
  }
});

exporting.run();
