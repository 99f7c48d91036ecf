import type { ByteSink } from '../backend.ts';
import { cliInterfaces } from '../cli/cli.ts';
import type { ContextSeat } from '../context.ts';
import { drain } from './stream/drain.ts';
import { type GuestStream, OK, type WitResult } from './stream/guest-stream.ts';
import { OpenSource, SourceStream } from './stream/source-stream.ts';

/** `wasi:cli/types#error-code`. */
type CliErrorCode = 'io' | 'illegal-byte-sequence' | 'pipe';
type Ended = WitResult<undefined, CliErrorCode>;

/** Nobody reads what is written, or writes what is read, any more. */
const PIPE: Ended = { tag: 'err', val: 'pipe' };

/** The interfaces of `wasi:cli` in WASI 0.3. */
export function cliInterfaces3(seat: ContextSeat) {
  const before = cliInterfaces(seat);
  const { getEnvironment, getArguments, initialCwd } = before['wasi:cli/environment'];
  const output = (sinkOf: (seat: ContextSeat) => ByteSink) => ({
    async writeViaStream(data: GuestStream): Promise<Ended> {
      return (await drain(seat.context, data, sinkOf(seat))) === null ? OK : PIPE;
    },
  });
  return {
    'wasi:cli/environment@0.3': { getEnvironment, getArguments, getInitialCwd: initialCwd },
    'wasi:cli/exit@0.3': before['wasi:cli/exit'],
    'wasi:cli/stdin@0.3': {
      readViaStream(): [SourceStream, Promise<Ended>] {
        const { context } = seat;
        const { promise, resolve } = Promise.withResolvers<Ended>();
        // The source is the caller's: a guest that drops its stream and asks for another goes on where it was.
        const stdin = new OpenSource(context.backend.stdin);
        return [new SourceStream(context, stdin, (failure) => resolve(failure === null ? OK : PIPE)), promise];
      },
    },
    'wasi:cli/stdout@0.3': output(({ context }) => context.backend.stdout),
    'wasi:cli/stderr@0.3': output(({ context }) => context.backend.stderr),
    'wasi:cli/terminal-input@0.3': before['wasi:cli/terminal-input'],
    'wasi:cli/terminal-output@0.3': before['wasi:cli/terminal-output'],
    'wasi:cli/terminal-stdin@0.3': before['wasi:cli/terminal-stdin'],
    'wasi:cli/terminal-stdout@0.3': before['wasi:cli/terminal-stdout'],
    'wasi:cli/terminal-stderr@0.3': before['wasi:cli/terminal-stderr'],
  };
}
