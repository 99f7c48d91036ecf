import type { Digest } from '../../guest-sdk/protocol/index.ts';
import type { NetworkWorld } from '../outside/network/network.ts';
import type { Clock } from '../sandbox/clock.ts';
import type { HeldVmImage, VmImage } from '../vm/image/index.ts';
import type { Vm } from '../vm/vm.ts';

/** How a clone is started; its memory is its image's. */
export interface CloneOptions {
  readonly id: string;
  /** Processors' time that it may take, in processors. */
  readonly cpus: number;
  /** What its disk may grow by, bytes. */
  readonly growthBytes: number;
  readonly signal: AbortSignal;
}

/** What services are made of: images, machines, time, the network. */
export interface ServiceWorld {
  /** A saved VM by its digest, kept until it is let go; null when it is not here. */
  readonly hold: (digest: Digest, signal: AbortSignal) => Promise<HeldVmImage | null>;
  /** Starts a clone of an image, as new as any: with a time, randomness and a name of its own. */
  readonly restore: (image: VmImage, options: CloneOptions) => Promise<Vm>;
  readonly network?: NetworkWorld;
  readonly clock?: Clock;
}
