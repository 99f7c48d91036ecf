import type { Digest, ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import type { Identity } from '../../machine/index.ts';
import type { VmImage } from '../../vm/image/vm-image.ts';
import type { Vm } from '../../vm/vm.ts';

/** What is said of an image that a workshop saves. */
export interface MadeService {
  /** By what it is found the next time. */
  readonly key: string;
  /** What is in it, for people: one line. */
  readonly about: string;
  readonly service: ServiceSpec;
}

/** A VM on a copy of a base, which is changed and then saved. Who opens it closes it. */
export interface Workshop {
  readonly vm: Pick<Vm, 'relay' | 'console'> & {
    renew(identity: Identity): Promise<void>;
    /** Bytes that its disk has grown by, of those that its guest has written out. */
    growthBytes(): Promise<number>;
  };
  /** Makes an image of it as it is, with the server that runs in it. The VM is gone then. */
  save(made: MadeService, signal: AbortSignal): Promise<VmImage>;
  /** Ends the VM, and removes what was not saved. Idempotent. */
  close(): Promise<void>;
}

/** A base that stays for as long as something is made on it. */
export interface HeldBase {
  readonly image: VmImage;
  release(): Promise<void>;
}

/** Where recipes are made, and what was made is kept. */
export interface RecipeWorld {
  /** The base VM; `base-unknown` when it is not here, saying how it comes here. */
  readonly holdBase: (base: 'default' | Digest, signal: AbortSignal) => Promise<HeldBase>;
  /** Starts a VM on a private copy of a base; `growthBytes` bounds what its disk may grow by. */
  readonly open: (base: VmImage, growthBytes: number, signal: AbortSignal, user?: string) => Promise<Workshop>;
  /** What was made from what a key names, and can be restored here; null when there is none. */
  readonly findMade: (key: string, signal: AbortSignal) => Promise<VmImage | null>;
}
