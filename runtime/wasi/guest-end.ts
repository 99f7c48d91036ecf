import type { WasiLimits } from './backend.ts';

/** Ends the guest from inside: `wasi:cli/exit` throws it through the component, the caller of the export catches it. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit';
  /** 0 is success. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`the guest exited with status ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * The guest broke a rule of WASI or went over a limit that has no error code: it is thrown through the component.
 * It must never have a property `payload`: the glue would take it for a typed error and let the guest go on.
 */
export class GuestTrap extends Error {
  override readonly name = 'GuestTrap';
  /** The limit of the function that it wanted more of, if that is why. */
  readonly limit: keyof WasiLimits | null;

  constructor(message: string, limit: keyof WasiLimits | null = null) {
    super(message);
    this.limit = limit;
  }
}
