const ENCODER = new TextEncoder();

/** Length in UTF-8, bytes. Not exact beyond `most`, but then more than it: a text that is far too long is not encoded to learn that. */
export function textBytes(text: string, most: number): number {
  return text.length > most ? text.length : ENCODER.encode(text).length;
}
