import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  askedGrant,
  describeExport,
  digestOfHex,
  emptyGrant,
  type Grant,
  type Limits,
  limitsWith,
} from '../../guest-sdk/protocol/index.ts';
import { engineImports, importsBeyondGrant, importsWithoutGrant, inspectComponent } from '../../runtime/index.ts';
import type { Inspection } from './inspect.ts';
import { fileOrFolder } from './plain-file.ts';
import { nameOfFile } from './publishable.ts';
import { UsageError } from './usage-error.ts';

/** What a component's own bytes say, without a host: nothing of it is run. Throws `component-refused` for what could not be published. */
export async function inspectFile(
  path: string,
): Promise<Inspection & { readonly kind: string; readonly file: string }> {
  if ((await fileOrFolder(path, 'a component or a project')).isDirectory()) return inspectProject(path);
  return inspectBytes(path);
}

/** A project: its component as it was built last, its own grant, and that against what its traces used. */
async function inspectProject(folder: string) {
  const { compareTrace, readProject, readTrace } = await import('../../guest-sdk/build/index.ts');
  const project = await readProject(folder);
  const component = project.component ?? join(project.folder, 'build', `${project.name}.wasm`);
  const inspected = await inspectBytes(component, '; build it first: npx cloudlet build');
  const asked = askedGrant(project.grant);
  const grant: Grant = { ...asked, limits: limitsWith(asked.limits as Partial<Limits>) };
  const record = await readTrace(project.folder);
  return {
    ...inspected,
    ...{ name: project.name, grant, ungranted: importsWithoutGrant(inspected.imports, grant) },
    needs: importsBeyondGrant(inspected.imports, project.grant),
    ...(record === null ? {} : { use: { items: compareTrace(record, project.grant).items } }),
  };
}

async function inspectBytes(path: string, hint = '') {
  await fileOrFolder(path, 'a component', hint);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`expected a component, but ${path} cannot be read (${error.code})${hint}`, { cause: error });
  });
  const { kind, doors, functions, imports, sizeBytes } = inspectComponent(bytes);
  const grant = emptyGrant();
  return {
    file: path,
    name: nameOfFile(path),
    kind,
    digest: digestOfHex(createHash('sha256').update(bytes).digest('hex')),
    sizeBytes,
    doors: [...doors],
    exports: functions.map(describeExport),
    imports: [...imports],
    grant,
    ungranted: importsWithoutGrant(imports, grant),
    needs: importsBeyondGrant(
      imports.filter((each) => !engineImports(bytes, imports).includes(each)),
      {},
    ),
  };
}
