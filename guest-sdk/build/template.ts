/** Templates of `cloudlet new`, with what each is for. */
export const TEMPLATES = {
  'typescript-http': 'answers HTTP requests, in TypeScript',
  'typescript-typed': 'exports functions with types, in TypeScript',
  'typescript-hono': 'answers HTTP requests with Hono, in TypeScript',
  'javascript-http': 'answers HTTP requests, in JavaScript',
  'javascript-typed': 'exports functions with types, in JavaScript',
  'assemblyscript-http': 'answers HTTP requests, in AssemblyScript',
  'assemblyscript-typed': 'exports functions with types, in AssemblyScript',
  'assemblyscript-command': 'reads standard input and writes standard output, in AssemblyScript',
  'c-command': 'reads standard input and writes standard output, in C',
  'c-typed': 'exports functions with types, in C',
  'cpp-command': 'reads standard input and writes standard output, in C++',
  'cpp-typed': 'exports functions with types, in C++',
  'rust-command': 'reads standard input and writes standard output, in Rust',
  'rust-http': 'answers HTTP requests, in Rust',
  'rust-typed': 'exports functions with types, in Rust',
} as const;

/** Short words for the languages of templates: `ts-http` is `typescript-http`. */
const SHORT: Readonly<Record<string, string>> = {
  ts: 'typescript',
  js: 'javascript',
  as: 'assemblyscript',
  rs: 'rust',
  cc: 'cpp',
};

/** Name of a template. */
export type TemplateName = keyof typeof TEMPLATES;

/** Whether a word that a person typed names a template. */
export function isTemplateName(text: string): text is TemplateName {
  return Object.hasOwn(TEMPLATES, text);
}

/** The template that a word names in full or in short, such as `ts-http`; null when it names none. */
export function templateNamed(text: string): TemplateName | null {
  const long = text.replace(/^[a-z]+(?=-)/, (word) => (Object.hasOwn(SHORT, word) ? SHORT[word]! : word));
  return isTemplateName(long) ? long : null;
}
