/**
 * Clones of real machines with real components in them, for tests.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../guest-sdk/build/index.ts';
import { readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../runtime/agent/wire.ts';
import type { Artifact } from '../../runtime/component/artifact.ts';
import { transpile } from '../../runtime/component/transpile.ts';
import { DEFAULT_LIMITS } from '../../runtime/options.ts';
import type { LoadedVersion, Sandbox, SandboxSource, StartedSandbox } from '../../runtime/sandbox/index.ts';
import { machineSandboxes } from '../../runtime/sandbox-source/machine-sandboxes.ts';
import { TEST_CACHE } from './microvm-lab.ts';
import { childrenOf, programOf } from './process-tree.ts';
import { artifactOf, finish, TEST_GRANT } from './sandbox-lab.ts';

/** Workers of each clone. */
const CONCURRENCY = 2;

/** The golden snapshot is kept between runs; those of the tests' functions come and go. */
const LIMITS = { ...DEFAULT_LIMITS, memoryMib: TEST_GRANT.limits.memoryMib, concurrency: CONCURRENCY };

/** Files of one snapshot. */
export interface SnapshotPaths {
  readonly directory: string;
  readonly memory: string;
  readonly state: string;
  readonly manifest: string;
}

/** A source of machines, as a host has it, and what it warned of. */
export class CloneLab {
  readonly source: SandboxSource;
  readonly warnings: string[];
  readonly signal = new AbortController().signal;

  private constructor(source: SandboxSource, warnings: string[]) {
    this.source = source;
    this.warnings = warnings;
  }

  static async open(): Promise<CloneLab> {
    const warnings: string[] = [];
    const observer = { warning: (sentence: string) => void warnings.push(sentence) };
    const options = { dataDir: TEST_CACHE, cacheDir: TEST_CACHE, sandbox: 'microvm', accel: 'auto', observer } as const;
    return new CloneLab(await machineSandboxes(options, LIMITS), warnings);
  }

  /** Starts a sandbox and closes it when `use` has ended. */
  async with<T>(version: LoadedVersion, use: (started: StartedSandbox) => Promise<T>): Promise<T> {
    const started = await this.source.start(version, this.signal);
    try {
      return await use(started);
    } finally {
      await started.sandbox.close();
    }
  }

  /** Where the snapshot of a version is; null when there is none. */
  find(versionId: string): SnapshotPaths | null {
    const store = join(TEST_CACHE, 'snapshots');
    for (const name of readdirSync(store).filter((each) => !each.startsWith('.'))) {
      const directory = join(store, name);
      const manifest = join(directory, 'manifest.json');
      const text = readIfThere(manifest);
      // Others who use the store may remove theirs just now.
      if (text === null) continue;
      const { content } = JSON.parse(text).conditions;
      if (content?.startsWith(`${versionId} `) === true)
        return { directory, manifest, memory: join(directory, 'memory'), state: join(directory, 'state') };
    }
    return null;
  }

  /** What is being made of snapshots by this process. */
  drafts(): string[] {
    return readdirSync(join(TEST_CACHE, 'snapshots')).filter((name) => name.startsWith(`.making-${process.pid}-`));
  }

  /** Process ids of the QEMUs of this process that run: each is the child of its supervisor, and a start that ends before it is made again. */
  machines(): number[] {
    return childrenOf(process.pid).flatMap(childrenOf).filter(isQemu);
  }

  async close(): Promise<void> {
    await this.source.close();
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const isQemu = (pid: number): boolean => programOf(pid)?.startsWith('qemu-system') === true;

/** A version of a component, with this environment and these arguments. */
export function versionWith(
  id: string,
  artifact: () => Promise<Artifact>,
  environment: Readonly<Record<string, string>> = {},
  words: readonly string[] = [],
): LoadedVersion {
  return { id, program: id, grant: { ...TEST_GRANT, environment, arguments: [...words] }, artifact };
}

/** A test guest, translated. */
export function guestArtifact(name: string): () => Promise<Artifact> {
  return () => artifactOf(name);
}

/** A project of the test guests, built and translated; once. */
export function projectArtifact(folder: string): () => Promise<Artifact> {
  let made: Promise<Artifact> | undefined;
  return () => {
    made ??= buildProject(folder);
    return made;
  };
}

async function buildProject(folder: string): Promise<Artifact> {
  const output = await mkdtemp(join(tmpdir(), 'cloudlet-built-'));
  try {
    const { component, digest } = await build(folder, { output });
    return await transpile(await readFile(component), digest);
  } finally {
    await rm(output, { recursive: true });
  }
}

/** A typed call in a sandbox. */
export async function callIn(sandbox: Sandbox, target: string, ...args: readonly unknown[]): Promise<unknown> {
  const { output } = await answerOf(sandbox, { door: 'call', target }, writeBindingValue([...args]));
  return readBindingValue(output);
}

/** The text that an http function in a sandbox answers with. */
export async function getIn(sandbox: Sandbox, path: string): Promise<string> {
  const request = {
    door: 'http',
    method: 'GET',
    scheme: 'http',
    authority: 'cloudlet.test',
    path,
    headers: [],
  } as const;
  return (await answerOf(sandbox, request, new Uint8Array(0))).text;
}

function answerOf(sandbox: Sandbox, request: InvokeRequest, input: Uint8Array) {
  return finish(sandbox.invoke(request, input, { deadlineMs: TEST_GRANT.limits.deadlineMs, log: () => {} }));
}
