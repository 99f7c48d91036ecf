import type { WitType } from '../../protocol/index.ts';
import { payloadsOf } from './flat-type.ts';

/** How a type lies in memory by the canonical ABI, in bytes. */
export interface Layout {
  readonly size: number;
  readonly align: number;
}

/** Bytes of the integer that says which of so many cases it is. */
export function discriminantBytes(cases: number): 1 | 2 | 4 {
  return cases <= 0x100 ? 1 : cases <= 0x10000 ? 2 : 4;
}

/** Bytes of so many flags. */
export function flagBytes(flags: number): 1 | 2 | 4 {
  return flags <= 8 ? 1 : flags <= 16 ? 2 : 4;
}

/** Size and alignment of a type; what is unsupported as a value is a handle here. */
export function layoutOf(type: WitType): Layout {
  switch (type.kind) {
    case 'bool':
    case 's8':
    case 'u8':
      return scalar(1);
    case 's16':
    case 'u16':
      return scalar(2);
    case 's64':
    case 'u64':
    case 'f64':
      return scalar(8);
    case 'string':
    case 'list':
      return { size: 8, align: 4 };
    case 'record':
      return membersOf(type.fields.map((field) => field.type)).layout;
    case 'tuple':
      return membersOf(type.elements).layout;
    case 'enum':
      return scalar(discriminantBytes(type.cases.length));
    case 'flags':
      return scalar(flagBytes(type.names.length));
    case 'variant':
    case 'option':
    case 'result': {
      const { payload, size, align } = casesOf(payloadsOf(type) ?? []);
      return { size: up(payload + size, align), align };
    }
    default:
      return scalar(4);
  }
}

/** Offsets of members that lie one after another, and the layout of all. */
export function membersOf(types: readonly WitType[]): { readonly offsets: readonly number[]; readonly layout: Layout } {
  let size = 0;
  let align = 1;
  const offsets = types.map((type) => {
    const each = layoutOf(type);
    const at = up(size, each.align);
    size = at + each.size;
    align = Math.max(align, each.align);
    return at;
  });
  return { offsets, layout: { size: up(size, align), align } };
}

/** Where the payload of a variant lies and how large it may be, and the alignment of all. */
export function casesOf(payloads: readonly (WitType | null)[]): Layout & { readonly payload: number } {
  const layouts = payloads.flatMap((type) => (type === null ? [] : [layoutOf(type)]));
  const tag = discriminantBytes(payloads.length);
  const inner = Math.max(1, ...layouts.map((each) => each.align));
  const size = Math.max(0, ...layouts.map((each) => each.size));
  return { payload: up(tag, inner), size, align: Math.max(tag, inner) };
}

function scalar(bytes: number): Layout {
  return { size: bytes, align: bytes };
}

function up(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}
