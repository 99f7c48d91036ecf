import {
  type Digest,
  documentSigners,
  type FunctionName,
  type SignedDocument,
} from '../../guest-sdk/protocol/index.ts';
import type { FunctionPublishers } from '../grant/index.ts';
import type { Services } from '../service/index.ts';
import type { DataDir } from '../store/index.ts';
import type { Wish } from './deployment/wish.ts';
import { checkFunctionPublisher } from './function-publisher.ts';

/** Whose services are taken: names belong to keys as those of functions do, under the same policy. */
export interface ServicePublishersOptions {
  readonly policy: FunctionPublishers;
  readonly names: Pick<DataDir['registry']['publishers'], 'pinned' | 'pin' | 'forget'>;
}

/** A service that may come under a name. */
export interface AdmittedService {
  /** The key that it is taken as signed by; null for none. */
  readonly publisher: string | null;
  /** Asks again, since another may have got the name meanwhile, and makes it the key's. Called in the turn in which the service is put; gives what takes that back. */
  readonly settle: () => () => void;
}

/** Who may put a service under a name. */
export class ServicePublishers {
  readonly #options: ServicePublishersOptions;

  constructor(options: ServicePublishersOptions) {
    this.#options = options;
  }

  /**
   * Lets what a wish brings come under a name, or says why not with `signature-invalid`, before anything of it is asked for. What was signed once, and is `made`
   * of it here, is signed when it comes again without.
   */
  async admitDocument(
    name: FunctionName,
    document: SignedDocument,
    { vouchedBy }: Wish,
    made: readonly string[] = [],
  ): Promise<AdmittedService> {
    const signers = await documentSigners(document);
    const all = vouchedBy === undefined ? signers : [...signers, vouchedBy];
    return this.admit(name, all.length === 0 ? made : all);
  }

  /** The same for what these keys signed. */
  admit(name: FunctionName, signed: readonly string[]): AdmittedService {
    const { policy, names } = this.#options;
    const ask = () => {
      const pinned = names.pinned(name);
      return { pinned, publisher: checkFunctionPublisher({ name, policy, signed, pinned, sign: SIGN }) };
    };
    return {
      publisher: ask().publisher,
      settle: () => {
        const { pinned, publisher } = ask();
        if (publisher === null || publisher === pinned) return () => {};
        names.pin(name, publisher);
        return () => void names.forget(name);
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
