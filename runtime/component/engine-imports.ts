import { findCustomSection } from './binary/custom-section.ts';

/** Where tools say that they made a component (the tool conventions of WebAssembly). */
const PRODUCERS = 'producers';

/** Engines that import interfaces whatever their program does, by the name that they leave in `producers`. */
const ENGINES: readonly (readonly [name: string, imports: RegExp])[] = [
  // StarlingMonkey, unless whoever made it left its "http" out.
  ['ComponentizeJS', /^wasi:http\/outgoing-handler@/],
];

/** Those imports of a component that its engine has for every program, and that so say nothing of this one. */
export function engineImports(component: Uint8Array, imports: readonly string[]): string[] {
  const section = findCustomSection(component, PRODUCERS);
  if (section === null) return [];
  const text = Buffer.from(section.content).toString('latin1');
  return imports.filter((each) => ENGINES.some(([name, brought]) => text.includes(name) && brought.test(each)));
}
