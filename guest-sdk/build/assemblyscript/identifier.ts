import { upperCamel } from '../bindings/word.ts';
import { camel } from '../javascript/signed.ts';

/** Words that a name may not be. */
const RESERVED = new Set(
  `abstract any as async await bool boolean break case catch class const continue debugger declare default delete do else enum export
  extends f32 f64 false finally for function get i16 i32 i64 i8 if implements import in instanceof interface is isize keyof let module
  namespace new null number of package private protected public readonly require return set static string super switch symbol this
  throw true try type typeof u16 u32 u64 u8 undefined usize v128 var void while with yield tag constructor`.split(
    /\s+/,
  ),
);

/** A WIT name as the name of a function, a parameter or a field. */
export function member(name: string): string {
  const plain = camel(name);
  return RESERVED.has(plain) ? `${plain}_` : plain;
}

/** A WIT name as that of an imported function, which may be a word that is reserved before names alone. */
export function callable(name: string): string {
  return name === 'get' || name === 'set' ? name : member(name);
}

/** Types that every file of the language has, and those of each generated module. */
const TYPES =
  /^(Array|ArrayBuffer|ArrayBufferView|Atomics|DataView|Date|Error|Function|Iterator|Map|Math|Number|Object|Option|Result|Set|StaticArray|String|Symbol|Tuple\d+|[A-Z]\w*Array|[IUF]\d+|V128|Bool|T\d*|E)$/;

/** `item-name` → `ItemName`; a type must not hide one that is there. */
export function typeName(name: string): string {
  const plain = upperCamel(name);
  return TYPES.test(plain) ? `${plain}_` : plain;
}
