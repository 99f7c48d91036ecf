/** Templates of `cloudlet new`, with what each is for. */
export const TEMPLATES = {
  'typescript-http': 'answers HTTP requests, in TypeScript',
  'typescript-typed': 'exports functions with types, in TypeScript',
  'typescript-hono': 'answers HTTP requests with Hono, in TypeScript',
  'javascript-http': 'answers HTTP requests, in JavaScript',
  'assemblyscript-typed': 'exports functions with types, in AssemblyScript',
  'c-command': 'reads standard input and writes standard output, in C',
  'c-typed': 'exports functions with types, in C',
  'cpp-command': 'reads standard input and writes standard output, in C++',
  'cpp-typed': 'exports functions with types, in C++',
  'rust-command': 'reads standard input and writes standard output, in Rust',
  'rust-http': 'answers HTTP requests, in Rust',
  'rust-typed': 'exports functions with types, in Rust',
} as const;

/** Name of a template. */
export type TemplateName = keyof typeof TEMPLATES;

/** Whether a word that a person typed names a template. */
export function isTemplateName(text: string): text is TemplateName {
  return Object.hasOwn(TEMPLATES, text);
}
