import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
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
 * A child process that translates one component: it has no network, few rights and bounded memory and time. It may be started before there is a
 * component, and waits then. Whoever starts one lets it translate, or closes it.
 */
export class Translator {
  readonly #limits: ConfinementLimits;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;
  readonly #stderr: () => string;
  #isKilled = false;
  #isLost = false;

  constructor(kind: Translated, { limits, network, entry = ENTRY }: ConfinedRun) {
    this.#limits = limits;
    const [file, ...args] = confinedCommand(process.execPath, entry, [kind], limits, network);
    this.#child = spawn(file, args, { cwd: '/', env: CONFINED_ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    // Whoever has it translate is told.
    this.#closed.catch(() => {});
    // A child that dies early breaks the pipe; its exit says why.
    this.#child.stdin.on('error', () => {});
    this.#stderr = tailOf(this.#child.stderr);
  }

  /** Whether it can still be given a component. */
  get isUsable(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether somebody else killed it: that says nothing of a component. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Translates a component. Whatever the child does, this throws `component-refused` with a sentence, or gives an artifact whose shape was checked. An
   * abort kills it.
   */
  async translate(bytes: Uint8Array, digest: Digest, signal?: AbortSignal): Promise<Artifact> {
    const child = this.#child;
    const { wallMs } = this.#limits;
    let overtime = false;
    const timer = setTimeout(() => {
      overtime = true;
      this.#kill();
    }, wallMs);
    const kill = (): void => this.#kill();
    signal?.addEventListener('abort', kill, { once: true });
    try {
      if (signal?.aborted) throw abortError(signal);
      child.stdin.write(digest);
      child.stdin.end(bytes);
      const output = await collect(child.stdout, outputLimit(bytes.length), kill);
      const [code, killedBy] = await this.#closed;
      if (signal?.aborted) throw abortError(signal);
      if (overtime)
        throw refused(`the component took longer than ${wallMs / 1000} s to translate; make it smaller or simpler`);
      if (output === null)
        throw refused('the component became far larger when it was translated; make it smaller or simpler');
      this.#isLost = killedBy === 'SIGKILL' && !this.#isKilled;
      if (code !== 0) throw childFailed(code, killedBy, this.#stderr());
      return accept(output, digest);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      kill();
    }
  }

  /** Ends it, whatever it is at; resolves when it is gone. Idempotent. */
  async close(): Promise<void> {
    this.#kill();
    this.#child.stdout.resume();
    await this.#closed.catch(() => {}); // It could not be started.
  }

  #kill(): void {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
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
async function collect(stdout: Readable, limit: number, kill: () => void): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stdout as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > limit) {
      kill();
      return null;
    }
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

function tailOf(stderr: Readable): () => string {
  let text = '';
  stderr.setEncoding('utf8').on('data', (part: string) => {
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
