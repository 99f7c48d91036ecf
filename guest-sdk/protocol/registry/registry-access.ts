import * as v from 'valibot';
import { CloudletError } from '../errors.ts';
import {
  type BodySource,
  readWhole,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../transport.ts';
import { encodeBase64 } from '../value/index.ts';
import { type Wait, waited } from '../waited.ts';
import { parseChallenge } from './challenge.ts';
import { addressFault } from './registry-address.ts';
import { impatient } from './registry-patience.ts';
import { type RegistryReference, registryOrigin } from './registry-reference.ts';

/** How a registry is asked. */
export interface RegistryOptions {
  readonly transport: Transport;
  /** `user:password`, sent to the registry and the token service that it names, and to nobody else. */
  readonly credentials?: string | undefined;
  /** Plain HTTP, for a registry that is not on this machine. */
  readonly insecure?: boolean | undefined;
  /** How long it may be silent, milliseconds; a minute when left out. */
  readonly idleMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether what the transport says of a server that cannot be reached is the whole sentence. */
  readonly isTransportExplicit?: boolean | undefined;
  /** How is waited before a transfer that broke off goes on; the real time when left out. */
  readonly wait?: Wait | undefined;
}

/** How long a registry may be silent, milliseconds: one that stops in the middle would be waited for without an end. */
const IDLE_MS = 60_000;

/** A request to a registry. */
export interface RegistryRequest {
  readonly method?: string;
  /** Below the repository (`manifests/latest`), or an address that the registry itself gave. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodySource | undefined;
}

const MAX_REDIRECTS = 5;
/** Longest answer of a token service, and text of an error, bytes. */
const MAX_TOKEN_BYTES = 64 * 1024;

const Token = v.union([v.object({ token: v.string() }), v.object({ access_token: v.string() })]);
const Errors = v.object({ errors: v.array(v.object({ code: v.string(), message: v.optional(v.string()) })) });

/** A repository of a registry, asked with what the registry wants as proof, along its redirects. */
export class RegistryAccess {
  readonly #options: RegistryOptions;
  readonly #origin: string;
  readonly #repository: string;
  readonly #scope: 'pull' | 'pull,push';
  #authorization: string | undefined;

  constructor(reference: RegistryReference, options: RegistryOptions, scope: 'pull' | 'pull,push') {
    this.#options = options;
    this.#origin = registryOrigin(reference, options.insecure === true);
    this.#repository = reference.repository;
    this.#scope = scope;
  }

  /** Ends what is asked. */
  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  get wait(): Wait {
    return this.#options.wait ?? waited;
  }

  /** Asks; any of the statuses is an answer, others are `CloudletError`s with what the registry says. */
  async ask(request: RegistryRequest, statuses: readonly number[]): Promise<TransportResponse> {
    const url = this.url(request.path);
    let response = await this.#follow(url, request);
    if (response.status === 401 && (await this.#authorize(response))) response = await this.#follow(url, request);
    if (statuses.includes(response.status)) return response;
    throw await refusal(response, url);
  }

  /** Reads an answer whose length is known. */
  async read(response: TransportResponse, maxBytes: number): Promise<Uint8Array> {
    return await readWhole(response.body, maxBytes);
  }

  /** The whole address of a path below the repository, or of one that the registry gave. */
  url(path: string): string {
    const base = `${this.#origin}/v2/${this.#repository}/`;
    return this.#checked(path, /^(https?:)?\//.test(path) ? this.#origin : base).href;
  }

  async #follow(start: string, { method = 'GET', headers, body }: RegistryRequest): Promise<TransportResponse> {
    let url = new URL(start);
    for (let left = MAX_REDIRECTS; ; left -= 1) {
      const isOwn = url.origin === this.#origin;
      const proof: Record<string, string> =
        isOwn && this.#authorization !== undefined ? { authorization: this.#authorization } : {};
      const response = await this.#send({ method, url: url.href, headers: { ...headers, ...proof }, body });
      const location = response.header('location');
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && (method === 'GET' || method === 'HEAD');
      if (!isRedirect || location === null) return response;
      await readWhole(response.body, MAX_TOKEN_BYTES);
      if (left === 0) throw unavailable(this.#origin, `at most ${MAX_REDIRECTS} redirects, got more`);
      url = this.#checked(location, url.href);
    }
  }

  #send(request: TransportRequest): Promise<TransportResponse> {
    const { signal, idleMs = IDLE_MS } = this.#options;
    return impatient((each) => this.#ask(each), { ...request, signal }, idleMs);
  }

  async #ask(request: TransportRequest): Promise<TransportResponse> {
    const { transport, signal } = this.#options;
    try {
      return await transport(request);
    } catch (error) {
      signal?.throwIfAborted();
      const isUnreached = error instanceof CloudletError && error.code === 'network-unavailable';
      if (!isUnreached || this.#options.isTransportExplicit === true) throw error;
      const plain = request.url.startsWith('https:') ? '; --insecure asks it by plain HTTP' : '';
      throw unavailable(
        new URL(request.url).origin,
        `a registry that answers, got none: check the address${plain}`,
        error,
      );
    }
  }

  /** An address that the registry gave, where it is one that it may send us to. */
  #checked(text: string, base: string, isShownCredentials = false): URL {
    const asked = { origin: this.#origin, insecure: this.#options.insecure === true, isShownCredentials };
    const fault = addressFault(text, base, asked);
    if (fault !== null) throw unavailable(this.#origin, fault);
    return new URL(text, base);
  }

  /** Gets the proof that a registry asks for; false when there is nothing more to give. */
  async #authorize(response: TransportResponse): Promise<boolean> {
    const challenge = parseChallenge(response.header('www-authenticate') ?? '');
    const { credentials } = this.#options;
    const basic =
      credentials === undefined ? undefined : `Basic ${encodeBase64(new TextEncoder().encode(credentials))}`;
    if (challenge === null || this.#authorization !== undefined) return false;
    await readWhole(response.body, MAX_TOKEN_BYTES);
    if (challenge.kind === 'basic') {
      this.#authorization = basic;
      return basic !== undefined;
    }
    const realm = this.#checked(challenge.realm, this.#origin, basic !== undefined);
    if (challenge.service !== undefined) realm.searchParams.set('service', challenge.service);
    realm.searchParams.set('scope', `repository:${this.#repository}:${this.#scope}`);
    const headers: Record<string, string> = basic === undefined ? {} : { authorization: basic };
    const answer = await this.#send({ method: 'GET', url: realm.href, headers });
    if (answer.status !== 200) throw await refusal(answer, realm.href);
    const text = new TextDecoder().decode(await readWhole(answer.body, MAX_TOKEN_BYTES));
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Token), text);
    if (!parsed.success) throw unavailable(realm.origin, 'a token of the token service, got none');
    this.#authorization = `Bearer ${'token' in parsed.output ? parsed.output.token : parsed.output.access_token}`;
    return true;
  }
}

/** What a registry's refusal means. */
async function refusal(response: TransportResponse, address: string): Promise<CloudletError> {
  const url = new URL(address);
  const body = await readWhole(response.body, MAX_TOKEN_BYTES).catch(() => new Uint8Array(0));
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Errors), new TextDecoder().decode(body));
  const [first] = parsed.success ? parsed.output.errors : [];
  const said = first === undefined ? '' : `: ${first.code}${first.message === undefined ? '' : `, ${first.message}`}`;
  const where = `${url.origin}${url.pathname}`;
  if (response.status === 401)
    return new CloudletError(
      'forbidden',
      `${where} asks for credentials, or others than were given${said}; give them as user:password (--user, or CLOUDLET_REGISTRY_AUTH)`,
    );
  if (response.status === 403) return new CloudletError('forbidden', `${where} refuses${said}`);
  if (response.status === 409) return new CloudletError('conflict', `${where} refuses${said}`);
  if (response.status === 404) return new CloudletError('not-found', `${where} is not there${said}`);
  return unavailable(where, `another answer than ${response.status}${said}`);
}

function unavailable(where: string, expected: string, cause?: unknown): CloudletError {
  return new CloudletError('network-unavailable', `${where}: expected ${expected}`, { cause });
}
