import { parse } from '@bytecodealliance/jco';

/** The binary of a module or component in WebAssembly's text format. */
export async function wat(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(await parse(text));
}

/** A string literal of the text format that stands for exactly these characters. */
export function watString(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  return `"${bytes.map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;
}
