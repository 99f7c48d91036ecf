import { providesInterface } from '../../wasi/index.ts';
import { refused } from '../binary/byte-reader.ts';
import { type ComponentType, type Extern, someNames } from './type-space.ts';

/** Names of the interfaces that a component imports; refuses a component that wants what a cloudlet cannot give. */
export function grantableImports(component: ComponentType): string[] {
  const interfaces: string[] = [];
  const missing: string[] = [];
  for (const [name, extern] of component.imports) {
    if (extern.sort === 'type') continue;
    if (extern.sort === 'instance') interfaces.push(name);
    if (extern.sort === 'instance' && (providesInterface(name) || isOnlyTypes(extern))) continue;
    missing.push(extern.sort === 'instance' ? name : `${name} (a ${extern.sort})`);
  }
  if (missing.length > 0) {
    throw refused(
      `the component imports ${someNames(missing)}, which no cloudlet provides; it can import interfaces of WASI 0.2 up to 0.2.12 and of WASI 0.3.0, wasi:keyvalue@0.2.0-draft2, wasi:blobstore@0.2.0-draft, wasi:config@0.2.0-rc.1 and wasi:logging@0.1.0-draft.`,
    );
  }
  return interfaces;
}

/** An interface of plain types needs nothing from anybody: the linker imports it because an exported interface uses its types. */
function isOnlyTypes(extern: Extern & { sort: 'instance' }): boolean {
  return [...extern.type.exports.values()].every((inner) => inner.sort === 'type' && inner.type.kind !== 'resource');
}
