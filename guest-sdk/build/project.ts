import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { CloudletError, GrantRequest, parseGrant, strictParse } from '../protocol/index.ts';
import { isAbsent, readDocument } from './document.ts';
import type { ProgramBuild } from './foreign/build-program.ts';
import { type Kind, LANGUAGES, type Language, languageOf, refuseKind } from './language.ts';

/** Name of the project file, in the project's folder. */
export const PROJECT_FILE = 'cloudlet.json';

/** A path below the project's folder: a build reads and writes nowhere else. */
const InnerPath = v.pipe(v.string(), v.regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/, 'a path inside the project'));

/** What `cloudlet.json` may say; unknown keys are refused, because a misspelt limit would silently not hold. */
export const ProjectFile = v.strictObject({
  /** Lets an editor check the file; not read. */
  $schema: v.optional(v.string()),
  /** Name under which the function is built and, unless told otherwise, published. */
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and hyphens')),
  /** By default told from the entries' extensions. */
  language: v.optional(v.picklist(Object.keys(LANGUAGES) as Language[])),
  /**
   * `http`: serves requests; `typed`: exports the functions of a WIT world; `command`: reads standard input and writes standard output,
   * and exports the functions of a world too when `wit` is given. By default `typed` with `wit`; else `http` in TypeScript, `command` in the others.
   */
  kind: v.optional(v.picklist(['http', 'typed', 'command'])),
  /** Source file, or in C and C++ several. */
  entry: v.optional(v.union([InnerPath, v.pipe(v.array(InnerPath), v.minLength(1))])),
  /** In place of `entry`: an existing program's own build, a shell's command line that is run with tools for WebAssembly. */
  build: v.optional(
    v.strictObject({
      command: v.pipe(v.string(), v.minLength(1)),
      /** The program that it leaves; may be omitted when there is one only. */
      output: v.optional(InnerPath),
      /** Functions that WebAssembly cannot have, and that the program does without: their calls fail. */
      absent: v.optional(v.array(v.string())),
    }),
  ),
  /** In place of `entry`: a component, or a WASI 0.1 core module, that something else has built. */
  component: v.optional(InnerPath),
  /** File or folder of WIT. That of an http function says what it imports beside HTTP. */
  wit: v.optional(InnerPath),
  /** World of the WIT; may be left out when there is one only. */
  world: v.optional(v.string()),
  /** JavaScript engine: QuickJS is small and builds in seconds, StarlingMonkey has the whole web platform and 64-bit integers. */
  backend: v.optional(v.picklist(['quickjs', 'starlingmonkey'])),
  /**
   * Files and folders of the package in the order in which the program reads them: where a function serves before its data is there, they come first
   * and so. `npx cloudlet trace --write` fills it in.
   */
  readFirst: v.optional(v.array(InnerPath)),
  ...GrantRequest.entries,
});

/** The keys of a project file that are its grant, and travel in the package. */
const GRANT_KEYS = Object.keys(GrantRequest.entries) as readonly (keyof GrantRequest)[];

/** A checked project with every choice made. Paths are absolute. */
export interface Project {
  readonly folder: string;
  readonly name: string;
  readonly language: Language;
  readonly kind: Kind;
  /** Source files; none when it has a component. */
  readonly entries: readonly string[];
  /** The program's own build; null when its sources are compiled here. */
  readonly program: ProgramBuild | null;
  /** What something else has built; null when there is something to build. */
  readonly component: string | null;
  readonly wit: string | null;
  readonly world: string | undefined;
  readonly backend: 'quickjs' | 'starlingmonkey';
  /** What the function asks for, as the project file says it: paths of `from` are below the folder. */
  readonly grant: GrantRequest;
}

/**
 * Reads the grant of a file that has the form of a project file, of which all else may be left out. `project-invalid` or
 * `grant-invalid` names the key, what was expected and what came.
 */
export async function readGrant(path: string): Promise<GrantRequest> {
  const text = await readDocument(path).catch((error: Error) => {
    throw invalid(`expected a file with a grant at ${path}, ${error.message}`, error);
  });
  const grant = grantOf(strictParse(v.partial(ProjectFile), parseText(text, path), path, 'project-invalid'));
  parseGrant(grant, path);
  return grant;
}

/** What the project file in a folder says that is read first; nothing when there is none. */
export function readFirstOf(folder: string): Promise<readonly string[]> {
  return readFirstIn(join(folder, PROJECT_FILE));
}

/** The same of a file that has the form of a project file. */
export async function readFirstIn(path: string): Promise<readonly string[]> {
  const text = await readDocument(path).catch(() => null);
  if (text === null) return [];
  return strictParse(v.partial(ProjectFile), parseText(text, path), path, 'project-invalid').readFirst ?? [];
}

