// The module `cloudlet` of a command: what it reads and writes, its environment, and the files that it was granted.
import { mark, takeString, unwind } from './memory';
import { read, readAll, textOf, utf8, write } from './streams';
export { readFile, readText } from './files';
export { log, now } from './host';

@external("wasi:cli/environment@0.2.12", "get-arguments")
declare function getArguments(area: usize): void;
@external("wasi:cli/environment@0.2.12", "get-environment")
declare function getEnvironment(area: usize): void;
@external("wasi:cli/exit@0.2.12", "exit-with-code")
declare function exitWithCode(status: u32): void;
@external("wasi:cli/stdin@0.2.12", "get-stdin")
declare function getStdin(): u32;
@external("wasi:cli/stdout@0.2.12", "get-stdout")
declare function getStdout(): u32;

const area = memory.data(8, 4);
const NEWLINE: u8 = 10;

/** Standard input. */
export namespace stdin {
  let stream: u32 = u32.MAX_VALUE;
  /** What was read and not yet given. */
  let held = new Uint8Array(0);

  function open(): u32 {
    if (stream == u32.MAX_VALUE) stream = getStdin();
    return stream;
  }

  /** All that is left. */
  export function bytes(): Uint8Array {
    const before = held;
    held = new Uint8Array(0);
    const rest = readAll(open());
    return before.length == 0 ? rest : joined(before, rest);
  }

  /** All that is left, as UTF-8. */
  export function text(): string { return textOf(bytes()); }

  /** The next line without its end; null when there is none. */
  export function line(): string | null {
    let end = held.indexOf(NEWLINE);
    while (end < 0) {
      const piece = read(open());
      if (piece === null) {
        if (held.length == 0) return null;
        end = held.length;
        break;
      }
      const from = held.length;
      held = joined(held, piece);
      end = held.indexOf(NEWLINE, from);
    }
    const line = textOf(held.subarray(0, end));
    held = held.subarray(min(end + 1, held.length));
    return line;
  }
}

/** Standard output; what is written goes out by the time that `main` has ended. */
export namespace stdout {
  let stream: u32 = u32.MAX_VALUE;
  const held = new Uint8Array(4096);
  let used = 0;

  /** Writes bytes. */
  export function bytes(bytes: Uint8Array): void {
    if (used + bytes.length > held.length) flush();
    if (bytes.length > held.length) return out(bytes);
    memory.copy(held.dataStart + used, bytes.dataStart, bytes.length);
    used += bytes.length;
  }

  /** Writes a text. */
  export function text(text: string): void { bytes(utf8(text)); }

  /** Writes a text and the end of a line. */
  export function line(text: string = ''): void { bytes(utf8(text + '\n')); }

  /** Sends what was written. */
  export function flush(): void {
    const sent = used;
    used = 0;
    if (sent > 0) out(held.subarray(0, sent));
  }

  function out(bytes: Uint8Array): void {
    if (stream == u32.MAX_VALUE) stream = getStdout();
    assert(write(stream, bytes), 'nobody reads standard output any longer');
  }
}

/** A variable of the environment; null when it is not granted. */
export function variable(name: string): string | null {
  const before = mark();
  getEnvironment(area);
  let found: string | null = null;
  for (let at: usize = 0; at < load<u32>(area, 4); at++) {
    const entry = <usize>load<u32>(area) + at * 16;
    if (takeString(load<u32>(entry), load<u32>(entry, 4)) != name) continue;
    found = takeString(load<u32>(entry, 8), load<u32>(entry, 12));
    break;
  }
  unwind(before);
  return found;
}

/** Ends the program at once. */
export function exit(status: u8): void {
  stdout.flush();
  exitWithCode(status);
}

/** Arguments without the program's own name, for the glue. */
export function words(): Array<string> {
  const before = mark();
  getArguments(area);
  const words = new Array<string>();
  for (let at: usize = 1; at < load<u32>(area, 4); at++) {
    const entry = <usize>load<u32>(area) + at * 8;
    words.push(takeString(load<u32>(entry), load<u32>(entry, 4)));
  }
  unwind(before);
  return words;
}

/** Ends with a status, for the glue. */
export function end(status: i32): i32 {
  stdout.flush();
  if (status != 0) exitWithCode(status & 0xff);
  return 0;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  memory.copy(both.dataStart, first.dataStart, first.length);
  memory.copy(both.dataStart + first.length, second.dataStart, second.length);
  return both;
}
