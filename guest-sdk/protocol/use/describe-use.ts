import type { UseItem } from './compare-use.ts';

const WORDS: Readonly<Record<UseItem['state'], string>> = {
  used: 'used',
  unused: 'never used',
  refused: 'asked for, refused',
  missing: 'looked for, not granted',
};

/** Items of a grant as lines for people, by what became of them. */
export function describeUse(items: readonly UseItem[]): readonly (readonly [state: string, text: string])[] {
  return items.map(({ state, key, item, detail }) => [
    WORDS[state],
    `${key} ${item}${detail === undefined ? '' : ` (${detail})`}`,
  ]);
}
