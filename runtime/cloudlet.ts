import type {
  FunctionInfo,
  FunctionName,
  LogLine,
  Published,
  RecentInvocation,
  SandboxInfo,
  Status,
} from '../guest-sdk/protocol/index.ts';
import type { Catalogue } from './catalogue/index.ts';
import { ChangeFeed, type CloudletEvent } from './change-feed.ts';
import { openCatalogue, withStore } from './cloudlet-catalogue.ts';
import { type DeploymentDesk, openDeployments } from './cloudlet-deployments.ts';
import { openDistribution } from './cloudlet-distribution.ts';
import {
  type CloudletParts,
  closeParts,
  forgetFunction,
  openParts,
  publishParts,
  type StoredComponent,
} from './cloudlet-parts.ts';
import { openServices, type ServiceDesk } from './cloudlet-services.ts';
import { cloudletStatus } from './cloudlet-status.ts';
import { openVersions } from './cloudlet-versions.ts';
import type { Distribution } from './distribution/index.ts';
import type { FunctionCalls } from './function/function-calls.ts';
import type { LogReadOptions } from './function/function-log.ts';
import type { FunctionLogs } from './function/function-logs.ts';
import type { FunctionVersions } from './function/function-versions.ts';
import { Functions } from './function/functions.ts';
import { mappedLines } from './function/mapped-lines.ts';
import { Publishers } from './function/publishers.ts';
import type { Retention } from './function/retention.ts';
import { parseSecret } from './function/secret-value.ts';
import { versionLog } from './function/version-log.ts';
import type { VersionTrials } from './function/version-trials.ts';
import type { CallOptions, CallResult, Invocation, InvocationRequest, InvokeOptions } from './invocation/invocation.ts';
import { Invocations } from './invocation/invocations.ts';
import type { CloudletOptions } from './options.ts';
import { poolObserver } from './pool-reports.ts';
import { type Deployments, type PublishOptions, publishComponent } from './provision/index.ts';
import { SandboxPool } from './sandbox/index.ts';
import { sandboxInfo } from './sandbox-info.ts';
import type { Services } from './service/index.ts';
import { rollbackTarget } from './store/index.ts';
import { WorkInProgress } from './work-in-progress.ts';

/** One cloudlet: what it stores, what it runs and what it reports. Open one for each data directory and close it at the end. */
export class Cloudlet {
  /** `cl-<8 hex of the key>`: the identity on the network. */
  readonly id: string;
  /** The owner's token: who has it may do everything. Never log it. */
  readonly ownerToken: string;
  /** SHA-256 of the cloudlet's public key, base64url: what devices pin. */
  readonly fingerprint: string;
  /** What is offered to devices. */
  readonly catalogue: { readonly [K in keyof Catalogue]: Catalogue[K] };
  /** Acts of provisioning: what is wanted comes here by the cheapest way. */
  readonly deployments: DeploymentDesk;
  /** Native servers by name, and their VMs. */
  readonly services: ServiceDesk;
  /** Whose the names of functions are. */
  readonly publishers: { readonly [K in keyof Publishers]: Publishers[K] };
  /** The functions as an OCI registry. */
  readonly distribution: { readonly [K in keyof Distribution]: Distribution[K] };
  /** Versions of functions, and how calls are shared out among them. */
  readonly versions: FunctionVersions;

  readonly #parts: CloudletParts;
  readonly #feed: ChangeFeed;
  readonly #logs: FunctionLogs;
  readonly #pool: SandboxPool;
  readonly #functions: Functions;
  readonly #trials: VersionTrials;
  readonly #invocations: Invocations;
  readonly #calls: FunctionCalls;
  readonly #retention: Retention;
  readonly #deployments: Deployments;
  readonly #services: Services;
  /** Publishes and warm-ups. */
  readonly #work = new WorkInProgress();
  readonly #openedAt = performance.now();
  #closed: Promise<void> | undefined;

