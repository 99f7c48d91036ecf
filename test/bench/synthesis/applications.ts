import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Misuse } from '../misuse.ts';

/** A program that is measured, as a component and as a native server. */
export interface Application {
  /** Its folder in `examples/`, and its name on a cloudlet. */
  readonly name: string;
  readonly title: string;
  /** Question to the component that it answers at once: standard input and arguments. Any status is an answer. */
  readonly question: { readonly input: Uint8Array; readonly args: readonly string[] };
}

/** A tenth of a second of silence, 16 kHz, 16 bit, mono. */
function silence(): Uint8Array {
  const samples = 1600;
  const wav = Buffer.alloc(44 + 2 * samples);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + 2 * samples, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(16_000, 24);
  wav.writeUInt32LE(32_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(2 * samples, 40);
  return wav;
}

const text = (words: string) => new TextEncoder().encode(words);

/** The applications, by the data that they bring. */
export const APPLICATIONS: readonly Application[] = [
  {
    name: 'ocr',
    title: 'ocr: text recognition, no data',
    question: { input: text('P1\n1 1\n0\n'), args: [] },
  },
  {
    name: 'speak',
    title: 'speak: speech synthesis, 8 MB of voices',
    question: { input: text('a'), args: [] },
  },
  {
    name: 'hear',
    title: 'hear: speech recognition, 36 MB of models',
    question: { input: silence(), args: [] },
  },
];

/** The application of that name alone, or all of them; `Misuse` when there is none of that name. */
export function chosenApplications(only: string | undefined): readonly Application[] {
  const chosen = APPLICATIONS.filter(({ name }) => only === undefined || name === only);
  if (chosen.length > 0) return chosen;
  throw new Misuse(`expected --application ${APPLICATIONS.map(({ name }) => name).join(', or ')}, got ${only}`);
}

/** The project of an application. */
export function projectOf({ name }: Application): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
}

/** Bytes of the data files that a built component is granted: the same that its native package brings. */
export async function dataBytesOf(application: Application): Promise<number> {
  const project = projectOf(application);
  const { files = [] } = JSON.parse(await readFile(join(project, 'cloudlet.json'), 'utf8')) as {
    readonly files?: readonly { readonly from: string }[];
  };
  let bytes = 0;
  for (const { from } of files)
    for (const entry of await readdir(join(project, from), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
