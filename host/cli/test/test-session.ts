import { build, develop, readProject } from '../../../guest-sdk/build/index.ts';
import { asCloudletError, CloudletError, type FunctionName, parseName } from '../../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../config.ts';
import { type DevHost, type DevHostFlags, openDevHost } from '../dev/dev-host.ts';
import { printable } from '../terminal/printable.ts';
import { showProgress } from '../terminal/progress.ts';
import { typed, UsageError } from '../usage-error.ts';
import { type EndedTest, runTests, type TestSelection } from './run-tests.ts';

/** Flags of `test`. */
export interface TestFlags extends DevHostFlags {
  readonly filter?: string;
  /** Seconds. */
  readonly timeout?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Builds a project, runs its tests, says how each ended; gives whether all passed. With `watch` again after each change, until `signal` fires. */
export async function testProject(folder: string, flags: TestFlags, signal: AbortSignal): Promise<boolean> {
  const timeoutMs = parseTimeout(flags.timeout);
  const { cacheDir: cache } = typed(() => hostConfig({}));
  const project = await readProject(folder);
  // On another host it must not take the place of what is published there.
  const name = parseName(flags.to === undefined ? project.name : `test-${project.name}`.slice(0, 63));
  const host = await openDevHost(flags);
  if (flags.to !== undefined) await refuseTaken(host, name, signal);
  const selection = {
    folder,
    filter: flags.filter,
    timeoutMs,
    onOutput: (chunk: Uint8Array) => process.stderr.write(chunk),
  };
  const test = (): Promise<boolean> => testOnce(selection, flags, host, name, signal);
  try {
    if (flags.watch === true) {
      await develop(folder, {
        ...{ cache, signal },
        publish: (made) => host.publish(name, made, signal),
        onEvent: (event) => {
          if (event.kind === 'failed') console.error(printable(event.error.message));
        },
        served: async () => {
          await test().catch((error: unknown) => {
            if (!signal.aborted) console.error(printable(asCloudletError(error).message));
          });
        },
      });
      return true;
    }
    const progress = showProgress(name);
    try {
      const made = await build(folder, {
        ...{ cache, signal },
        onProgress: (event) => event.kind === 'stage' && progress.stage(event.sentence),
      });
      progress.stage('publish');
      await host.publish(name, made, signal);
    } finally {
      progress.clear();
    }
    return await test();
  } finally {
    if (flags.to !== undefined) await host.client.remove(name).catch(() => {});
    await host.close();
  }
}

/** What is tested on another host is removed there afterwards: it must not be somebody's. */
async function refuseTaken({ client, url }: DevHost, name: FunctionName, signal: AbortSignal): Promise<void> {
  const taken = (await client.functions(signal)).some((each) => each.name === name);
  if (taken)
    throw new CloudletError(
      'conflict',
      `expected no function "${name}" at ${url}, where the tests would run and remove it; if an earlier test left it: npx cloudlet rm ${name}`,
    );
}

async function testOnce(
  selection: TestSelection,
  { json = false }: TestFlags,
  host: DevHost,
  name: FunctionName,
  signal: AbortSignal,
): Promise<boolean> {
  const ended: EndedTest[] = [];
  for await (const test of runTests(selection, host, name, signal)) {
    ended.push(test);
    if (!json) console.log(testLine(test));
  }
  const skipped = ended.filter((test) => test.skipped === true).length;
  const failed = ended.filter((test) => !test.passed && test.skipped !== true).length;
  const passed = ended.length - failed - skipped;
  if (json) console.log(JSON.stringify({ name, passed, failed, skipped, tests: ended }));
  else console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  return failed === 0;
}

function testLine({ name, file, passed, skipped, ms, reason }: EndedTest): string {
  if (skipped === true) return `- ${printable(name)}  skipped`;
  const line = `${passed ? '✓' : '✗'} ${printable(name)}  ${Math.round(ms)} ms`;
  return passed ? line : `${line}  (${file})\n  ${printable(reason ?? '').replaceAll('\n', '\n  ')}`;
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text) * 1000;
  throw new UsageError(`expected --timeout as seconds above 0, got ${JSON.stringify(text)}`);
}
