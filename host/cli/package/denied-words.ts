import { DENIABLE, type Deniable } from '../../../guest-sdk/protocol/index.ts';
import { UsageError } from '../usage-error.ts';

/** What `--deny` says, for the help of verbs. */
export const DENY_FLAG = [
  '--deny <names>',
  `what a component imports and is to go without, of ${DENIABLE.join(', ')}: it is taken, and refused when it asks`,
] as const;

/** The words of `--deny`, `http,sockets` for instance; none when it is not there. */
export function deniedWords(text: string | undefined): readonly Deniable[] {
  return (text === undefined ? [] : text.split(',')).map((word) => {
    const found = DENIABLE.find((each) => each === word.trim());
    if (found !== undefined) return found;
    throw new UsageError(
      `expected --deny with some of ${DENIABLE.join(',')}, got ${JSON.stringify(word.slice(0, 40))}; files and variables are not there unless they are granted`,
    );
  });
}
