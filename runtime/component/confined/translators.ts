import { freemem } from 'node:os';
import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import { abortError } from '../../store/index.ts';
import type { Artifact } from '../artifact.ts';
import { type ConfinementLimits, type NetworkIsolation, probeNetworkIsolation } from './confinement.ts';
import { type Translated, Translator } from './translator.ts';

/** How translators are started, and whether one waits. */
export interface TranslatorsOptions {
  readonly limits: ConfinementLimits;
  /** One waits for the next component. */
  readonly ahead: boolean;
  /** Calls back after some milliseconds, unless what it gives is called; the system's timers when left out. */
  readonly after?: (ms: number, callback: () => void) => () => void;
  /** Program to run instead of the translator, for tests. */
  readonly entry?: string;
}

/** How long after its opening, or the translation before, one begins to wait, milliseconds: the processors belong to what was just translated. */
const AFTER_MS = 5000;
/** Free memory without which none waits, bytes: it holds some 80 MB of its own. */
const MIN_FREE_BYTES = 1024 ** 3;
/** What most components are. */
const WAITS_FOR: Translated = 'component';

/**
 * Starts a confined child for each component. Where one is to wait, the next component of the usual kind finds it there with its tools loaded and
 * rehearsed: 0.1 s instead of 0.8.
 */
export class Translators {
  readonly #options: TranslatorsOptions;
  readonly #closing = new AbortController();
  #network: Promise<NetworkIsolation> | undefined;
  #waiting: Translator | null = null;
  #cancel: () => void = () => {};

  constructor(options: TranslatorsOptions) {
    this.#options = options;
    this.#prepareSoon();
  }

  /** What keeps the network away from the child: for `status` and the log. */
  networkIsolation(): Promise<NetworkIsolation> {
    this.#network ??= probeNetworkIsolation();
    return this.#network;
  }

  /** Translates as `Translator.translate` does, each component in a child of its own. */
  async translate(bytes: Uint8Array, digest: Digest, kind: Translated, signal: AbortSignal): Promise<Artifact> {
    if (signal.aborted) throw abortError(signal);
    const network = await this.networkIsolation();
    const waiting = kind === WAITS_FOR ? this.#take() : null;
    const by = (translator: Translator) =>
      translator.translate(bytes, digest, signal).finally(() => translator.close());
    try {
      return await by(waiting ?? this.#start(kind, network));
    } catch (error) {
      // It may have been gone before it was given anything.
      if (waiting?.isLost !== true) throw error;
      return await by(this.#start(kind, network));
    } finally {
      this.#prepareSoon();
    }
  }

  /** Has one wait from now on, unless one does, memory is short, or it was closed. */
  async prepare(): Promise<void> {
    const network = await this.networkIsolation();
    if (this.#closing.signal.aborted || this.#waiting?.isUsable === true || freemem() < MIN_FREE_BYTES) return;
    this.#waiting = this.#start(WAITS_FOR, network);
  }

  /** Ends the one that waits, and has none wait any more. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancel();
    const waiting = this.#waiting;
    this.#waiting = null;
    await waiting?.close();
  }

  #start(kind: Translated, network: NetworkIsolation): Translator {
    const { limits, entry } = this.#options;
    return new Translator(kind, { limits, network, ...(entry && { entry }) });
  }

  #take(): Translator | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting?.isUsable === true ? waiting : null;
  }

  #prepareSoon(): void {
    const { ahead, after = systemTimer } = this.#options;
    if (!ahead || this.#closing.signal.aborted) return;
    this.#cancel();
    this.#cancel = after(AFTER_MS, () => void this.prepare());
  }
}

function systemTimer(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  // A compiler that nobody closes keeps no process.
  timer.unref();
  return () => clearTimeout(timer);
}
