import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import { abortError } from '../../store/index.ts';
import type { Artifact } from '../artifact.ts';
import { refused } from '../binary/byte-reader.ts';
import type { BinaryKind } from '../binary/preamble.ts';
import { decodeArtifact } from './artifact-stream.ts';
import { CONFINED_ENVIRONMENT, type ConfinementLimits, confinedCommand, type NetworkIsolation } from './confinement.ts';

const ENTRY = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Output that a component of a size may have: glue of some hundred KiB, modules a tenth larger. */
const outputLimit = (inputBytes: number): number => 64 * 1024 * 1024 + 3 * inputBytes;
/** End of the child's stderr that is kept. */
const STDERR_CHARACTERS = 2000;

/** What is translated, which decides which tools a child loads. */
export type Translated = BinaryKind | 'async-component';

/** What is needed to run one child. */
export interface ConfinedRun {
  readonly limits: ConfinementLimits;
  readonly network: NetworkIsolation;
  /** Program to run instead of the translator, for tests of what happens when it misbehaves. */
  readonly entry?: string;
}

/**
 * Translates a component in a child process that has no network, few rights and bounded memory and time. Whatever the child
 * does, this throws `component-refused` with a sentence, or gives an artifact whose shape was checked. An abort kills it.
 */
export async function transpileConfined(
  bytes: Uint8Array,
  digest: Digest,
  kind: Translated,
  { limits, network, entry = ENTRY }: ConfinedRun,
  signal?: AbortSignal,
): Promise<Artifact> {
  if (signal?.aborted) throw abortError(signal);
  const [file, ...args] = confinedCommand(process.execPath, entry, [digest, kind], limits, network);
  const child = spawn(file, args, { cwd: '/', env: CONFINED_ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  let overtime = false;
  const timer = setTimeout(() => {
    overtime = true;
    kill();
  }, limits.wallMs);
  signal?.addEventListener('abort', kill, { once: true });
  try {
    const closed = once(child, 'close');
    // A child that dies early breaks the pipe; its exit says why.
    child.stdin.on('error', () => {});
    child.stdin.end(bytes);
    const stderr = tailOf(child);
    const output = await collect(child, outputLimit(bytes.length), kill);
    const [code, killedBy] = (await closed) as [number | null, NodeJS.Signals | null];
    if (signal?.aborted) throw abortError(signal);
    if (overtime)
      throw refused(
        `the component took longer than ${limits.wallMs / 1000} s to translate; make it smaller or simpler`,
      );
    if (output === null)
      throw refused('the component became far larger when it was translated; make it smaller or simpler');
    if (code !== 0) throw childFailed(code, killedBy, stderr());
    return accept(output, digest);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    kill();
  }
}

function accept(output: Uint8Array, digest: Digest): Artifact {
  let decoded: ReturnType<typeof decodeArtifact>;
  try {
    decoded = decodeArtifact(output);
  } catch (error) {
    throw refused(
      `the component could not be translated: its translation is damaged (${(error as Error).message})`,
      error,
    );
  }
  if ('refused' in decoded) throw refused(decoded.refused);
  if (decoded.manifest.component !== digest)
    throw refused('the component could not be translated: its translation is of another one');
  return decoded;
}

/** Everything that the child writes, or null (and the child killed) when it is more than the limit. */
async function collect(child: ChildProcess, limit: number, kill: () => void): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of child.stdout!) {
    length += part.length;
    if (length > limit) {
      kill();
      return null;
    }
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

function tailOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(-STDERR_CHARACTERS);
  });
  return () => text;
}

function childFailed(code: number | null, killedBy: NodeJS.Signals | null, stderr: string): Error {
  if (killedBy === 'SIGXCPU')
    return refused('the component took more processor time to translate than is allowed; make it smaller or simpler');
  if (/out of memory|heap limit|Cannot allocate|bad_alloc/i.test(stderr)) {
    return refused('the component needed more memory to translate than is allowed; make it smaller or simpler');
  }
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const said = lines.find((line) => /^\w*Error\b|panicked/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return refused(
    `the component could not be translated: the translator ended by ${killedBy ?? `exit status ${code}`} (${said.trim().slice(0, 300)})`,
  );
}
