import {
  type Digest,
  digestOf,
  documentSigners,
  type FunctionName,
  type SignedDocument,
} from '../../guest-sdk/protocol/index.ts';
import type { FunctionPublishers } from '../grant/index.ts';
import type { Services } from '../service/index.ts';
import type { DataDir } from '../store/index.ts';
import type { Wish } from './deployment/wish.ts';
import { checkFunctionPublisher } from './function-publisher.ts';
import { checkReplayedService } from './replayed-version.ts';

/** Whose services are taken: names belong to keys as those of functions do, under the same policy. */
export interface ServicePublishersOptions {
  readonly policy: FunctionPublishers;
  readonly names: Pick<DataDir['registry']['publishers'], 'pinned' | 'pin' | 'forget'>;
  readonly services: {
    readonly find: (name: FunctionName) => { readonly image: Digest } | undefined;
    readonly past: Pick<DataDir['registry']['services']['past'], 'find' | 'publisherOf' | 'set'>;
  };
}

/** A service that may come under a name. */
export interface AdmittedService {
  /** The key that it is taken as signed by; null for none. */
  readonly publisher: string | null;
  /**
   * Asks again, since another may have got the name meanwhile, makes it the key's, and remembers to what image it came. Called in the turn in which the
   * service is put; gives what takes that back.
   */
  readonly settle: (image: Digest) => () => void;
}

/** Who may put a service under a name. */
export class ServicePublishers {
  readonly #options: ServicePublishersOptions;

  constructor(options: ServicePublishersOptions) {
    this.#options = options;
  }

  /**
   * Lets what a wish brings come under a name, or says why not with `signature-invalid`, before anything of it is asked for; `conflict` for what a name that
   * belongs to a key was before. What was signed once, and is `made` of it here, is signed when it comes again without.
   */
  async admitDocument(
    name: FunctionName,
    document: SignedDocument,
    { vouchedBy }: Wish,
    made: readonly string[] = [],
  ): Promise<AdmittedService> {
    const signers = await documentSigners(document);
    const all = vouchedBy === undefined ? signers : [...signers, vouchedBy];
    const digest = await digestOf(document.payload);
    return this.#admit(name, all.length === 0 ? made : all, digest);
  }

  /** The same for an image that is here, and that these keys signed: who names it goes back or forth with open eyes. What the name had once is as signed as it was then. */
  admit(name: FunctionName, signed: readonly string[], image?: Digest): AdmittedService {
    const before = image === undefined ? null : this.#options.services.past.publisherOf(name, image);
    return this.#admit(name, signed.length === 0 && before !== null ? [before] : signed, null);
  }

  #admit(name: FunctionName, signed: readonly string[], document: Digest | null): AdmittedService {
    const { policy, names, services } = this.#options;
    const ask = () => {
      const pinned = names.pinned(name);
      const publisher = checkFunctionPublisher({ name, policy, signed, pinned, sign: SIGN });
      if (document !== null && pinned !== undefined) checkReplayedService(services, name, document);
      return { pinned, publisher };
    };
    return {
      publisher: ask().publisher,
      settle: (image) => {
        const { pinned, publisher } = ask();
        const before = document === null ? undefined : services.past.find(name, document);
        if (document !== null) services.past.set(name, document, { image, publisher });
        const isNew = publisher !== null && publisher !== pinned;
        if (isNew) names.pin(name, publisher);
        return () => {
          if (document !== null) services.past.set(name, document, before ?? null);
          if (isNew) names.forget(name);
        };
      },
    };
  }
}

/** Keys that signed what an image was made of, as far as services are of it. */
export function publishersOf(services: Pick<Services, 'list'>, image: Digest): string[] {
  const found = services.list().flatMap((each) => (each.image === image && each.publisher) || []);
  return [...new Set(found)];
}

/** How somebody signs a service. */
const SIGN = 'npx cloudlet deploy FILE --key FILE';
