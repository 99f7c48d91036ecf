/** The person at the terminal, or the system, asked us to stop. */
export class Interrupted extends Error {
  /** 128 and the signal's number, as shells report it. */
  readonly status: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal}`);
    this.name = 'Interrupted';
    this.status = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Turns the first SIGINT or SIGTERM into an abort whose reason is `Interrupted`; a second one ends the process at once. */
export function takeSignals(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const interrupted = new Interrupted(signal);
      if (controller.signal.aborted) process.exit(interrupted.status);
      controller.abort(interrupted);
    });
  }
  return controller.signal;
}
