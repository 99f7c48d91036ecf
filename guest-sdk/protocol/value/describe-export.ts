import type { ExportInfo } from '../api.ts';
import { formatFunction, formatType, type WitFunction } from '../wit-type.ts';

/** A function as listings show it. */
export function describeExport(fn: WitFunction): ExportInfo {
  return {
    name: fn.name,
    signature: formatFunction(fn),
    interface: fn.interface,
    params: fn.params.map((param) => ({ name: param.name, type: formatType(param.type) })),
    result: fn.result === null ? null : formatType(fn.result),
  };
}
