import { fileURLToPath } from 'node:url';
import { WASI_VERSION } from '../wasi-wit.ts';

/** C file linked into every command, so that `exit(3)` reaches the caller as 3: jco's adapter from WASI 0.1 tells only 0 from the rest. */
export const EXIT_STATUS_FILE = fileURLToPath(new URL('../../guest/c/exit-status.c', import.meta.url));

/** The libc function that the file replaces. */
export const EXIT_WRAP = '__wasi_proc_exit';

/** What the file imports, as a statement of a world. */
export const EXIT_IMPORT = `import wasi:cli/exit@${WASI_VERSION};`;

/** C file linked into a command that exports a world too, which is linked as a reactor: how its `main` is entered. */
export const START_FILE = fileURLToPath(new URL('../../guest/c/start.c', import.meta.url));
