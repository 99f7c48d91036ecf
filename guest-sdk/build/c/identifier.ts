import { snake } from '../bindings/word.ts';

/**
 * Words that a name may be neither in C nor in C++, so that one header serves both; the macros of the headers that generated code
 * includes are among them.
 */
const RESERVED = new Set(
  `alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await co_return
  co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast else
  enum explicit export extern false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr
  operator or or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof static
  static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof union unsigned
  using virtual void volatile wchar_t while xor xor_eq errno stdin stdout stderr`.split(/\s+/),
);

/** A WIT name as the name of a parameter, a field or a member. */
export function identifier(name: string): string {
  const plain = snake(name);
  return RESERVED.has(plain) ? `${plain}_` : plain;
}

/** Text as a C string literal; WIT names are ASCII, and versions may hold no quote, but generated code trusts nothing. */
export function literal(text: string): string {
  return `"${text.replaceAll(/[^A-Za-z0-9 _:/@.#$[\]*+-]/g, (char) => `\\x${(char.codePointAt(0) ?? 0).toString(16)}""`)}"`;
}
