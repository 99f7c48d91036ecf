import { CloudletError } from '../protocol/index.ts';

/** What a function can be: it serves HTTP, exports the functions of a world, or reads standard input and writes standard output. */
export type Kind = 'http' | 'typed' | 'command';

interface LanguageFacts {
  /** Its name for people. */
  readonly shown: string;
  /** Entries that are told to be in it. */
  readonly entries: RegExp;
  /** What functions in it can be; without a WIT they are the first. */
  readonly kinds: readonly [Kind, ...Kind[]];
}

/** Languages that a project may be in, the first whose pattern fits all entries: C++ may have parts in C. */
export const LANGUAGES = {
  typescript: { shown: 'TypeScript', entries: /\.[cm]?[jt]s$/, kinds: ['http', 'typed'] },
  c: { shown: 'C', entries: /\.c$/, kinds: ['command', 'typed'] },
  'c++': { shown: 'C++', entries: /\.(c|cc|cpp|cxx)$/, kinds: ['command', 'typed'] },
  // Never told from its files, which are called as those of TypeScript are.
  assemblyscript: { shown: 'AssemblyScript', entries: /(?!)/, kinds: ['http', 'typed', 'command'] },
  rust: { shown: 'Rust', entries: /(\.rs|(^|\/)Cargo\.toml)$/, kinds: ['command', 'typed', 'http'] },
} as const satisfies Record<string, LanguageFacts>;

/** A language by its name in `cloudlet.json`. */
export type Language = keyof typeof LANGUAGES;

const NAMES = Object.keys(LANGUAGES) as Language[];

/**
 * The language of entries, told from their extensions.
 * @throws CloudletError `project-invalid` when no language has them all.
 */
export function languageOf(entries: readonly string[]): Language {
  const found = NAMES.find((name) => entries.every((entry) => LANGUAGES[name].entries.test(entry)));
  if (found !== undefined) return found;
  throw new CloudletError(
    'project-invalid',
    `the entry must be .ts, .js or .c files, or .cpp, .cc and .cxx with or without .c, or one .rs or Cargo.toml, got ${entries.join(', ')}`,
  );
}

/**
 * Refuses a kind of function that a language does not offer.
 * @throws CloudletError `project-invalid` with the languages that do.
 */
export function refuseKind(language: Language, kind: Kind): void {
  const { shown, kinds } = LANGUAGES[language];
  if (offers(language, kind)) return;
  const others = NAMES.filter((name) => offers(name, kind)).map((name) => LANGUAGES[name].shown);
  const what = kind === 'http' ? 'an http function' : `a ${kind}`;
  throw new CloudletError(
    'project-invalid',
    `${what} must be written in ${list(others, 'or')}; ${shown} offers ${list(kinds, 'and')}`,
  );
}

/** `C, C++ or Rust`. */
function list(words: readonly string[], before: 'or' | 'and'): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].filter((part) => part !== '').join(` ${before} `);
}

function offers(language: Language, kind: Kind): boolean {
  const kinds: readonly Kind[] = LANGUAGES[language].kinds;
  return kinds.includes(kind);
}
