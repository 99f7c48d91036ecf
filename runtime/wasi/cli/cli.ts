import type { ByteSink } from '../backend.ts';
import type { ContextSeat } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestExit } from '../guest-end.ts';
import { InputStream } from '../io/input-stream.ts';
import { OutputStream } from '../io/output-stream.ts';

/** `wasi:cli/terminal-input`'s resource. Never made: a guest has no terminal. */
export class TerminalInput {
  [DISPOSE](): void {}
}

/** `wasi:cli/terminal-output`'s resource. Never made: a guest has no terminal. */
export class TerminalOutput {
  [DISPOSE](): void {}
}

type WitResult = { readonly tag: 'ok' } | { readonly tag: 'err' };

/** The interfaces of `wasi:cli`. */
export function cliInterfaces(seat: ContextSeat) {
  // The streams are the caller's: a guest that drops its handle and asks for another goes on where it was.
  const output = (sink: ByteSink) => new OutputStream(seat.context, sink, () => {});
  return {
    'wasi:cli/environment': {
      getEnvironment() {
        const { use, environment } = seat.context.backend;
        use?.read('environment');
        return environment;
      },
      getArguments() {
        const { use, arguments: words } = seat.context.backend;
        use?.read('arguments');
        return words;
      },
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': {
      exit(status: WitResult): never {
        throw new GuestExit(status.tag === 'ok' ? 0 : 1);
      },
      exitWithCode(code: number): never {
        throw new GuestExit(code);
      },
    },
    'wasi:cli/stdin': { getStdin: () => new InputStream(seat.context, seat.context.backend.stdin, () => {}) },
    'wasi:cli/stdout': { getStdout: () => output(seat.context.backend.stdout) },
    'wasi:cli/stderr': { getStderr: () => output(seat.context.backend.stderr) },
    'wasi:cli/terminal-input': { TerminalInput },
    'wasi:cli/terminal-output': { TerminalOutput },
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
  };
}
