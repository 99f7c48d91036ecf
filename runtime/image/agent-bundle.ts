import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../agent/main.ts', import.meta.url));

/** Where the names of packages in the bundle begin. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The agent as one file of JavaScript: a guest has no packages, and its workers start from the same file.
 * Same sources, same bytes, wherever it is called from.
 */
export async function bundleAgent(entry: string = ENTRY): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    // Else that of the process: a host that is started in another folder would build another image, and all snapshots anew.
    absWorkingDir: ROOT,
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
