import { readFile } from 'node:fs/promises';
import {
  componentEmbed,
  componentNew,
  preview1AdapterCommandPath,
  preview1AdapterReactorPath,
} from '@bytecodealliance/jco';
import { CloudletError } from '../protocol/index.ts';
import type { ExecutionModel } from './c/clang.ts';

/** The world that a core module implements. */
export interface EmbeddedWorld {
  /** Folder of complete WIT, as `assembleWit` leaves it. */
  readonly wit: string;
  /** Name of the world; may be omitted when the WIT has one only. */
  readonly world?: string | undefined;
}

/**
 * Turns a WASI 0.1 core module into a component: adds the type of `world`, when there is one, and jco's adapter of the model.
 * @throws CloudletError `build-failed` when the module does not fit the world.
 */
export async function encodeComponent(
  core: Uint8Array,
  model: ExecutionModel,
  world: EmbeddedWorld | null,
): Promise<Uint8Array> {
  const adapter = model === 'command' ? preview1AdapterCommandPath() : preview1AdapterReactorPath();
  try {
    const embedded = world === null ? core : await embedWorld(core, world);
    return await componentNew(embedded, [['wasi_snapshot_preview1', await readFile(adapter)]]);
  } catch (error) {
    throw new CloudletError('build-failed', `The core module does not make a component: ${message(error)}`, {
      cause: error,
    });
  }
}

/** Adds the type of a world to a core module, or to an empty one when there is none yet. */
export async function embedWorld(core: Uint8Array | null, { wit, world }: EmbeddedWorld): Promise<Uint8Array> {
  const binary = core === null ? { dummy: true } : { binary: core };
  return await componentEmbed({ ...binary, witPath: wit, ...(world === undefined ? {} : { world }) });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
