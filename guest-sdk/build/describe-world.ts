import { componentNew } from '@bytecodealliance/jco';
import { inspectTypes, type NamedTypes } from '../../runtime/index.ts';
import { CloudletError } from '../protocol/index.ts';
import { embedWorld } from './encode.ts';

/**
 * The functions that a world exports, with the names of their types.
 * @throws CloudletError `project-invalid` with the WIT parser's words.
 */
export async function describeWorld(wit: string, world: string): Promise<NamedTypes> {
  let component: Uint8Array;
  try {
    component = await componentNew(await embedWorld(null, { wit, world }), []);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CloudletError('project-invalid', `The WIT of the world ${world} is not valid: ${words}`, {
      cause: error,
    });
  }
  return inspectTypes(component);
}
