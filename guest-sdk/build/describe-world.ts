import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { componentNew } from '@bytecodealliance/jco';
import { inspectTypes, type NamedTypes } from '../../runtime/index.ts';
import { CloudletError } from '../protocol/index.ts';
import { embedWorld } from './encode.ts';
import { BUILD_WORLD } from './world.ts';

/**
 * The functions that a world exports, with the names of their types.
 * @throws CloudletError `project-invalid` with the WIT parser's words.
 */
export async function describeWorld(wit: string, world: string): Promise<NamedTypes> {
  let component: Uint8Array;
  try {
    component = await componentNew(await embedWorld(null, { wit, world }), []);
  } catch (error) {
    const words = await explain(wit, error);
    throw new CloudletError('project-invalid', `The WIT is not valid: ${words}`, { cause: error });
  }
  return inspectTypes(component);
}

/** The parser's words. Of a folder it only says that it cannot be parsed; of each of its files it says why. */
async function explain(wit: string, error: unknown): Promise<string> {
  const words = error instanceof Error ? error.message : String(error);
  if (!words.startsWith('failed to parse package')) return words;
  const files = (await readdir(wit)).filter((file) => file.endsWith('.wit') && file !== `${BUILD_WORLD}.wit`);
  const reasons: string[] = [];
  for (const file of files.sort()) {
    const reason = await embedWorld(null, { wit: join(wit, file) }).then(
      () => null,
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
    );
    // A file by itself has no packages beside it: that it misses them says nothing.
    if (reason !== null && !/^package '.*' not found/.test(reason)) reasons.push(`${file}: ${reason}`);
  }
  return reasons.length === 0 ? words : reasons.join('; ');
}
