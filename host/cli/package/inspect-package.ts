import { describeExport, emptyGrant, parseGrant } from '../../../guest-sdk/protocol/index.ts';
import {
  effectiveGrant,
  hostPolicy,
  importsBeyondGrant,
  importsWithoutGrant,
  inspectComponent,
} from '../../../runtime/index.ts';
import type { Inspection } from '../inspect.ts';
import { type PackageWords, packaged } from './packaged.ts';

/** What a package says of itself, without a host: in a file, or in a registry, from where it is pulled. */
export async function inspectPackage(what: string, words: PackageWords, signal: AbortSignal) {
  const { name, opened } = await packaged(what, words, signal);
  const { written, component, layers, annotations, signers } = opened;
  const bytes = written.blobs.get(component.digest)!;
  const { kind, doors, functions, imports } = inspectComponent(bytes);
  const grant = effectiveGrant(parseGrant(opened.grant), hostPolicy()).grant ?? emptyGrant();
  const inspection: Inspection = {
    ...{ name, digest: written.digest, sizeBytes: written.sizeBytes },
    ...{ doors: [...doors], exports: functions.map(describeExport), imports: [...imports], grant },
    ungranted: importsWithoutGrant(imports, grant),
    needs: importsBeyondGrant(imports, opened.grant),
  };
  const dataBytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    ...{ ...inspection, file: what, kind, component: component.digest },
    ...{ codeBytes: component.sizeBytes, dataBytes, layers, annotations, signers },
  };
}
