/** What a person at a terminal may press. */
export type DevKey = 'again' | 'clear' | 'quit';

const KEYS: Readonly<Record<string, DevKey>> = {
  r: 'again',
  c: 'clear',
  q: 'quit',
  '\u0003': 'quit',
  '\u0004': 'quit',
};

/** Where keys come from: a terminal's input. */
export interface KeyInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/** Gives each key that means something to `pressed`, on a terminal only; gives a function that leaves the terminal as it was. */
export function takeKeys(input: KeyInput, pressed: (key: DevKey) => void): () => void {
  if (input.isTTY !== true || input.setRawMode === undefined) return () => {};
  input.setRawMode(true);
  const take = (chunk: Buffer | string): void => {
    for (const character of String(chunk)) {
      const key = KEYS[character];
      if (key !== undefined) pressed(key);
    }
  };
  input.on('data', take);
  input.resume();
  return () => {
    input.off('data', take);
    input.setRawMode?.(false);
    input.pause();
  };
}
