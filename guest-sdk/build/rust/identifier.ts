import { snake, upperCamel } from '../bindings/word.ts';

/** Words that a Rust name may only be in raw form, and those that it may not be at all. */
const KEYWORDS = new Set(
  `abstract as async await become box break const continue do dyn else enum extern false final fn for gen if impl in let loop macro
  match mod move mut override priv pub ref return static struct trait true try type typeof unsafe unsized use virtual where while
  yield`.split(/\s+/),
);
const NEVER = new Set(['self', 'super', 'crate', '_']);

/** Modules that the crate of a world has besides those of its interfaces. */
const MODULES = new Set(['compound', 'lent', 'memory', 'resource', 'value']);

/** Types that every Rust file, or the crate of a world, has by their plain names; those of a world must not hide them. */
const PRELUDE = new Set(
  `Box Copy Clone Debug Default Drop Eq Err Fields Flat Fn FnMut FnOnce From Guest Into Iterator Kept Laid Lent None Ok Option Ord PartialEq PartialOrd Result Self
  Send Sized Slots Some String Sync ToOwned ToString TryFrom TryInto Unpin Value Vec`.split(/\s+/),
);

/** Crates that every Rust file can name. */
const CRATES = new Set(['alloc', 'core', 'proc_macro', 'std', 'test']);

/** A WIT name as the name of a function, a parameter, a field or a module. */
export function identifier(name: string): string {
  const plain = snake(name);
  if (NEVER.has(plain)) return `${plain}_`;
  return KEYWORDS.has(plain) ? `r#${plain}` : plain;
}

/** The module of an interface. */
export function moduleName(name: string): string {
  return MODULES.has(snake(name)) ? `${snake(name)}_` : identifier(name);
}

/** The crate of a world. */
export function crateName(world: string): string {
  const plain = snake(world);
  return KEYWORDS.has(plain) || NEVER.has(plain) || CRATES.has(plain) ? `${plain}_world` : plain;
}

/** The same for a type, which must not hide one of the prelude. */
export function typeName(name: string): string {
  const plain = upperCamel(name);
  return PRELUDE.has(plain) ? `${plain}_` : plain;
}

/** A case of a variant; they are always named with their type, so that only `Self` is taken. */
export function caseName(name: string): string {
  const plain = upperCamel(name);
  return plain === 'Self' ? 'Self_' : plain;
}

/** Text as a Rust string literal; WIT names are ASCII, but generated code trusts nothing. */
export function literal(text: string): string {
  return `"${text.replaceAll(/[^A-Za-z0-9 _:/@.#[\]*+-]/g, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)}"`;
}
