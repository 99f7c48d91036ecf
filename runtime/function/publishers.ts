import {
  CloudletError,
  type Digest,
  type FunctionName,
  type FunctionPublisher,
  type PinnedPublisher,
  type PinnedPublisherList,
} from '../../guest-sdk/protocol/index.ts';
import type { FunctionPublishers } from '../grant/index.ts';
import { checkFunctionPublisher, isTrustedPublisher } from '../provision/index.ts';
import type { DataDir } from '../store/index.ts';

/** Whose the names of functions are, and who signed what. */
export class Publishers {
  readonly #data: DataDir;
  readonly #policy: FunctionPublishers;

  constructor(data: DataDir, policy: FunctionPublishers) {
    this.#data = data;
    this.#policy = policy;
  }

  /** What the policy asks for. */
  get policy(): PinnedPublisherList['policy'] {
    return typeof this.#policy === 'string' ? this.#policy : 'listed';
  }

  /** Names that belong to a key. */
  list(): PinnedPublisher[] {
    return this.#data.registry.publishers.list();
  }

  /** Makes a name a key's, in place of an earlier one's; `forbidden` for one that the policy does not list. */
  accept(name: FunctionName, fingerprint: string): void {
    if (typeof this.#policy !== 'string' && !this.#policy.includes(fingerprint))
      throw new CloudletError(
        'forbidden',
        `expected one of the ${this.#policy.length} keys that the policy of this cloudlet lists, got ${fingerprint}; add it to "functions.publishers" of its policy (--policy)`,
      );
    this.#data.registry.publishers.pin(name, fingerprint);
  }

  /** Makes a name nobody's: the next key that signs for it has it. `not-found` when it is nobody's. */
  forget(name: FunctionName): void {
    if (this.#data.registry.publishers.forget(name)) return;
    throw new CloudletError('not-found', `expected a name that belongs to a key, "${name}" belongs to none`);
  }

  /** Who signed a version of a function; null when nobody did. */
  of(name: FunctionName, digest: Digest): FunctionPublisher | null {
    const question = this.#question(name, digest);
    const { pinned, signed } = question;
    const fingerprint = pinned !== undefined && signed.includes(pinned) ? pinned : signed[0];
    return fingerprint === undefined ? null : { fingerprint, trusted: isTrustedPublisher(question) };
  }

  /** Refuses, with `signature-invalid`, to send calls to a version that would not be taken if it came now. */
  check(name: FunctionName, digest: Digest): void {
    checkFunctionPublisher(this.#question(name, digest));
  }

  /** A version has a signature that it had not: the name of one that calls go to, if nobody's, is the key's now, as had it come with the version. */
  signed(name: FunctionName, digest: Digest): void {
    const { publishers } = this.#data.registry;
    const question = this.#question(name, digest);
    if (question.pinned !== undefined || this.#data.registry.version(name).digest !== digest) return;
    if (!isTrustedPublisher(question)) return;
    const key = checkFunctionPublisher(question);
    if (key !== null) publishers.pin(name, key);
  }

  #question(name: FunctionName, digest: Digest) {
    const { publishers } = this.#data.registry;
    return { name, policy: this.#policy, signed: publishers.signers(digest), pinned: publishers.pinned(name) };
  }
}
