/** Longest path of a package and of a guest's directory, in UTF-16 units. */
export const MAX_PATH_CHARS = 512;

/** What is wrong with a relative path of plain names (`assets/a.txt`), as a noun; null when nothing is. */
export function plainPathFault(path: string): string | null {
  if (path === '') return 'nothing';
  if (path.length > MAX_PATH_CHARS) return `a path of ${path.length} characters, more than ${MAX_PATH_CHARS}`;
  if (path.startsWith('/')) return 'an absolute path';
  for (const unit of path) {
    const code = unit.codePointAt(0)!;
    if (code < 0x20 || code === 0x7f) return 'a control character in a path';
    if (code >= 0xd800 && code <= 0xdfff) return 'half a surrogate pair in a path';
  }
  if (path.includes('\\')) return 'a backslash in a path';
  for (const name of path.split('/')) {
    if (name === '') return 'an empty name in a path';
    if (name === '.' || name === '..') return `"${name}" in a path`;
    if (new TextEncoder().encode(name).length > 255) return 'a name of more than 255 bytes in a path';
  }
  return null;
}

/** The names of a guest's directory, from its root: `/data/cities` and `data/cities` are both `['data', 'cities']`, `/` is none. */
export function namesOfGuestPath(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '');
}

/** What is wrong with a path under which a guest finds a directory, absolute or not; null when nothing is. */
export function guestPathFault(path: string): string | null {
  if (path === '/') return null;
  return plainPathFault(path.startsWith('/') ? path.slice(1) : path);
}
