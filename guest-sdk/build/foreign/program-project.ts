import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { PROJECT_FILE, type Project, readProject } from '../project.ts';
import type { ProgramBuild } from './build-program.ts';

/** A project that is built by a command which was given, not read. */
export interface ProgramProject {
  readonly project: Project;
  /** Whether a project file says its name; else it takes that of the program. */
  readonly isNamed: boolean;
}

/** The project in a folder with its build replaced, or one of nothing but the command where there is no project file. */
export async function readProgramProject(folder: string, program: ProgramBuild): Promise<ProgramProject> {
  const isNamed = await access(join(folder, PROJECT_FILE)).then(
    () => true,
    () => false,
  );
  if (isNamed)
    return { project: { ...(await readProject(folder)), program, component: null, kind: 'command' }, isNamed };
  const place = resolve(folder);
  const project: Project = {
    folder: place,
    name: nearestName(basename(place)),
    language: 'c',
    kind: 'command',
    entries: [],
    wit: null,
    world: undefined,
    backend: 'quickjs',
    program,
    component: null,
    grant: {},
  };
  return { project, isNamed };
}

/** `My_Tool-1.2` → `my-tool-1-2`: the nearest name that a function may have. */
export function nearestName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? 'program' : name;
}
