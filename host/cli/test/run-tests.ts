import {
  caseName,
  checkCase,
  hasCases,
  readCases,
  runTestFile,
  type TestEnd,
  testFilesOf,
} from '../../../guest-sdk/build/index.ts';
import { functionUnderTest } from '../../../guest-sdk/client/index.ts';
import { CloudletError, type FunctionName } from '../../../guest-sdk/protocol/index.ts';
import type { DevHost } from '../dev/dev-host.ts';
import { nodeTransport } from '../host-access/node-transport.ts';

/** What of a project's tests is run. */
export interface TestSelection {
  readonly folder: string;
  /** Only tests whose name has it. */
  readonly filter: string | undefined;
  /** After so long a test file is ended, milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Takes what test files write. */
  readonly onOutput: (chunk: Uint8Array) => void;
}

/** A test that ended, and where it stands. */
export interface EndedTest extends TestEnd {
  readonly file: string;
}

/**
 * Runs the tests of a project against the function that it was published as: its cases, then its test files. `project-invalid` when it
 * has none, or none of which the name has the filter.
 */
export async function* runTests(
  { folder, filter, timeoutMs, onOutput }: TestSelection,
  host: Pick<DevHost, 'url' | 'token'>,
  name: FunctionName,
  signal: AbortSignal,
): AsyncGenerator<EndedTest> {
  const { url, token } = host;
  const fn = functionUnderTest({ url, token, name, transport: nodeTransport });
  const files = await testFilesOf(folder);
  const cases = (await hasCases(folder)) ? await readCases(folder) : [];
  if (cases.length + files.length === 0)
    throw new CloudletError(
      'project-invalid',
      `expected tests in ${folder}/test: cases.json, or files *.test.ts and *.test.js`,
    );
  const meant = (text: string): boolean => filter === undefined || text.includes(filter);
  let ran = 0;
  for (const each of cases.filter((each) => meant(caseName(each)))) {
    signal.throwIfAborted();
    ran += 1;
    yield { file: 'test/cases.json', ...(await checkCase(each, fn)) };
  }
  for (const file of files) {
    const shown = file.slice(folder.length + 1);
    const options = { tested: { url, token, name }, filter, timeoutMs, onOutput, signal };
    for await (const each of runTestFile(file, options)) {
      ran += 1;
      yield { file: shown, ...each, name: each.name === file ? shown : each.name };
    }
  }
  if (ran === 0)
    throw new CloudletError(
      'project-invalid',
      `expected tests ${filter === undefined ? `in ${files.join(', ')}` : `whose name has ${JSON.stringify(filter)}`}, found none`,
    );
}
