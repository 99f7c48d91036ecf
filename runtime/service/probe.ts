import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloudletError, type ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import type { Clock } from '../sandbox/clock.ts';
import { requestOver } from './over-connection.ts';

/** What is probed, and how. */
export interface ProbeOptions {
  readonly spec: Pick<ServiceSpec, 'port' | 'protocol' | 'probe' | 'readyMs'>;
  /** The way that callers take: its connections are made by the guest's own kernel. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Bytes of an answer that are looked through. */
const LOOKED_THROUGH_BYTES = 64 * 1024;
/** Pause after the first failure; grows to the second. */
const PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 500;
/** How long the first attempt may take; each later one twice as long. A server that hangs at first is asked again. */
const ATTEMPT_MS = 2_000;
/** How long a connection of a server that says nothing must stay open. One that is closed at once serves nobody. */
const STAYS_OPEN_MS = 100;

/**
 * Resolves when the server has served a request as it should, asked again and again until `readyMs` are over; then `not-ready` says
 * what it did instead. Rejects with the signal's reason when it aborts.
 */
export async function probeService(options: ProbeOptions): Promise<void> {
  const { spec, clock, signal } = options;
  const until = clock.now() + spec.readyMs;
  let attemptMs = ATTEMPT_MS;
  let pauseMs = PAUSE_MS;
  let told: string | null = null;
  for (;;) {
    const leftMs = Math.max(1, until - clock.now());
    const fault = await attempt(options, Math.min(attemptMs, leftMs));
    if (fault === null) return;
    // What it does when it has time says more than that the last attempt had none.
    if (told === null || leftMs >= attemptMs || !fault.isLate) told = fault.what;
    signal.throwIfAborted();
    if (until - clock.now() <= pauseMs) throw notReady(spec, told);
    await waited(clock, pauseMs, signal);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5);
    attemptMs *= 2;
  }
}

function notReady({ readyMs, port, probe }: ProbeOptions['spec'], fault: string): CloudletError {
  const wanted = probe.status === undefined ? '' : ` with status ${probe.status}`;
  return new CloudletError(
    'not-ready',
    `expected the server to answer its probe on port ${port}${wanted} within ${readyMs / 1000} s, but ${fault}; the log of the service has what it said`,
  );
}

/** What is wrong, as a clause, and whether that is only that the time was over. */
interface Fault {
  readonly what: string;
  readonly isLate: boolean;
}

/** One request, or connection; null when all is as it should be. */
async function attempt({ spec, connect, clock, signal }: ProbeOptions, ms: number): Promise<Fault | null> {
  const over = new AbortController();
  const give = (): void => over.abort();
  const cancel = clock.after(ms, give);
  signal.addEventListener('abort', give, { once: true });
  if (signal.aborted) give();
  let connection: Duplex | null = null;
  try {
    connection = await untilOver(connect(over.signal), over.signal);
    if (connection === null) return late(`it did not take a connection within ${Math.round(ms)} ms`);
    const open = connection;
    open.on('error', () => undefined);
    over.signal.addEventListener('abort', () => open.destroy(), { once: true });
    const fault = await (spec.protocol === 'http' ? askHttp(open, spec) : askTcp(open, spec, clock));
    if (fault === null) return null;
    if (!over.signal.aborted) return { what: fault, isLate: false };
    return late(`it took a connection and did not answer as it should within ${Math.round(ms)} ms`);
  } catch (error) {
    const { message } = error as Error;
    const isRefused = error instanceof CloudletError && error.code === 'not-ready';
    return { what: `${isRefused ? 'nothing listens there' : 'no connection came to be'} (${message})`, isLate: false };
  } finally {
    cancel();
    signal.removeEventListener('abort', give);
    connection?.destroy();
  }
}

function late(what: string): Fault {
  return { what, isLate: true };
}

/** One request, which is answered with the status and text that are expected. */
function askHttp(connection: Duplex, { probe, port }: ProbeOptions['spec']): Promise<string | null> {
  return new Promise((resolve) => {
    const headers = { host: `localhost:${port}`, 'user-agent': 'cloudlet-probe', accept: '*/*', connection: 'close' };
    const message = requestOver(connection, { method: 'GET', path: probe.path, headers });
    // After the head of an answer, what comes of it is for whoever judges it.
    let isAnswered = false;
    const fail = (fault: string): void => void (isAnswered || resolve(fault));
    message.on('response', (response) => {
      isAnswered = true;
      void judge(response, probe).then(resolve);
    });
    message.on('upgrade', (_, socket) => {
      socket.destroy();
      fail('it changed the protocol instead of answering');
    });
    message.on('error', (error: NodeJS.ErrnoException) => {
      const what = error.code?.startsWith('HPE_') ? 'what it sent is no HTTP' : 'it closed the connection unanswered';
      fail(`${what} (${error.code ?? error.message})`);
    });
    message.on('close', () => fail('it closed the connection unanswered'));
    message.end();
  });
}

async function judge(response: IncomingMessage, probe: ServiceSpec['probe']): Promise<string | null> {
  const { statusCode: status = 0 } = response;
  response.on('error', () => undefined);
  if (probe.status === undefined ? status >= 500 : status !== probe.status) return `it answered with status ${status}`;
  return probe.text === undefined ? null : contains(response, probe.text);
}

/** Takes a connection that stays open, or says what is expected. */
function askTcp(connection: Duplex, { probe }: ProbeOptions['spec'], clock: Clock): Promise<string | null> {
  if (probe.text !== undefined) return contains(connection, probe.text);
  return new Promise((resolve) => {
    const cancel = clock.after(STAYS_OPEN_MS, () => resolve(null));
    const settle = (fault: string | null) => (): void => {
      cancel();
      resolve(fault);
    };
    connection.once('data', settle(null));
    connection.once('end', settle('it took a connection and closed it'));
    connection.once('close', settle('it took a connection and closed it'));
  });
}

async function contains(stream: AsyncIterable<Uint8Array>, text: string): Promise<string | null> {
  const wanted = Buffer.from(text);
  let seen = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      seen = Buffer.concat([seen, chunk]).subarray(0, LOOKED_THROUGH_BYTES);
      if (seen.includes(wanted)) return null;
      if (seen.length === LOOKED_THROUGH_BYTES) break;
    }
  } catch {
    return 'its answer broke off';
  }
  return `its answer does not contain ${JSON.stringify(text.slice(0, 80))}`;
}

/** What a promise comes to, or null when the signal aborts before; a connection that comes later is closed. */
async function untilOver(promise: Promise<Duplex>, over: AbortSignal): Promise<Duplex | null> {
  const { promise: ended, resolve } = Promise.withResolvers<null>();
  const end = (): void => resolve(null);
  over.addEventListener('abort', end, { once: true });
  if (over.aborted) end();
  promise.then(
    (connection) => {
      if (over.aborted) connection.destroy();
    },
    () => undefined,
  );
  try {
    return await Promise.race([promise, ended]);
  } catch (error) {
    if (over.aborted) return null;
    throw error;
  } finally {
    over.removeEventListener('abort', end);
  }
}

/** Resolves after a time; rejects with the signal's reason when that fires before. */
export function waited(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
