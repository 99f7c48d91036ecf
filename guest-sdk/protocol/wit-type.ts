/**
 * WIT types as plain data, fully resolved (no names left to look up), so that they travel as JSON and MessagePack.
 * All names are the WIT names, kebab-case.
 */

/** Primitive WIT types. */
export type WitPrimitive =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string';

/** One WIT type. */
export type WitType =
  | { readonly kind: WitPrimitive }
  | { readonly kind: 'list'; readonly element: WitType }
  | { readonly kind: 'tuple'; readonly elements: readonly WitType[] }
  | { readonly kind: 'record'; readonly fields: readonly WitField[] }
  | { readonly kind: 'variant'; readonly cases: readonly WitCase[] }
  | { readonly kind: 'enum'; readonly cases: readonly string[] }
  | { readonly kind: 'flags'; readonly names: readonly string[] }
  | { readonly kind: 'option'; readonly some: WitType }
  | { readonly kind: 'result'; readonly ok: WitType | null; readonly err: WitType | null }
  /** Anything that cannot be carried as a value yet: a resource handle, a stream, a future, an error-context. */
  | { readonly kind: 'unsupported'; readonly what: string };

export interface WitField {
  readonly name: string;
  readonly type: WitType;
}

export interface WitCase {
  readonly name: string;
  readonly type: WitType | null;
}

/** A callable WIT function. */
export interface WitFunction {
  /**
   * What a caller writes in `/call/{export}`: `fn` for a function of the world, else `interface.fn`, where `interface` is the
   * short name, or the full one (`ns:pkg/iface@1.0.0`) when two exported interfaces share their short name.
   */
  readonly name: string;
  /** Full interface name with version (`ns:pkg/iface@1.0.0`), or null for a function of the world itself. */
  readonly interface: string | null;
  /** The function's own WIT name, kebab-case. */
  readonly function: string;
  readonly params: readonly WitField[];
  /** The result, or null when the function returns nothing. */
  readonly result: WitType | null;
  readonly async: boolean;
}

/** A type as WIT writes it, for people: `list<tuple<string, u32>>`, `record { x: f64 }`. */
export function formatType(type: WitType): string {
  switch (type.kind) {
    case 'list':
      return `list<${formatType(type.element)}>`;
    case 'tuple':
      return `tuple<${type.elements.map(formatType).join(', ')}>`;
    case 'option':
      return `option<${formatType(type.some)}>`;
    case 'result': {
      const ok = type.ok === null ? '_' : formatType(type.ok);
      if (type.err === null) return type.ok === null ? 'result' : `result<${ok}>`;
      return `result<${ok}, ${formatType(type.err)}>`;
    }
    case 'record':
      return `record { ${type.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')} }`;
    case 'variant':
      return `variant { ${type.cases.map((c) => (c.type === null ? c.name : `${c.name}(${formatType(c.type)})`)).join(', ')} }`;
    case 'enum':
      return `enum { ${type.cases.join(', ')} }`;
    case 'flags':
      return `flags { ${type.names.join(', ')} }`;
    case 'unsupported':
      return type.what;
    default:
      return type.kind;
  }
}

/** A function as WIT writes it: `greet: func(name: string) -> string`. */
export function formatFunction(fn: WitFunction): string {
  const params = fn.params.map((param) => `${param.name}: ${formatType(param.type)}`).join(', ');
  const result = fn.result === null ? '' : ` -> ${formatType(fn.result)}`;
  return `${fn.name}: ${fn.async ? 'async ' : ''}func(${params})${result}`;
}
