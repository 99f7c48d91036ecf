import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostEnvironment, hostFlags } from '../../../host/setup/host-flags.mjs';
import { collectionsOf } from '../../support/collections.ts';

const flags = suite('the flags of a host');

/** Makes old garbage, and says a line for each collection and for each helper that marks. */
const PROGRAM =
  'const kept = []; for (let at = 0; at < 3_000_000; at += 1) kept[at % 200_000] = { at, more: [at, { at }] };';

const TRACE = '--trace-pretenuring-statistics';
/** Said at each young collection in which V8 counts, for a place in the code, how much of what it made lives on. */
const COUNTED = /pretenuring: .* mementos=/;

async function traced(processors: number) {
  const traces = ['--trace-gc', '--trace-concurrent-marking', TRACE];
  const args = [...hostFlags(processors), ...traces, '-e', PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const count = (what: RegExp) => stdout.split('\n').filter((line) => what.test(line)).length;
  return {
    old: count(/ Mark-Compact /),
    markers: count(/concurrent marking/i),
    counted: count(COUNTED),
    stdout,
  };
}

flags('leave marking to helpers where these have processors, and to the host itself on few', async () => {
  const [few, many] = [await traced(2), await traced(16)];
  assert.ok(few.old > 0, few.stdout);
  assert.is(few.markers, 0);
  assert.ok(many.markers > 0, many.stdout);
});

flags('have nothing made among the old because much of it lived on before', async () => {
  assert.is((await traced(2)).counted, 0);
  // Which it does without the flag, and decides by it.
  const other = hostFlags(2).filter((flag) => !flag.includes('pretenuring'));
  const { stdout } = await promisify(execFile)(process.execPath, [...other, TRACE, '-e', PROGRAM]);
  assert.match(stdout, COUNTED);
});

flags('let what is old double, and what is young be collected while it is marked', async () => {
  // With little room for young ones, these are collected often.
  const { old, meanwhile, factors } = await collectionsOf([...hostFlags(2), '--max-semi-space-size=1']);
  assert.ok(old > 1 && meanwhile > 0, `${old} and ${meanwhile}`);
  assert.equal(new Set(factors), new Set(['2.0']));
});

/** Has four threads allocate, and says how many heaps of threads the C library made: each is 64 MiB of addresses, begun and mostly untouched. */
const HEAPS = `
  const { randomBytes, scrypt } = require('node:crypto');
  const { promisify } = require('node:util');
  Promise.all(Array.from({ length: 16 }, () => promisify(scrypt)(randomBytes(8), 'salt', 32))).then(() => {
    const parts = require('node:fs').readFileSync('/proc/self/maps', 'utf8').trim().split('\\n')
      .map((line) => /^(\\w+)-(\\w+) (....) /.exec(line)).map(([, from, to, may]) => [parseInt(from, 16), parseInt(to, 16), may]);
    const isHeap = ([from, to, may], at) => may === 'rw-p' && from % 2 ** 26 === 0 && parts[at + 1]?.[2] === '---p' &&
      parts[at + 1][0] === to && parts[at + 1][1] - from >= 2 ** 26;
    console.log(parts.filter(isHeap).length);
  });`;

flags('have the threads of a host share one heap beside its own', async () => {
  const heaps = async (env: Readonly<Record<string, string>>) =>
    Number((await promisify(execFile)(process.execPath, ['-e', HEAPS], { env })).stdout);
  assert.ok((await heaps({})) > 1);
  assert.is(await heaps(hostEnvironment()), 1);
});

flags.run();
