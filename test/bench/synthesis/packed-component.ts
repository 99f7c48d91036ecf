import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sourceDigest } from '../../../guest-sdk/build/index.ts';
import { type Application, dataBytesOf, projectOf } from './applications.ts';
import { BENCH_CACHE } from './prepared.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A build prints thousands of lines, which are of use when it fails. */
const MOST_OUTPUT_BYTES = 64 * 2 ** 20;

/** The component of an application as a package. */
export interface PackedComponent {
  /** The package's file. */
  readonly file: string;
  /** Of the data that it brings. */
  readonly dataBytes: number;
}

/** Builds and packs the component of an application, unless that was done of the same sources; says nothing of how, unless it fails. */
export async function packedComponent(application: Application, say: (line: string) => void): Promise<PackedComponent> {
  const project = projectOf(application);
  const builder = await sourceDigest(join(ROOT, 'guest-sdk', 'build'));
  const sources = createHash('sha256')
    .update(`${await sourceDigest(project)} ${builder}`)
    .digest('hex')
    .slice(0, 16);
  const folder = join(BENCH_CACHE, 'components');
  const file = join(folder, `${application.name}-${sources}.tar`);
  const note = `${file}.json`;
  const known = await readFile(note, 'utf8').catch(() => null);
  if (known !== null && (await stat(file).catch(() => null)) !== null)
    return { file, dataBytes: (JSON.parse(known) as { dataBytes: number }).dataBytes };
  say(`building the component of ${application.name}`);
  await mkdir(folder, { recursive: true });
  const words = [join(ROOT, 'host/cli/main.ts'), 'pack', project, '--output', file];
  try {
    await run(process.execPath, words, { maxBuffer: MOST_OUTPUT_BYTES });
  } catch (error) {
    const { stderr = '', message } = error as { readonly stderr?: string; readonly message: string };
    throw new Error(`${application.name} could not be built: ${stderr.slice(-4000) || message}`, { cause: error });
  }
  const dataBytes = await dataBytesOf(application);
  await writeFile(note, JSON.stringify({ dataBytes }));
  return { file, dataBytes };
}
