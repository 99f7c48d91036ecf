import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  digestOfHex,
  type FunctionName,
  type Grant,
  type LogLine,
  mergeUse,
  NO_USE,
  type Use,
} from '../../guest-sdk/protocol/index.ts';
import { ChangeFeed } from '../change-feed.ts';
import { ComponentCompiler } from '../component/index.ts';
import type { FunctionVersion } from '../function/function-version.ts';
import { GrantedOutside } from '../function/granted-outside.ts';
import type { SecretValues } from '../grant/index.ts';
import type {
  CallOptions,
  CallResult,
  Invocation,
  InvocationRequest,
  InvokeOptions,
} from '../invocation/invocation.ts';
import { Invocations } from '../invocation/invocations.ts';
import { followParent } from '../invocation/trace.ts';
import { Stores } from '../outside/stores.ts';
import { checkDoor, describeManifest, type FunctionDescription, findExport } from '../provision/index.ts';
import { DEFAULT_REUSE, SandboxPool } from '../sandbox/index.ts';
import { processSandboxes } from '../sandbox-source/process-sandboxes.ts';
import type { GrantedDirectory } from '../wasi/index.ts';
import { FunctionUse } from './function-use.ts';

/** Uses of one kind that a recording keeps. */
const MOST_ENTRIES = 4096;

/** What is run for its use to be recorded, and with what. */
export interface RecorderOptions {
  readonly name: FunctionName;
  readonly component: Uint8Array;
  /** What it may have: as much as whoever runs it allows, so that nothing fails for want of it. */
  readonly grant: Grant;
  /** Its directories, with the files that are in them. */
  readonly files: readonly GrantedDirectory[];
  readonly secrets: SecretValues;
  /** Networks that may be reached although they are not public. */
  readonly privateNetworks: readonly string[];
  /** Where translated components are kept. */
  readonly cacheDir: string;
  /** Takes what it writes beside its answers. */
  readonly log: (line: Pick<LogLine, 'stream' | 'text'>) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs a component on this computer as a host would, in a process without a boundary, with stores of its own that are empty at first, and
 * records what it uses. Who opens it closes it.
 */
export class Recorder {
  /** What it exports. */
  readonly description: FunctionDescription;
  readonly #parts: RecorderParts;
  #atOnce = 0;
  #measured: Use = NO_USE;

  private constructor(description: FunctionDescription, parts: RecorderParts) {
    this.description = description;
    this.#parts = parts;
  }

  /** Translates the component and gets ready to run it; `component-refused` for one that no host would take. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const { name, component, grant, files, secrets, privateNetworks, cacheDir, log, signal } = options;
    const digest = digestOfHex(createHash('sha256').update(component).digest('hex'));
    const compiler = new ComponentCompiler({ cacheDir });
    const directory = await mkdtemp(join(tmpdir(), 'cloudlet-trace-'));
    let stores: Stores | undefined;
    try {
      const artifact = await compiler.compile(component, digest, signal);
      const opened = await Stores.open(directory, { isFunction: () => true });
      stores = opened;
      const description = describeManifest(artifact.manifest);
      const outside = new GrantedOutside({ privateNetworks });
      const use = new FunctionUse(
        { note: () => {}, changed: () => {}, stored: () => opened.usage(name) },
        NO_USE,
        MOST_ENTRIES,
      );
      const version: FunctionVersion = {
        ...{ name, version: 1, digest, description },
        loaded: {
          ...{ id: `${name}/1/recorded/${digest}`, program: name, grant, use, recorded: true },
          outside: () => outside.services({ name, version: 1, digest, grant }, opened),
          artifact: async () => artifact,
          files: async () => files,
          ...(description.asynchronous ? { reuse: DEFAULT_REUSE } : {}),
          secrets: () => secrets,
        },
      };
      const pool = new SandboxPool({
        source: processSandboxes(WORKERS, cacheDir),
        ...{ machines: 1, sandboxes: 1 },
        observer: { log: ({ stream, text }) => log({ stream, text }) },
      });
      const invocations = new Invocations({
        ...{ pool, feed: new ChangeFeed(() => {}), observer: {}, recentInvocations: 1, sample: followParent },
        bodyBytes: grant.limits.bodyBytes,
        log: (_, { stream, text }) => log({ stream, text }),
      });
      return new Recorder(description, {
        version,
        use,
        pool,
        invocations,
        outside,
        stores: opened,
        compiler,
        directory,
      });
    } catch (error) {
      stores?.close();
      await compiler.close();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Runs a command, or gives a request to an http handler; see `Cloudlet.invoke`. */
  async invoke(
    request: InvocationRequest,
    input: Uint8Array | AsyncIterable<Uint8Array>,
    options: InvokeOptions = {},
  ): Promise<Invocation> {
    const { invocations, version } = this.#parts;
    checkDoor(this.description, request.door);
    const end = this.#begin();
    try {
      const invocation = await invocations.stream(version, request, input, options);
      invocation.done.then(
        ({ runMs }) => end(runMs),
        () => end(),
      );
      return invocation;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Calls a typed export; see `Cloudlet.call`. */
  async call(target: string, args: unknown, options: CallOptions): Promise<CallResult> {
    const { invocations, version } = this.#parts;
    checkDoor(this.description, 'call');
    const end = this.#begin();
    try {
      const result = await invocations.call(version, findExport(this.description, target), args, options);
      end(result.timing.runMs);
      return result;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** All that its invocations used so far. */
  get use(): Use {
    return mergeUse(this.#parts.use.use, this.#measured);
  }

  /** Files, in the order in which they were read first. */
  get readOrder(): readonly string[] {
    return this.#parts.use.readOrder;
  }

  /** Ends what runs and forgets what it stored. Idempotent. */
  async close(): Promise<void> {
    const { pool, outside, stores, compiler, directory } = this.#parts;
    await pool.close();
    outside.close();
    await compiler.close();
    stores.close();
    await rm(directory, { recursive: true, force: true });
  }

  /** Its start, which takes as long as this computer does, is no part of what it takes. */
  #begin(): (runMs?: number) => void {
    this.#atOnce += 1;
    this.#measure({ atOnce: this.#atOnce });
    return (runMs = 0) => {
      this.#atOnce -= 1;
      this.#measure({ wallMs: runMs });
    };
  }

  #measure(most: Partial<Use['most']>): void {
    this.#measured = mergeUse(this.#measured, { ...NO_USE, most: { ...NO_USE.most, ...most } });
  }
}

/** Invocations at once. */
const WORKERS = 4;

interface RecorderParts {
  readonly version: FunctionVersion;
  readonly use: FunctionUse;
  readonly pool: SandboxPool;
  readonly invocations: Invocations;
  readonly outside: GrantedOutside;
  readonly stores: Stores;
  readonly compiler: ComponentCompiler;
  readonly directory: string;
}
