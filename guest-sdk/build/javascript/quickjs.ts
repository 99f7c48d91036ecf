import { join } from 'node:path';
import { componentize } from 'componentize-qjs';
import { CloudletError } from '../../protocol/index.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';
import { assembleWit, isAsynchronous, WASI_VERSION } from '../wasi-wit.ts';

/** A bundled JavaScript module and the world that it implements. */
export interface JavaScriptSource {
  /** One ES module; its only imports are WIT interfaces by their full name. */
  readonly code: string;
  /** File or folder with the world's WIT. */
  readonly wit: string;
  readonly world?: string | undefined;
}

/**
 * Version under which the function's own WASI imports appear in a QuickJS component.
 * The engine imports 0.2.12 itself, and one component cannot import one name twice.
 */
const GUEST_WASI_VERSION = '0.2.10';

/** What the engine says of a program that it cannot evaluate, without what the author never wrote. */
export function engineRefused(words: string, cause?: unknown): CloudletError {
  return new CloudletError('build-failed', `QuickJS cannot make a component of this: ${plain(words)}`, { cause });
}

/**
 * Compiles JavaScript to a component with QuickJS, by its own tool.
 *
 * componentize-qjs 0.4.5 cannot pre-initialise a world that imports wasi:http ("mismatched resource types": its linker brings a
 * wasi:io of its own). So the world is built under names of equal length that the linker does not know, `xasi:`, and the finished
 * binary gets the real names back.
 * @throws CloudletError `build-failed` with the engine's words.
 */
export async function componentizeQuickJs(source: JavaScriptSource): Promise<Uint8Array> {
  return reveal(await componentizeDisguised(source));
}

/** The same before the binary gets its real names back: the engine in it knows only the others. */
export async function componentizeDisguised(source: JavaScriptSource): Promise<Uint8Array> {
  return withTemporaryFolder(async (folder) => {
    const wit = join(folder, 'wit');
    await assembleWit(source.wit, wit, disguise);
    try {
      const { component } = await componentize({
        jsSource: disguise(source.code),
        witPath: wit,
        ...(source.world === undefined ? {} : { world: source.world }),
        // Its other runtime is for asynchronous functions and streams, and calls of the rest are dearer.
        sync: !(await isAsynchronous(source.wit)),
      });
      return component;
    } catch (error) {
      throw engineRefused(error instanceof Error ? error.message : String(error), error);
    }
  });
}

/** `wasi:io/streams@0.2.12` → `xasi:io/streams@0.2.10`, in WIT (also `package wasi:io@0.2.12;`) and in JavaScript imports. */
export function disguise(text: string): string {
  return text.replaceAll(/\bwasi:([a-z-]+(?:\/[a-z-]+)?)@0\.2\.\d+(?![\d-])/g, `xasi:$1@${GUEST_WASI_VERSION}`);
}

/** The engine's messages speak of names that the author never wrote. */
function undisguise(words: string): string {
  return words.replaceAll(`@${GUEST_WASI_VERSION}`, `@${WASI_VERSION}`).replaceAll('xasi:', 'wasi:');
}

/** The author's own error without the engine's layers around it: what was being done, and frames inside the engine and of what joins the two. */
function plain(words: string): string {
  return undisguise(words)
    .replace(/^(?:[:\s]|Failed to evaluate user JavaScript module|Failed to finish JavaScript module evaluation)*/, '')
    .replace(/^Error: /, '')
    .replaceAll(/\n\s+at .*\b(?:componentize-qjs:user|cloudlet-entry)\.js:\d+.*/g, '')
    .trimEnd();
}

/** Gives a component its real names back, in its own bytes. */
export function reveal(component: Uint8Array): Uint8Array {
  const bytes = Buffer.from(component.buffer, component.byteOffset, component.length);
  for (let at = bytes.indexOf('xasi:'); at >= 0; at = bytes.indexOf('xasi:', at)) bytes.write('w', at);
  return component;
}
