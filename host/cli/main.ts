#!/usr/bin/env node
/** The program behind `cloudlet`: importing this file runs the words of this process. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Kept compiled sources are half a second at every start. The launcher names the same folder, for when it starts another Node.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)));

// A reader that left (`cloudlet ls | head -1`) is no error: end as SIGPIPE would have ended us.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141);
    // A full disk behind `>` takes nothing more; where stderr is what failed, the status is all that is left to say.
    if (stream !== process.stderr)
      process.stderr.write(
        `cloudlet: expected an output that takes all, got ${error.code}; what was written is not whole\n`,
      );
    process.exit(1);
  });
}

const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
// A stdin that never ends must not keep a finished command alive.
process.stdin.destroy();
