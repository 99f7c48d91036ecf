import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../agent/main.ts', import.meta.url));

/**
 * The agent as one file of JavaScript: a guest has no packages, and its workers start from the same file.
 * Same sources, same bytes.
 */
export async function bundleAgent(entry: string = ENTRY): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    legalComments: 'none',
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.contents;
}
