import { CloudletError, type Digest, type RegistryAccess } from '../../protocol/index.ts';
import type { TransportResponse } from '../transport.ts';

/** Longest blob that goes in one request: shorter ones are sent again sooner than asked about. */
const WHOLE_BYTES = 1024 * 1024;
/** How much of a longer one goes in one request: proxies in front of registries bound bodies. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** How long is waited when an upload breaks off, each time that it came no further, milliseconds; then it is given up. */
const PATIENCE_MS: readonly number[] = [250, 500, 1000, 2000, 4000];
/** What a registry says that takes blobs in one piece only. */
const WHOLE_ONLY: readonly number[] = [400, 404, 405, 415, 501];
/** Longest answer to what is uploaded, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Where unfinished uploads are remembered from one push to the next. */
export interface UploadMemory {
  /** The address of an unfinished upload; undefined when there is none. */
  readonly find: (key: string) => Promise<string | undefined>;
  /** Remembers an address; undefined: the upload has ended. */
  readonly set: (key: string, address: string | undefined) => Promise<void>;
}

/** A blob that a registry may have. */
export interface UploadedBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** Told how much of it the registry has. */
  readonly onBytes?: (done: number) => void;
  readonly memory?: UploadMemory | undefined;
}

/**
 * Sends a blob that is not there; says whether it was sent. A long one goes in parts, and one that breaks off goes on where the registry says that it is; a
 * registry that cannot go on, or takes no parts, gets it from its beginning. `network-unavailable` when it comes no further.
 */
export async function uploadBlob(access: RegistryAccess, blob: UploadedBlob): Promise<boolean> {
  if (await isThere(access, blob.digest)) return false;
  const upload = new Upload(access, blob);
  for (let tries = 0; ; tries += 1) {
    const before = upload.best;
    try {
      await upload.run();
      return true;
    } catch (error) {
      access.signal?.throwIfAborted();
      // What is no error of ours is the platform's way to say that a connection broke.
      const isBreak = !(error instanceof CloudletError) || error.code === 'network-unavailable';
      if (!isBreak || !upload.isBegun) throw error;
      if (upload.best > before) tries = -1;
      else if (tries >= PATIENCE_MS.length) throw error;
      await access.wait(PATIENCE_MS[Math.max(0, tries)]!, access.signal);
      // The end of it may have come through while its answer did not.
      if (await isThere(access, blob.digest).catch(() => false)) return true;
    }
  }
}

/** One blob on its way. */
class Upload {
  readonly #access: RegistryAccess;
  readonly #blob: UploadedBlob;
  readonly #key: string;
  /** Where the registry takes more of it; undefined before it begins. */
  #at: string | undefined;
  /** Whether it is not known how far the registry is. */
  #isBroken = false;
  #isWhole: boolean;
  #done = 0;
  /** The most of it that the registry ever had. */
  best = 0;

  constructor(access: RegistryAccess, blob: UploadedBlob) {
    this.#access = access;
    this.#blob = blob;
    this.#key = access.url(`blobs/${blob.digest}`);
    this.#isWhole = blob.bytes.length <= WHOLE_BYTES;
  }

  /** Whether the registry has answered: an address at which nobody does is a mistake rather than a break. */
  get isBegun(): boolean {
    return this.#at !== undefined;
  }

  /** Sends what the registry has not. */
  async run(): Promise<void> {
    if (this.#at === undefined && !this.#isWhole) await this.#remembered();
    if (this.#isBroken) await this.#locate();
    if (this.#at === undefined) await this.#begin();
    this.#isBroken = true;
    const { bytes } = this.#blob;
    while (!this.#isWhole && this.#done < bytes.length) await this.#sendPart();
    await this.#end(this.#isWhole ? bytes : new Uint8Array(0));
    await this.#remember(undefined);
  }

  async #begin(): Promise<void> {
    const headers = { 'content-length': '0' };
    const begun = await this.#asked({ method: 'POST', path: 'blobs/uploads/', headers }, [202]);
    this.#moved(begun);
    if (this.#at === undefined)
      throw new CloudletError('network-unavailable', 'the registry: expected an address to upload to, got none');
    this.#reached(0);
    if (!this.#isWhole) await this.#remember(this.#at);
  }

  async #sendPart(): Promise<void> {
    const { bytes } = this.#blob;
    const start = this.#done;
    const part = bytes.subarray(start, start + CHUNK_BYTES);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(part.length),
      'content-range': `${start}-${start + part.length - 1}`,
    };
    const statuses = start === 0 ? [202, ...WHOLE_ONLY] : [202];
    const answer = await this.#asked({ method: 'PATCH', path: this.#at!, headers, body: part }, statuses);
    if (answer.status !== 202) {
      this.#isWhole = true;
      await this.#begin();
      return;
    }
    this.#moved(answer);
    await this.#remember(this.#at);
    this.#reached(start + part.length);
  }

  async #end(rest: Uint8Array): Promise<void> {
    const url = new URL(this.#access.url(this.#at!));
    url.searchParams.set('digest', this.#blob.digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(rest.length) };
    await this.#asked({ method: 'PUT', path: url.href, headers, body: rest }, [201]);
    this.#reached(this.#blob.bytes.length);
  }

  /** Asks how far the registry is; when it does not say, the blob begins anew. */
  async #locate(): Promise<void> {
    this.#isBroken = false;
    const answer = this.#isWhole ? null : await this.#asked({ path: this.#at! }, [204, 200, 400, 404, 405, 416]);
    const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer?.header('range') ?? '')?.[1];
    // Of nothing registries say `0-0`, as of one byte.
    if (answer === null || answer.status > 204 || last === undefined || last === '0') {
      this.#at = undefined;
      return;
    }
    this.#moved(answer);
    this.#reached(Math.min(Number(last) + 1, this.#blob.bytes.length));
  }

  async #remembered(): Promise<void> {
    const address = await this.#blob.memory?.find(this.#key);
    if (address === undefined) return;
    this.#at = address;
    await this.#locate();
  }

  #remember(address: string | undefined): Promise<void> {
    return this.#blob.memory?.set(this.#key, address) ?? Promise.resolve();
  }

  #moved(answer: TransportResponse): void {
    const at = answer.header('location');
    if (at !== null) this.#at = this.#access.url(at);
  }

  #reached(done: number): void {
    this.#done = done;
    this.best = Math.max(this.best, done);
    this.#blob.onBytes?.(done);
  }

  async #asked(request: Parameters<RegistryAccess['ask']>[0], statuses: readonly number[]): Promise<TransportResponse> {
    const answer = await this.#access.ask(request, statuses);
    await this.#access.read(answer, MAX_ANSWER_BYTES);
    return answer;
  }
}

async function isThere(access: RegistryAccess, digest: Digest): Promise<boolean> {
  const head = await access.ask({ method: 'HEAD', path: `blobs/${digest}` }, [200, 404]);
  await access.read(head, MAX_ANSWER_BYTES);
  return head.status === 200;
}
