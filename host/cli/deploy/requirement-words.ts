import { parseDeploymentRequest, type Requirements } from '../../../guest-sdk/protocol/index.ts';
import { typed, UsageError } from '../usage-error.ts';

/**
 * What the words of `--require` ask for: `memoryMib=512..` (at least), `..1024` (at most), `2..4`, `processors=2`, `isa=x86_64`,
 * `accelerator=kvm,tcg` (one of them). The word `or` begins another alternative.
 */
export function parseRequirements(words: readonly string[]): Requirements {
  if (words.length === 0) return [];
  const alternatives: Record<string, unknown>[] = [{}];
  for (const word of words) {
    if (word === 'or') {
      alternatives.push({});
      continue;
    }
    const match = /^([a-zA-Z]+)=(.+)$/.exec(word);
    if (match === null)
      throw new UsageError(`expected --require with KEY=VALUE, such as memoryMib=512.., or the word "or", got ${word}`);
    alternatives.at(-1)![match[1]!] = wishOf(match[2]!);
  }
  return typed(() => parseDeploymentRequest({ want: { function: 'any' }, requirements: alternatives }).requirements);
}

function wishOf(text: string): unknown {
  const bounds = /^(\d+(?:\.\d+)?)?\.\.(\d+(?:\.\d+)?)?$/.exec(text);
  if (bounds !== null) {
    const [, min, max] = bounds;
    return { ...(min === undefined ? {} : { min: Number(min) }), ...(max === undefined ? {} : { max: Number(max) }) };
  }
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  return text.includes(',') ? text.split(',') : text;
}
