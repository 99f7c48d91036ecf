/** Words that a C name may not be; the macros of the headers that generated code includes are among them. */
const RESERVED = new Set(
  `alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern false float for goto if
  inline int long main nullptr register restrict return short signed sizeof static struct switch thread_local true typedef typeof
  union unsigned void volatile while errno stdin stdout stderr`.split(/\s+/),
);

/** `item-name` → `item_name`. WIT names are unique without regard to case, so they stay unique. */
export function snake(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

/** A WIT name as the name of a parameter, a field or a member. */
export function identifier(name: string): string {
  const plain = snake(name);
  return RESERVED.has(plain) ? `${plain}_` : plain;
}

/** `item-name` → `ITEM_NAME`, for constants. */
export function upperSnake(name: string): string {
  return snake(name).toUpperCase();
}

/** Text as a C string literal; WIT names are ASCII, and versions may hold no quote, but generated code trusts nothing. */
export function literal(text: string): string {
  return `"${text.replaceAll(/[^A-Za-z0-9 _:/@.#[\]*+-]/g, (char) => `\\x${(char.codePointAt(0) ?? 0).toString(16)}""`)}"`;
}
