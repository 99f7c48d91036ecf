import { decodeMessage, encodeMessage } from './message-codec.ts';

/** After the second round the engine has compiled what a message needs, after the third it knows the shapes of its objects. */
const ROUNDS = 4;

/** What is encoded and decoded: a value of each kind, and of each length that the codec treats in a way of its own. */
export const SPECIMEN = {
  texts: [
    '',
    'short',
    'a text of some length',
    'a text of a few dozen characters',
    'a longer text, '.repeat(10),
    'not only ASCII: ü €, '.repeat(5),
  ],
  numbers: [0, 1, -1, 200, -200, 70_000, -70_000, 5_000_000_000, 0.5, 1 / 3],
  others: [null, true, false, new Uint8Array(3), [], {}],
  entries: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`NAME_${at}`, [`value ${at}`, at]])),
};

/**
 * Encodes and decodes a message of everything: what a thread does for the first time in a clone is compiled there, which under emulation
 * costs its caller more than all else. For the threads of a machine that is to become a snapshot.
 */
export function rehearseCodec(): void {
  for (let round = 0; round < ROUNDS; round += 1) {
    // Together and each by itself: a short message is decoded in another way.
    for (const message of [SPECIMEN, ...Object.values(SPECIMEN).flat()]) decodeMessage(encodeMessage(message));
  }
}
