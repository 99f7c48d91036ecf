import type { ContextSeat } from '../context.ts';
import { cliInterfaces3 } from './cli.ts';
import { clockInterfaces3 } from './clocks.ts';
import { filesystemInterfaces3 } from './filesystem/filesystem.ts';
import { httpInterfaces3 } from './http/http.ts';
import { randomInterfaces3 } from './random.ts';
import { socketInterfaces3 } from './sockets/sockets.ts';

/** The interfaces of WASI 0.3, each under its name with `@0.3`: a component may import those of 0.2 beside them. */
export function p3Interfaces(seat: ContextSeat): Record<string, Record<string, unknown>> {
  return {
    ...cliInterfaces3(seat),
    ...clockInterfaces3(seat),
    ...randomInterfaces3(seat),
    ...filesystemInterfaces3(seat),
    ...httpInterfaces3(seat),
    ...socketInterfaces3(seat),
  };
}
