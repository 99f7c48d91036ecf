import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const collector = suite('the collector of the host');

/** Makes garbage of which much is young and some lives; V8 says a line for each thread that collects, then one for the collection. */
const PROGRAM = `
  const { collectYoungAlone } = await import(${JSON.stringify(new URL('../../host/collector.ts', import.meta.url).href)});
  collectYoungAlone();
  console.log('begins');
  const kept = [];
  for (let at = 0; at < 400_000; at += 1) kept[at % 20_000] = { at, more: [at, { at }] };
`;

collector('needs no other thread for young objects', async () => {
  const flags = ['--trace-parallel-scavenge', '--trace-gc', '--input-type=module', '-e'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROGRAM]);
  const lines = stdout.slice(stdout.indexOf('begins')).split('\n');
  const threads = lines.filter((line) => / scavenge\[/.test(line)).length;
  const collections = lines.filter((line) => / Scavenge /.test(line)).length;
  assert.ok(collections > 2, stdout);
  assert.is(threads, collections);
});

/** Pieces of a body that passes, 256 MiB of them, each gone before the next; says how many bytes lay outside of the heap at most, and how often all was collected. */
const PASSING = `
  const { collectYoungAlone, passBody } = await import(${JSON.stringify(new URL('../../host/collector.ts', import.meta.url).href)});
  collectYoungAlone();
  let most = 0;
  for (let at = 0; at < 4096; at += 1) {
    const piece = new Uint8Array(65536);
    if (SAYS) passBody(piece.length);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  console.log('most', most, typeof globalThis.gc);
`;

collector('frees a body that passes before 8 MiB of it are there, without collecting all', async () => {
  const run = async (says: boolean) => {
    const flags = ['--max-semi-space-size=4', '--trace-gc', '--input-type=module', '-e'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, PASSING.replace('SAYS', String(says))]);
    return { most: Number(/most (\d+) undefined/.exec(stdout)?.[1]), all: stdout.split('Mark-Compact').length - 1 };
  };
  const [said, unsaid] = [await run(true), await run(false)];
  assert.ok(said.most < 8 * 1024 * 1024, String(said.most));
  assert.ok(unsaid.most > 24 * 1024 * 1024, String(unsaid.most));
  assert.ok(said.all <= unsaid.all, `${said.all} and ${unsaid.all}`);
});

collector.run();
