import { CloudletError } from '../guest-sdk/protocol/index.ts';
import { Cloudlet, type CloudletLimits, type ServiceWorld, takeShortTurns, VERSION } from '../runtime/index.ts';
import { createApp } from './app.ts';
import { collectYoungAlone } from './collector.ts';
import { type HostConfig, isLoopback } from './config.ts';
import { dashboard } from './dashboard/index.ts';
import { type Advertising, advertise } from './discovery/index.ts';
import { type Invitation, invitationText, invite } from './invitation.ts';
import { createJournal, type Journal, journalObserver } from './journal.ts';
import { limitsOf } from './limits.ts';
import { type Listener, listen } from './listener.ts';
import { createMetrics } from './metrics.ts';
import { observers } from './observers.ts';
import { readPolicy } from './policy-file.ts';
import { problemResponse } from './problem.ts';
import { directDoor } from './routes/direct-door.ts';
import type { Tracing } from './tracing/tracing.ts';
import { createTrust, ownerTokenPath, ownNames } from './trust/index.ts';

/** How long running invocations may go on after a host was told to stop. */
const DRAIN_MS = 30_000;

/** How long a host that stops may take to send its last spans. */
const FLUSH_MS = 1_000;

/** Details of a host that are not configuration; each has a real default. */
export interface ServeOptions {
  readonly journal?: Journal;
  /** Where the address is shown. */
  readonly say?: (text: string) => void;
  /** Whether `say` reaches a person; decides whether the link with the token is shown. */
  readonly terminal?: boolean;
  /** Whether SIGINT and SIGTERM stop the host. A second signal ends the process at once. */
  readonly handleSignals?: boolean;
  /** Whether the networks that can reach the host are told of it by multicast DNS. */
  readonly advertise?: boolean;
  readonly limits?: Partial<CloudletLimits>;
  /** What services are made of. */
  readonly serviceWorld?: Partial<ServiceWorld>;
  readonly drainMs?: number;
  /** Keeps an empty process ready for the next version, where sandboxes are processes. */
  readonly spare?: boolean;
  /** Whether a translator waits for the next component; default true. */
  readonly translatorAhead?: boolean;
}

/** A running host. */
export interface Serving {
  /** Best address, without secret: `http://localhost:8080`. */
  readonly url: string;
  readonly port: number;
  readonly invitation: Invitation;
  readonly cloudlet: Cloudlet;
  /** Refuses new work, lets running work end within a bound, closes everything. Idempotent. */
  readonly close: () => Promise<void>;
  /** Settles when the host has closed, for whatever reason. */
  readonly closed: Promise<void>;
}

/**
 * Runs a host: takes the port, opens the cloudlet, serves. While the cloudlet opens, `healthz` says yes and all else 503.
 * Throws a `CloudletError` whose message is one sentence for the person who typed the command; nothing is left behind then.
 */
