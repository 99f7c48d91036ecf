import { createInterface } from 'node:readline/promises';
import { TEMPLATES, type TemplateName, templateNamed } from '../../guest-sdk/build/template.ts';
import { UsageError } from './usage-error.ts';

const NAMES = Object.keys(TEMPLATES) as TemplateName[];

const NAME_WIDTH = Math.max(...NAMES.map(({ length }) => length)) + 2;

/** The templates for a person to read: a name and its purpose a line. */
export function templateList(): string {
  return NAMES.map((name) => `  ${name.padEnd(NAME_WIDTH)}${TEMPLATES[name]}`).join('\n');
}

/**
 * The template that a word names.
 * @throws UsageError with the list of them.
 */
export function parseTemplate(word: string | undefined): TemplateName {
  const named = word === undefined ? null : templateNamed(word);
  if (named !== null) return named;
  const got = word === undefined ? 'none' : JSON.stringify(word);
  throw new UsageError(`expected --template with one of these, got ${got}\n${templateList()}`);
}

/** Where a person is asked. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks whoever sits at a terminal for a template, by number or name, until one is given.
 * @throws UsageError when the input ends before.
 */
export async function askForTemplate({ input, output }: Terminal, signal: AbortSignal): Promise<TemplateName> {
  const lines = createInterface({ input, output });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  const width = String(NAMES.length).length;
  const list = NAMES.map(
    (name, at) => `  ${String(at + 1).padStart(width)} ${name.padEnd(NAME_WIDTH)}${TEMPLATES[name]}`,
  );
  output.write(`${list.join('\n')}\n`);
  try {
    for (;;) {
      const question = `a function of which kind, 1 to ${NAMES.length}? `;
      const answer = await lines.question(question, { signal: AbortSignal.any([signal, ended.signal]) });
      const found = named(answer.trim());
      if (found !== undefined) return found;
      output.write(`expected a number or a name of the list, got ${JSON.stringify(answer.trim())}\n`);
    }
  } catch (error) {
    if (ended.signal.aborted && !signal.aborted) return parseTemplate(undefined);
    throw error;
  } finally {
    lines.close();
  }
}

function named(answer: string): TemplateName | undefined {
  const word = templateNamed(answer);
  if (word !== null) return word;
  return /^[1-9]\d*$/.test(answer) ? NAMES[Number(answer) - 1] : undefined;
}
