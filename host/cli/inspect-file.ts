import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describeExport, digestOfHex, emptyGrant } from '../../guest-sdk/protocol/index.ts';
import { importsWithoutGrant, inspectComponent } from '../../runtime/index.ts';
import type { Inspection } from './inspect.ts';
import { nameOfFile } from './publishable.ts';
import { UsageError } from './usage-error.ts';

/** What a component's own bytes say, without a host: nothing of it is run. Throws `component-refused` for what could not be published. */
export async function inspectFile(
  path: string,
): Promise<Inspection & { readonly kind: string; readonly file: string }> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const hint = error.code === 'EISDIR' ? '; of a project, inspect what npx cloudlet build makes of it' : '';
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
  };
}
