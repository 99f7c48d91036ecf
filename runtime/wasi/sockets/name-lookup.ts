import type { Context, ContextSeat } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { Pollable } from '../io/pollable.ts';
import { type IpAddress, witAddressOf } from './address.ts';
import { Operation } from './operation.ts';

/** Longest name: 253 bytes as names are written, more with what IDNA makes shorter. */
export const MAX_NAME = 1024;

/** `wasi:sockets/ip-name-lookup#resolve-addresses`. Denied where there is no network. */
export function resolveAddresses(seat: ContextSeat, name: string): ResolveAddressStream {
  const { context } = seat;
  const { network } = context.backend;
  if (network === null) throw 'access-denied';
  if (name === '' || name.length > MAX_NAME) throw 'invalid-argument';
  return new ResolveAddressStream(context, new Operation(network.resolve(name)));
}

/** `wasi:sockets/ip-name-lookup`'s resource `resolve-address-stream`. */
export class ResolveAddressStream {
  readonly #context: Context;
  readonly #operation: Operation<readonly Uint8Array[]>;
  readonly #forget: () => void;
  #left: Uint8Array[] | null = null;
  #dropped = false;

  constructor(context: Context, operation: Operation<readonly Uint8Array[]>) {
    context.retain();
    this.#context = context;
    this.#operation = operation;
    this.#forget = context.atClose(() => operation.cancel());
  }

  resolveNextAddress(): IpAddress | undefined {
    this.#left ??= [...this.#operation.finish()];
    const next = this.#left.shift();
    return next === undefined ? undefined : witAddressOf(next);
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#operation);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#forget();
    this.#operation.cancel();
    this.#context.release();
  }
}
