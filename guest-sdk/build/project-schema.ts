import { toJsonSchema } from '@valibot/to-json-schema';
import { ProjectFile } from './project.ts';

/** The JSON Schema of `cloudlet.json`, for editors: name it in the file's `$schema`. What it cannot say, such as which paths are plain, a build says. */
export function projectSchema(): object {
  return toJsonSchema(ProjectFile, { errorMode: 'ignore', typeMode: 'input' });
}
