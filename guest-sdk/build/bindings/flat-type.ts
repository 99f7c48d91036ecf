import type { WitType } from '../../protocol/index.ts';

/** A core WebAssembly value type. */
export type FlatType = 'i32' | 'i64' | 'f32' | 'f64';

/** Most core parameters of an exported function; beyond, the arguments come in memory behind one pointer. */
export const MAX_FLAT_PARAMS = 16;
/** Most core results of an exported function; beyond, the result goes back behind a pointer. */
export const MAX_FLAT_RESULTS = 1;

/** A variant-like type as its cases' payloads, in order; null for a type of another shape. */
export function payloadsOf(type: WitType): readonly (WitType | null)[] | null {
  switch (type.kind) {
    case 'variant':
      return type.cases.map((c) => c.type);
    case 'option':
      return [null, type.some];
    case 'result':
      return [type.ok, type.err];
    default:
      return null;
  }
}

/** The core values that carry a value of a type, by the canonical ABI's flattening; what is unsupported as a value is a handle here. */
export function flatten(type: WitType): readonly FlatType[] {
  switch (type.kind) {
    case 's64':
    case 'u64':
      return ['i64'];
    case 'f32':
      return ['f32'];
    case 'f64':
      return ['f64'];
    case 'string':
    case 'list':
      return ['i32', 'i32'];
    case 'record':
      return type.fields.flatMap((field) => flatten(field.type));
    case 'tuple':
      return type.elements.flatMap(flatten);
    case 'variant':
    case 'option':
    case 'result':
      return ['i32', ...joinAll(payloadsOf(type) ?? [])];
    default:
      return ['i32'];
  }
}

/** The cases of a variant share their core values; where they differ, an integer wide enough carries the bits of both. */
function joinAll(payloads: readonly (WitType | null)[]): FlatType[] {
  const joined: FlatType[] = [];
  for (const payload of payloads) {
    for (const [at, flat] of (payload === null ? [] : flatten(payload)).entries()) {
      const other = joined[at];
      joined[at] = other === undefined || other === flat ? flat : join(other, flat);
    }
  }
  return joined;
}

function join(a: FlatType, b: FlatType): FlatType {
  const narrow = (flat: FlatType) => flat === 'i32' || flat === 'f32';
  return narrow(a) && narrow(b) ? 'i32' : 'i64';
}
