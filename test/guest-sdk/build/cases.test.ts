import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CASES_FILE, readCases } from '../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const cases = suite('cases of a project');
let folder = '';

cases.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-cases-'));
  await mkdir(join(folder, 'test'));
});
cases.after(() => rm(folder, { recursive: true }));

const read = async (text: string) => {
  await writeFile(join(folder, CASES_FILE), text);
  return readCases(folder);
};

cases('are calls, runs and requests, with what may be left out', async () => {
  const list = [
    { call: 'f', arguments: [1], answer: null },
    { run: [], output: 'x' },
    { http: 'GET', path: '/', answer: 'x' },
  ];
  assert.equal(await read(JSON.stringify(list)), [
    { call: 'f', arguments: [1], answer: null },
    { run: [], input: '', output: 'x', status: 0 },
    { http: 'GET', path: '/', status: 200, answer: 'x' },
  ]);
});

for (const [what, text, words] of [
  ['no JSON', '[', /expected a list of cases in .*cases\.json, which is no JSON: /],
  ['no list', '{}', /expected a list of cases/],
  ['none', '[]', /one case at least/],
  ['of no form', '[{"cal": "f"}]', /case 1: expected "call", "run" or "http", got \{"cal":"f"\}/],
  ['null', '[null]', /case 1: expected "call"/],
  ['without an answer', '[{"call": "f", "arguments": []}]', /case 1: answer is missing/],
  ['with an unknown key', '[{"run": [], "output": "", "exit": 1}]', /case 1: exit is not a known key/],
  ['with another method', '[{"http": "GOT", "path": "/", "answer": ""}]', /case 1: http must be/],
] as const) {
  cases(`that are ${what} are refused with a sentence`, async () => {
    const error = await read(text).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as CloudletError,
    );
    assert.is(error?.code, 'project-invalid');
    assert.match(error?.message ?? '', words);
  });
}

cases.run();
