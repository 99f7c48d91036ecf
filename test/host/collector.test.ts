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

collector.run();
