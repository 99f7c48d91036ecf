import type { Digest, FunctionName } from '../../../guest-sdk/protocol/index.ts';
import type { Arrival } from './arrival.ts';

/** Which versions serve while their files are on their way. */
export class Arrivals {
  readonly #known = new Map<string, { readonly digest: Digest; readonly arrival: Arrival }>();

  /** A version serves early; call what it gives when that is over. */
  begin(name: FunctionName, version: number, digest: Digest, arrival: Arrival): () => void {
    const key = `${name}/${version}`;
    const known = { digest, arrival };
    this.#known.set(key, known);
    return () => {
      if (this.#known.get(key) === known) this.#known.delete(key);
    };
  }

  /** The files of a version that are on their way; undefined when all are here. */
  of(name: FunctionName, version: number, digest: Digest): Arrival | undefined {
    const known = this.#known.get(`${name}/${version}`);
    return known?.digest === digest ? known.arrival : undefined;
  }
}
