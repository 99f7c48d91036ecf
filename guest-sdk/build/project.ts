import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { CloudletError, Grant } from '../protocol/index.ts';

/** Name of the project file, in the project's folder. */
export const PROJECT_FILE = 'cloudlet.json';

/** A path below the project's folder: a build reads and writes nowhere else. */
const InnerPath = v.pipe(v.string(), v.regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/, 'a path inside the project'));

/** What `cloudlet.json` may say; unknown keys are refused, because a misspelt limit would silently not hold. */
const ProjectFile = v.strictObject({
  /** Lets an editor check the file; not read. */
  $schema: v.optional(v.string()),
  /** Name under which the function is built and, unless told otherwise, published. */
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and hyphens')),
  /** By default told from the entry's extension. */
  language: v.optional(v.picklist(['typescript', 'c'])),
  /**
   * `http`: serves requests; `typed`: exports the functions of a WIT world; `command`: reads standard input and writes standard output,
   * and exports the functions of a world too when `wit` is given. By default `typed` with `wit`; else `http` in TypeScript, `command` in C.
   */
  kind: v.optional(v.picklist(['http', 'typed', 'command'])),
  /** Source file, or in C several. */
  entry: v.union([InnerPath, v.pipe(v.array(InnerPath), v.minLength(1))]),
  /** File or folder of WIT. */
  wit: v.optional(InnerPath),
  /** World of the WIT; may be left out when there is one only. */
  world: v.optional(v.string()),
  /** JavaScript engine: QuickJS is small and builds in seconds, StarlingMonkey has the whole web platform and 64-bit integers. */
  backend: v.optional(v.picklist(['quickjs', 'starlingmonkey'])),
  /** What the function asks for when it is published; see `Grant`. */
  arguments: v.optional(Grant.entries.arguments),
  environment: v.optional(Grant.entries.environment),
  limits: v.optional(v.partial(v.strictObject(Grant.entries.limits.entries))),
});

/** The wishes of a project for its grant; what is absent keeps the cloudlet's default. */
export type GrantWishes = Pick<v.InferOutput<typeof ProjectFile>, 'arguments' | 'environment' | 'limits'>;

/** A checked project with every choice made. Paths are absolute. */
export interface Project {
  readonly folder: string;
  readonly name: string;
  readonly language: 'typescript' | 'c';
  readonly kind: 'http' | 'typed' | 'command';
  readonly entries: readonly string[];
  readonly wit: string | null;
  readonly world: string | undefined;
  readonly backend: 'quickjs' | 'starlingmonkey';
  readonly wishes: GrantWishes;
}

/**
 * Reads and checks the project in a folder.
 * @throws CloudletError `project-invalid` naming the key, what was expected and what came.
 */
export async function readProject(folder: string): Promise<Project> {
  const path = join(folder, PROJECT_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw invalid(`expected a project file at ${path}; start one with: npx cloudlet new`, error);
  }
  const file = parse(text, path);
  const project = complete(resolve(folder), file);
  for (const source of [...project.entries, ...(project.wit === null ? [] : [project.wit])]) {
    await stat(source).catch((error: unknown) => {
      throw invalid(`${PROJECT_FILE} names ${source}, which cannot be read`, error);
    });
  }
  return project;
}

type File = v.InferOutput<typeof ProjectFile>;

function parse(text: string, path: string): File {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const result = v.safeParse(ProjectFile, value);
  if (result.success) return result.output;
  // A misspelt key is missing too, and where it stands is the better hint.
  const issue = result.issues.find(isUnknownKey) ?? result.issues[0];
  const key = v.getDotPath(issue) ?? 'the file';
  if (isUnknownKey(issue)) {
    const known = key.startsWith('limits.')
      ? Object.keys(Grant.entries.limits.entries)
      : Object.keys(ProjectFile.entries);
    throw invalid(`${path}: ${key} is not a known key; expected one of ${known.join(', ')}`);
  }
  if (issue.received === 'undefined') throw invalid(`${path}: ${key} is missing`);
  const expected = issue.kind === 'validation' ? issue.message : issue.expected;
  throw invalid(`${path}: ${key} must be ${expected}, got ${issue.received}`);
}

function isUnknownKey(issue: v.InferIssue<typeof ProjectFile>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

function complete(folder: string, file: File): Project {
  const entries = typeof file.entry === 'string' ? [file.entry] : file.entry;
  const language = file.language ?? languageOf(entries);
  const kind = file.kind ?? (file.wit !== undefined ? 'typed' : language === 'c' ? 'command' : 'http');
  if (language === 'c' && kind === 'http')
    throw invalid('an http function must be written in TypeScript; C offers command and typed');
  if (language === 'typescript' && kind === 'command') {
    throw invalid('a command must be written in C; TypeScript offers http and typed');
  }
  if (language === 'typescript' && entries.length > 1)
    throw invalid('a TypeScript function has one entry; import the other files from it');
  if (language === 'c' && file.backend !== undefined)
    throw invalid('backend chooses a JavaScript engine, and this function is in C; remove it');
  if (kind === 'typed' && file.wit === undefined)
    throw invalid('a typed function needs "wit", the file or folder that describes its world');
  if (kind === 'http' && file.wit !== undefined)
    throw invalid('an http function targets the world of wasi:http; remove "wit"');
  return {
    folder,
    name: file.name,
    language,
    kind,
    entries: entries.map((entry) => join(folder, entry)),
    wit: file.wit === undefined ? null : join(folder, file.wit),
    world: file.world,
    backend: file.backend ?? 'quickjs',
    wishes: {
      ...(file.arguments === undefined ? {} : { arguments: file.arguments }),
      ...(file.environment === undefined ? {} : { environment: file.environment }),
      ...(file.limits === undefined ? {} : { limits: file.limits }),
    },
  };
}

function languageOf(entries: readonly string[]): 'typescript' | 'c' {
  if (entries.every((entry) => entry.endsWith('.c'))) return 'c';
  if (entries.every((entry) => /\.[cm]?[jt]s$/.test(entry))) return 'typescript';
  throw invalid(`the entry must be .ts, .js or .c files, got ${entries.join(', ')}`);
}

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