  private constructor(parts: CloudletParts) {
    this.#parts = parts;
    const { data, logs, observer, limits, policy, source } = parts;
    this.id = data.identity.id;
    this.ownerToken = data.identity.ownerToken;
    this.fingerprint = data.identity.fingerprint;
    this.#feed = new ChangeFeed((error) => observer.warning?.(`a listener failed: ${String(error)}`));
    this.#logs = logs;
    const log = versionLog(logs, data);
    this.#pool = new SandboxPool({
      source,
      ...limits.pool,
      machines: limits.machines,
      observer: poolObserver(observer, this.#feed, log, this.#work.signal),
    });
    this.#services = openServices(parts, this.#feed);
    this.services = this.#services;
    this.publishers = new Publishers(data, policy.functions.publishers);
    const { publishers } = this;
    this.#functions = new Functions({ ...parts, publishers, pool: this.#pool });
    const registered = (published: Published) => this.#registered(published);
    this.#deployments = openDeployments({
      ...{ parts, functions: this.#functions, pool: this.#pool, services: this.#services, feed: this.#feed },
      ...{ registered, publish: (name, body, options) => this.publish(name, body, options) },
      ...{ changed: (name) => void this.#changed(name), remove: (name) => this.remove(name) },
    });
    this.distribution = openDistribution(parts, {
      ...{ feed: this.#feed, work: this.#work, publishers, registered },
      remove: (name, version) => this.versions.remove(name, version),
    });
    this.catalogue = openCatalogue(parts, this.#feed, this, this.#deployments);
    this.deployments = withStore(parts, this, this.#deployments, this.catalogue, this.#work.signal);
    this.#invocations = new Invocations({
      pool: this.#pool,
      feed: this.#feed,
      observer,
      bodyBytes: limits.bodyBytes,
      recentInvocations: limits.recentInvocations,
      sample: parts.sample,
      log: ({ loaded }, line) => log(loaded.id, line),
    });
    const [pool, functions, invocations, work] = [this.#pool, this.#functions, this.#invocations, this.#work];
    const opened = openVersions(parts, {
      ...{ pool, functions, invocations, publishers, work },
      remove: (name) => this.remove(name),
      changed: (name) => this.#changed(name),
    });
    ({ versions: this.versions, calls: this.#calls, retention: this.#retention, trials: this.#trials } = opened);
  }

  /**
   * Opens the data directory and gets ready to run. `conflict` when another host has the directory, `sandbox-unavailable`
   * when sandboxes of the wanted kind cannot run here; nothing stays open then.
   */
  static async open(options: CloudletOptions): Promise<Cloudlet> {
    return new Cloudlet(await openParts(options));
  }

  /** Stores and checks a component and makes it the current version of `name`. The same component again does nothing. */
  async publish(name: FunctionName, body: AsyncIterable<Uint8Array>, options: PublishOptions = {}): Promise<Published> {
    const { whenLoaded = false, signal } = options;
    const parts = publishParts(this.#parts, this.#trials);
    const publish = (signal: AbortSignal) => publishComponent(parts, name, body, { ...options, signal });
    const published = await this.#work.do(publish, signal);
    this.#registered(published);
    if (whenLoaded && !published.created) await this.#trials.check(name, published.version, signal);
    return published;
  }

  /** All functions, by name. */
  functions(): Promise<FunctionInfo[]> {
    return this.#functions.list();
  }

  /** One function; `function-unknown` when there is none. */
  async function(name: FunctionName): Promise<FunctionInfo> {
    return this.#functions.info(name);
  }

  /**
   * Removes a function, its versions, its log and its sandboxes; `function-unknown` when there is none. Invocations that run
   * come to their end.
   */
  async remove(name: FunctionName): Promise<void> {
    const { data, compiler, observer } = this.#parts;
    const versions = this.#functions.versionIds(name);
    forgetFunction(this.#parts, name);
    for (const id of versions) this.#pool.drop(id);
    this.#logs.remove(name);
    this.#parts.uses.remove(name);
    for (const digest of await data.collectGarbage()) await compiler.forget(digest);
    observer.removed?.({ name });
    this.#feed.emit({ kind: 'functions' });
  }

  /** Sends all calls to an earlier version (default: the one before the current); versions keep their numbers. */
  async rollback(name: FunctionName, version?: number): Promise<FunctionInfo> {
    const { registry } = this.#parts.data;
    this.publishers.check(name, rollbackTarget(registry.get(name), version).digest);
    registry.rollback(name, version);
    this.#changed(name);
    return this.#functions.info(name);
  }

  /** The stored bytes of a version (default: the current one); `storage-corrupt` when they are not what they were. */
  component(name: FunctionName, version?: number): Promise<StoredComponent> {
    return this.#functions.open(name, version);
  }

  /** Runs a command or an http handler. Resolves when the answer begins: at the head of an http answer, at a command's first output or its end. */
  invoke(
    name: FunctionName,
    request: InvocationRequest,
    input: Uint8Array | AsyncIterable<Uint8Array>,
    options: InvokeOptions = {},
  ): Promise<Invocation> {
    return this.#calls.invoke(name, request, input, options);
  }

  /** Calls a typed export with plain data; wrong shapes are `argument-invalid` before any sandbox is asked. */
  call(name: FunctionName, target: string, args: unknown, options: CallOptions): Promise<CallResult> {
    return this.#calls.call(name, target, args, options);
  }

  /**
   * Sets a secret of a function, for the invocations that follow. `function-unknown`; `request-invalid` for a name or value
   * that cannot be one.
   */
  async setSecret(name: FunctionName, key: string, value: Uint8Array): Promise<void> {
    this.#parts.data.secrets.set(name, ...parseSecret(key, value));
    this.#secretsChanged(name);
  }

  /** Removes a secret; `secret-unknown` when it is not set. */
  async removeSecret(name: FunctionName, key: string): Promise<void> {
    this.#parts.data.secrets.remove(name, key);
    this.#secretsChanged(name);
  }

  /** The kept lines of a function's log, and with `follow` those to come; see `FunctionLog.read`. */
  logs(name: FunctionName, options: LogReadOptions = {}): AsyncIterable<LogLine> {
    return mappedLines(this.#logs.of(name).read(options), (version) => this.#functions.stackMap(name, version));
  }

  /** Running and lately finished invocations, newest first. */
  recent(): RecentInvocation[] {
    return this.#invocations.recent();
  }

  /** One of them; `not-found` when there is none of this id, or it ended long ago. */
  invocation(id: string): RecentInvocation {
    return this.#invocations.find(id);
  }

  /** Sandboxes that exist now. */
  sandboxes(): SandboxInfo[] {
    return this.#pool.sandboxes().map(sandboxInfo);
  }

  /** What this cloudlet is, may and does. */
  async status(): Promise<Status> {
    const { name = this.id, limits, source, data, stores } = this.#parts;
    return cloudletStatus({
      ...{ id: this.id, name, limits, source, pool: this.#pool, registry: data.registry, stores },
      services: this.#services.status(),
      mechanisms: await this.#parts.mechanisms.names(),
      uptimeS: (performance.now() - this.#openedAt) / 1000,
    });
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: (event: CloudletEvent) => void): () => void {
    return this.#feed.subscribe(listener);
  }

  /** Takes no more work, ends publishes, logs and sandboxes, lets go of the data directory. Idempotent; resolves when all of it is gone. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#work.abort();
    await this.catalogue.close();
    await this.distribution.close();
    await this.#deployments.close();
    // Together: a sandbox that is being started may wait for what its source still makes, and who warms up waits for the sandbox.
    const ends = [this.#pool, this.#parts.source, this.#services, this.#parts.vms.blanks].map((each) => each?.close());
    await Promise.all([...ends, this.#work.settled()]);
    await closeParts(this.#parts);
  }

  #secretsChanged(name: FunctionName): void {
    for (const id of this.#functions.versionIds(name)) this.#pool.grantAnew(id);
    this.#feed.emit({ kind: 'functions' });
  }

  #registered(published: Published): void {
    this.#parts.observer.published?.(published);
    if (published.created) this.#changed(published.name as FunctionName);
  }

  /** The current version may be another: tell, and start a sandbox for it before anybody asks. */
  #changed(name: FunctionName): void {
    this.#feed.emit({ kind: 'functions' });
    this.#retention.sweep(name);
    const warming = this.#functions.current(name).then((version) => this.#pool.prewarm(version.loaded));
    // It is already gone, or the cloudlet closes: then there is nothing to start.
    this.#work.track(warming).catch(() => {});
  }
}
