import { CloudletError, type FunctionName, type Published } from '../../../guest-sdk/protocol/index.ts';
import type { DescribedPackage } from '../package/receive-package.ts';
import type { PublishOptions, PublishParts } from '../publish.ts';
import { type Received, registerVersion } from '../register-version.ts';
import { Arrival, missingFiles } from './arrival.ts';
import type { RangeReader } from './layer-reader.ts';

/** What it takes for a package to serve before all of it is here. */
export interface EarlyStart {
  /** Reads what is still on its way, by places in the body. */
  readonly read: RangeReader;
  /** Its version serves, and bytes of it are on their way. */
  readonly serves: (published: Published) => void;
  /** Not all of it came: takes the version back, and all that was made of it. */
  readonly withdraw: (published: Published, why: CloudletError) => Promise<void>;
}

/** A publish whose version serves as soon as its code is here, and is taken back when its files do not come. */
export class EarlyPublish {
  readonly #parts: PublishParts;
  readonly #name: FunctionName;
  readonly #options: PublishOptions;
  readonly #start: EarlyStart;
  #serving: { readonly published: Published; readonly arrival: Arrival; readonly end: () => void } | null = null;

  constructor(parts: PublishParts, name: FunctionName, options: PublishOptions, start: EarlyStart) {
    this.#parts = parts;
    this.#name = name;
    this.#options = options;
    this.#start = start;
  }

  /** All but the layers of files is here: the version serves, and what is in these comes, wanted files first. Resolves with it when all of it is here, with null when it comes otherwise. */
  readonly begin = async (packed: DescribedPackage, start: number): Promise<Arrival['files'] | null> => {
    const { arrivals } = this.#parts;
    const { digest, sizeBytes, stored, release } = packed;
    const { versionDigest, whenLoaded } = this.#options;
    // One that is loaded before calls go to it has nothing to gain.
    if (whenLoaded === true) return null;
    if (arrivals === undefined || (versionDigest !== undefined && versionDigest !== digest)) return null;
    // Now, so that the device sends on while the component is translated.
    const arrival = Arrival.begin(this.#name, stored.layers, start, this.#start.read);
    if (arrival === null) return null;
    const received = { digest, sizeBytes, component: stored.component.digest, packed, release };
    let end = () => {};
    // In the turn in which it is written: whoever asks for it next must find where its files are.
    const written = (version: number) => {
      end = arrivals.begin(this.#name, version, digest, arrival);
    };
    const published = await registerVersion(this.#parts, this.#name, received, this.#options, { arrival, written });
    if (published.created) {
      this.#serving = { published, arrival, end };
      this.#start.serves(published);
    }
    await arrival.whole;
    return arrival.files;
  };

  /** All of it was received: what came is compared with what it says it is. Null when its version did not serve early. */
  async complete({ packed }: Received): Promise<Published | null> {
    if (this.#serving === null || packed === null) return null;
    const { published, arrival, end } = this.#serving;
    const files = await packed.layers?.files(packed.stored.layers);
    for (const path of new Set([...(files?.keys() ?? []), ...arrival.files.keys()])) {
      if (files?.get(path)?.isAsCame !== true)
        throw new CloudletError(
          'package-invalid',
          `expected the file ${JSON.stringify(path)} in the layers of "${this.#name}" as their index says, got another; pack it again`,
        );
    }
    const { registry } = this.#parts.data;
    if (registry.findVersion(this.#name, published.version)?.digest !== packed.digest)
      throw new CloudletError(
        'function-unknown',
        `expected version ${published.version} of "${this.#name}" until all of it was here, but it was removed; deploy it again`,
      );
    registry.arriving.settle(this.#name, published.version);
    this.#serving = null;
    end();
    return published;
  }

  /** It failed, or was given up: nothing is left of a version that served. Idempotent. */
  async withdraw(thrown: unknown): Promise<void> {
    if (this.#serving === null) return;
    const { published, end } = this.#serving;
    this.#serving = null;
    await this.#start.withdraw(published, missingFiles(this.#name, thrown));
    end();
  }
}
