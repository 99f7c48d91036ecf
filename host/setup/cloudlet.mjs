#!/usr/bin/env node
/**
 * The `cloudlet` command: runs `host/cli/main.ts` with the project's own Node, which is installed first where it is missing.
 * Plain JavaScript, because the Node that a machine happens to have only bootstraps.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const { NODE, setUp } = await import(join(here, 'setup.mjs'));
if (!existsSync(NODE)) await setUp();

const main = join(here, '../cli/main.ts');
const child = spawn(NODE, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});

// The terminal sends Ctrl-C to both processes; only the child decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exitCode = code ?? 1;
});
