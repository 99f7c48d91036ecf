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
    // Every character costs an emulated processor time, at the start of the agent and of each worker. Names stay, and lines
    // stay short, so that a stack trace still says where.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.contents;
}
