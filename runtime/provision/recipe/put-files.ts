import type { RecipeFile } from '../../../guest-sdk/protocol/index.ts';
import type { PartSource } from '../deployment/rung.ts';
import { runStep, type StepContext } from './step.ts';

/** Writes the files of a recipe, as root's. Parts are taken one at a time: none waits in memory for another. */
export async function putFiles(files: readonly RecipeFile[], parts: PartSource, context: StepContext): Promise<void> {
  for (const file of files) {
    context.say(`${file.path}\n`);
    await putFile(file, contentOf(file, parts, context.signal), context);
  }
}

/** Where the script of a recipe lies while it runs. */
const SCRIPT = '/root/.recipe-script';

/** Runs a script of `/bin/sh`, which ends at the first command that fails. It comes as a file: a command has less room. */
export async function runScript(script: string, context: StepContext): Promise<void> {
  await putFile({ path: SCRIPT, mode: '0700' }, [Buffer.from(`${script}\n`)], context, 'script');
  await runStep('script', { command: `sh -e ${SCRIPT} && rm -f ${SCRIPT}` }, context);
}

async function putFile(
  { path, mode }: Pick<RecipeFile, 'path' | 'mode'>,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  context: StepContext,
  step: 'files' | 'script' = 'files',
): Promise<void> {
  // The path is in a variable: no shell takes it for anything else.
  const command =
    'mkdir -p -- "$(dirname -- "$FILE")" && rm -rf -- "$FILE" && cat >"$FILE" && chmod "$MODE" -- "$FILE"';
  await runStep(step, { command, environment: { FILE: path, MODE: mode }, input: pieces(content) }, context);
}

async function* contentOf(file: RecipeFile, parts: PartSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (file.text !== undefined) yield Buffer.from(file.text);
  for (const part of file.parts ?? []) yield await parts.get(part.digest, signal);
}

async function* pieces(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* content;
}