export async function serve(config: HostConfig, options: ServeOptions = {}): Promise<Serving> {
  const journal = options.journal ?? createJournal();
  const limits = limitsOf(config, options.limits);
  const draining = new AbortController();
  const turns = takeShortTurns();
  collectYoungAlone();
  const stopListening = options.handleSignals === false ? () => {} : onSignal(() => draining.abort());

  // The port comes first: it is the quickest thing to fail, and answers health checks while the rest opens.
  let listener: Listener | undefined;
  let cloudlet: Cloudlet | undefined;
  let tracing: Tracing | null = null;
  let advertising: Advertising | null;
  try {
    const policy = await readPolicy(config.policyFile);
    listener = await listen(config.bind, config.port, starting);
    tracing = await tracingOf(config, journal, () => cloudlet);
    const metrics = createMetrics({
      traffic: listener.traffic,
      ...(tracing === null ? {} : { spans: tracing.counts }),
    });
    cloudlet = await Cloudlet.open({
      dataDir: config.dataDir,
      cacheDir: config.cacheDir,
      sandbox: config.sandbox,
      accel: config.accel,
      isolation: config.isolation,
      bind: config.bind,
      ...(options.serviceWorld === undefined ? {} : { serviceWorld: options.serviceWorld }),
      ...(config.name === undefined ? {} : { name: config.name }),
      ...(options.spare === undefined ? {} : { spare: options.spare }),
      blankVm: true,
      translatorAhead: options.translatorAhead ?? true,
      limits,
      policy,
      observer: observers(journalObserver(journal), metrics.observer, ...(tracing === null ? [] : [tracing.observer])),
      ...(tracing === null ? {} : { sample: tracing.sample }),
      signal: draining.signal,
    });
    const names = ownNames({ bind: config.bind, id: cloudlet.id, allowHosts: config.allowHosts });
    const anonymousPull = policy?.functions?.anonymousPull === true;
    const trust = createTrust({ id: cloudlet.id, ownerToken: cloudlet.ownerToken, names, anonymousPull });
    const parts = { cloudlet, limits, trust, journal, metrics, draining: draining.signal };
    const { port } = listener;
    const addresses = () => (isLoopback(config.bind) ? [] : invite(config.bind, port, '').addresses);
    const app = createApp(parts, dashboard({ cloudlet, addresses }));
    listener.use((request, connection) => app.fetch(request, connection), directDoor(parts));
    await turns;
    advertising = options.advertise === false ? null : await announce(cloudlet, config, listener.port, journal);
  } catch (error) {
    stopListening();
    await listener?.close(0);
    await cloudlet?.close();
    throw error;
  }
  const serving = running({
    advertising,
    listener,
    cloudlet,
    tracing,
    config,
    journal,
    draining,
    stopListening,
    drainMs: options.drainMs ?? DRAIN_MS,
  });
  const terminal = options.terminal ?? process.stdout.isTTY === true;
  const say = options.say ?? ((text) => process.stdout.write(text));
  say(invitationText(serving.invitation, terminal, `the owner's token is in ${ownerTokenPath(config.dataDir)}`));
  journal.info('serving', {
    address: serving.url,
    id: cloudlet.id,
    sandbox: config.sandbox,
    network: serving.invitation.network,
    spans: config.tracing === null ? undefined : new URL(config.tracing.url).origin,
  });
  return serving;
}

/** Spans for the collector that the environment names; without one, nothing of it is loaded. */
async function tracingOf(
  { tracing }: HostConfig,
  journal: Journal,
  cloudlet: () => Cloudlet | undefined,
): Promise<Tracing | null> {
  if (tracing === null) return null;
  const { openTracing } = await import('./tracing/tracing.ts');
  return openTracing(tracing, () => ({ version: VERSION, id: cloudlet()?.id ?? '' }), journal);
}

/** Tells the network what anybody may know: the facts of `GET /v1/advertisement`. */
async function announce(cloudlet: Cloudlet, config: HostConfig, port: number, journal: Journal): Promise<Advertising> {
  const { id, name, version } = await cloudlet.status();
  const facts = { id, version, path: '/v1', publicKey: cloudlet.fingerprint, tls: false, auth: 'token' };
  const onTrouble = (sentence: string): void => journal.warn('not to be discovered', { detail: sentence });
  return advertise({ facts, name, port, bind: config.bind, onTrouble });
}

interface Running {
  readonly advertising: Advertising | null;
  readonly listener: Listener;
  readonly cloudlet: Cloudlet;
  readonly tracing: Tracing | null;
  readonly config: HostConfig;
  readonly journal: Journal;
  readonly draining: AbortController;
  readonly stopListening: () => void;
  readonly drainMs: number;
}

function running({
  advertising,
  listener,
  cloudlet,
  tracing,
  config,
  journal,
  draining,
  stopListening,
  drainMs,
}: Running): Serving {
  const invitation = invite(config.bind, listener.port, cloudlet.ownerToken);
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  closed.catch(() => {
    // Whoever awaits `close()` or `closed` is told; nobody has to.
  });
  const shutDown = async (): Promise<void> => {
    journal.info('stopping');
    await advertising?.close();
    await listener.close(drainMs);
    await cloudlet.close();
    await tracing?.close(FLUSH_MS);
    stopListening();
    journal.info('stopped');
  };
  // An aborted signal does not fire again: a host that was told to stop while it opened stops right away.
  const begin = (): void => void shutDown().then(resolve, reject);
  if (draining.signal.aborted) begin();
  else draining.signal.addEventListener('abort', begin, { once: true });
  return {
    url: invitation.addresses[0]!,
    port: listener.port,
    invitation,
    cloudlet,
    closed,
    close: () => {
      draining.abort();
      return closed;
    },
  };
}

/** What is answered until the cloudlet is open. */
function starting(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname === '/healthz') return new Response('ok\n');
  return problemResponse(
    new CloudletError('starting', 'the cloudlet is starting; try again in a moment', { retryAfterS: 1 }),
    pathname,
  );
}

function onSignal(stop: () => void): () => void {
  let told = false;
  const listener = (): void => {
    if (told) process.exit(1);
    told = true;
    stop();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
