import type { SocketEnd } from '../messages.ts';
import { socketRefusal } from './socket-refusal.ts';

/** Reads the fields of arguments. The agent is not trusted. Throws an `OutsideRefusal`. */
export class SocketArgs {
  readonly #args: Readonly<Record<string, unknown>>;

  constructor(args: unknown) {
    if (typeof args !== 'object' || args === null) throw malformed('an object');
    this.#args = args as Record<string, unknown>;
  }

  end(key: string): SocketEnd {
    const given = this.#args[key];
    if (typeof given !== 'object' || given === null) throw malformed(`${key} to be an address and a port`);
    const { address, port } = given as { readonly address?: unknown; readonly port?: unknown };
    if (!(address instanceof Uint8Array) || (address.length !== 4 && address.length !== 16)) {
      throw malformed(`${key} to have an address of 4 or 16 bytes`);
    }
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65535) {
      throw malformed(`${key} to have a port of 0 to 65535`);
    }
    return { address: Uint8Array.from(address), port };
  }

  text(key: string): string {
    const given = this.#args[key];
    if (typeof given !== 'string') throw malformed(`${key} to be a text`);
    return given;
  }

  has(key: string): boolean {
    return this.#args[key] !== null && this.#args[key] !== undefined;
  }

  count(key: string): number {
    const given = this.#args[key];
    if (typeof given !== 'number' || !Number.isInteger(given) || given < 1)
      throw malformed(`${key} to be a number above 0`);
    return given;
  }
}

const malformed = (expected: string) => socketRefusal('invalid-argument', `expected ${expected}`);
