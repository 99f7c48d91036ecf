import { artifactOf, type Digest, descriptorOf, type KnownBlob, MEDIA_TYPES } from '../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../component/inspect.ts';

/** The manifest and config under which a component travels that was published without a package. */
export interface BareComponent {
  readonly manifest: KnownBlob;
  readonly config: KnownBlob;
}

/** Components that are remembered; each is a kilobyte. */
const MAX_REMEMBERED = 1024;

/** Makes packages of components that came without one: the same for the same component, so they are made when asked for. */
export class BareComponents {
  readonly #read: (digest: Digest) => Promise<Uint8Array>;
  readonly #known = new Map<Digest, Promise<BareComponent>>();

  constructor(read: (digest: Digest) => Promise<Uint8Array>) {
    this.#read = read;
  }

  /** The package of a component that is in the store. */
  of(component: Digest): Promise<BareComponent> {
    const known = this.#known.get(component);
    if (known !== undefined) return known;
    const making = this.#make(component);
    this.#known.set(component, making);
    making.catch(() => this.#known.delete(component));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(oldest!);
    return making;
  }

  async #make(component: Digest): Promise<BareComponent> {
    const bytes = await this.#read(component);
    const { kind, imports, exports } = inspectComponent(bytes);
    const layer = descriptorOf(MEDIA_TYPES.component, { digest: component, bytes });
    const facts = { os: kind === 'core-module' ? 'wasip1' : 'wasip2', imports, exports } as const;
    return await artifactOf([layer], facts, {});
  }
}