/** The name and language of a project file, as far as it says them; null when there is none. */
export async function readProjectFacts(
  path: string,
): Promise<{ readonly name?: string | undefined; readonly language?: Language | undefined } | null> {
  const text = await readDocument(path).catch(() => null);
  if (text === null) return null;
  const { name, language, entry, component } = strictParse(
    v.partial(ProjectFile),
    parseText(text, path),
    path,
    'project-invalid',
  );
  if (component !== undefined || entry === undefined) return { name };
  return { name, language: language ?? languageOf(typeof entry === 'string' ? [entry] : entry) };
}

/**
 * Reads and checks the project in a folder.
 * @throws CloudletError `project-invalid` naming the key, what was expected and what came.
 */
export async function readProject(folder: string): Promise<Project> {
  const path = join(folder, PROJECT_FILE);
  const text = await readDocument(path).catch((error: Error) => {
    const why = isAbsent(error) ? '; start one with: npx cloudlet new' : `, ${error.message}`;
    throw invalid(`expected a project file at ${path}${why}`, error);
  });
  const file = parse(text, path);
  const project = complete(resolve(folder), file);
  const { entries, component, wit } = project;
  for (const source of [...entries, component, wit].filter((each) => each !== null)) {
    const found = await stat(source).catch((error: unknown) => {
      const remedy = source === component ? '; build it first, as its README says' : '';
      throw invalid(`${PROJECT_FILE} names ${source}, which cannot be read${remedy}`, error);
    });
    // Pipes and devices have no end.
    if (!found.isFile() && !(source === wit && found.isDirectory()))
      throw invalid(`${PROJECT_FILE} names ${source}, which is no file`);
  }
  return project;
}

type File = v.InferOutput<typeof ProjectFile>;

function parseText(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function parse(text: string, path: string): File {
  const value = parseText(text, path);
  const file = strictParse(ProjectFile, value, path, 'project-invalid');
  parseGrant(grantOf(file), path);
  return file;
}

/** What a project file, or one that only has a grant, asks for. */
function grantOf(file: { readonly [K in keyof File]?: File[K] | undefined }): GrantRequest {
  return Object.fromEntries(GRANT_KEYS.filter((key) => file[key] !== undefined).map((key) => [key, file[key]]));
}

function complete(folder: string, file: File): Project {
  if (file.component !== undefined) return notCompiled(folder, file, 'component');
  if (file.build !== undefined) return notCompiled(folder, file, 'build');
  if (file.entry === undefined)
    throw invalid(
      'expected "entry", the source to build, "build", the command that builds a program, or "component", what is built; got none',
    );
  const entries = typeof file.entry === 'string' ? [file.entry] : file.entry;
  const language = file.language ?? languageOf(entries);
  const kind = file.kind ?? (file.wit !== undefined ? 'typed' : LANGUAGES[language].kinds[0]);
  refuseKind(language, kind);
  if (language === 'typescript' && entries.length > 1)
    throw invalid('a TypeScript function has one entry; import the other files from it');
  if (language === 'assemblyscript' && entries.length > 1)
    throw invalid('an AssemblyScript function has one entry; import the other files from it');
  if (language === 'rust' && entries.length > 1)
    throw invalid('a Rust function has one entry, a .rs file or Cargo.toml; name the other files in it, by "mod"');
  if (language !== 'typescript' && file.backend !== undefined) {
    const { shown } = LANGUAGES[language];
    throw invalid(`backend chooses a JavaScript engine, and this function is in ${shown}; remove it`);
  }
  if (kind === 'typed' && file.wit === undefined)
    throw invalid('a typed function needs "wit", the file or folder that describes its world');
  return {
    folder,
    name: file.name,
    language,
    kind,
    entries: entries.map((entry) => join(folder, entry)),
    wit: file.wit === undefined ? null : join(folder, file.wit),
    world: file.world,
    backend: file.backend ?? 'quickjs',
    program: null,
    component: null,
    grant: grantOf(file),
  };
}

/** A project whose sources are not compiled here: an existing program's, or what something else has built. */
function notCompiled(folder: string, file: File, by: 'build' | 'component'): Project {
  const others = ['entry', 'language', 'kind', 'wit', 'world', 'backend', 'build'] as const;
  const compiling = others.find((key) => key !== by && file[key] !== undefined);
  if (compiling !== undefined) {
    const meaning = by === 'build' ? 'says how a program is built by its own means' : 'names what is built';
    throw invalid(`"${compiling}" is for what is built here, and "${by}" ${meaning}; remove one of them`);
  }
  return {
    folder,
    name: file.name,
    language: 'c',
    kind: by === 'build' ? 'command' : 'typed',
    entries: [],
    wit: null,
    world: undefined,
    backend: 'quickjs',
    program: file.build ?? null,
    component: file.component === undefined ? null : join(folder, file.component),
    grant: grantOf(file),
  };
}

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
