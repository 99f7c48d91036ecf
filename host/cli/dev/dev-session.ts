import { type DevelopEvent, develop, readProject } from '../../../guest-sdk/build/index.ts';
import { asCloudletError, type FunctionInfo, type FunctionName, parseName } from '../../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../config.ts';
import { Interrupted } from '../interruption.ts';
import { waysToInvoke } from '../invoke/plan.ts';
import { typed, UsageError } from '../usage-error.ts';
import { type DevHost, type DevHostFlags, openDevHost } from './dev-host.ts';
import { DevView } from './dev-view.ts';
import { checkPort, type Front, openFront } from './front.ts';
import { FunctionLines } from './function-lines.ts';
import { type DevKey, takeKeys } from './keys.ts';

/** Flags of `dev`. */
export interface DevFlags extends DevHostFlags {
  readonly name?: string;
  readonly port?: string;
}

/** Port of a function's address when none is given and nobody has it. */
const PORT = 8787;

/** Serves a project until `interruption` fires, which is its ordinary end. */
export async function runDev(folder: string, flags: DevFlags, interruption: AbortSignal): Promise<void> {
  const port = parsePort(flags.port);
  const project = await readProject(folder);
  const name = typed(() => parseName(flags.name ?? project.name));
  const view = new DevView((line) => console.log(line), folder);
  const quit = new AbortController();
  const signal = AbortSignal.any([interruption, quit.signal]);
  // Before anything is built: whoever names a port means that one.
  if (port !== null) await checkPort(port);
  const host = await openDevHost(flags);
  const session = new DevSession(host, name, view, port, signal);
  const again = pressesOf(signal);
  const leave = takeKeys(process.stdin, (key: DevKey) => {
    if (key === 'quit') quit.abort(new Interrupted('SIGINT'));
    else if (key === 'clear') process.stdout.write('\x1b[2J\x1b[H');
    else again.press();
  });
  try {
    const { cacheDir: cache } = typed(() => hostConfig({}));
    view.note(`${name}: building …`);
    await develop(folder, {
      ...{ cache, signal, again },
      publish: (build) => host.publish(name, build, signal),
      onEvent: (event) => session.take(event),
    });
  } finally {
    leave();
    await session.close();
    await host.close();
  }
}

/** What goes on around the builds: the address, the log, what is said once. */
class DevSession {
  readonly #host: DevHost;
  readonly #name: FunctionName;
  readonly #view: DevView;
  readonly #port: number | null;
  readonly #signal: AbortSignal;
  readonly #lines = new FunctionLines();
  #begun: Promise<void> | null = null;
  #front: Front | null = null;

  constructor(host: DevHost, name: FunctionName, view: DevView, port: number | null, signal: AbortSignal) {
    this.#host = host;
    this.#name = name;
    this.#view = view;
    this.#port = port;
    this.#signal = signal;
  }

  take(event: DevelopEvent): void {
    this.#view.event(event);
    if (event.kind !== 'served' || this.#begun !== null) return;
    this.#begun = this.#begin().catch((error: unknown) => {
      if (!this.#signal.aborted) this.#view.note(asCloudletError(error).message);
    });
  }

  async close(): Promise<void> {
    await this.#begun;
    await this.#front?.close();
  }

  async #begin(): Promise<void> {
    const { client, url, dataDir, sandbox } = this.#host;
    const info = await client.function(this.#name, this.#signal);
    void this.#lines
      .follow(client, this.#name, (line) => this.#view.log(line), this.#signal)
      .catch((error: unknown) => this.#view.note(`its log cannot be read any more: ${asCloudletError(error).message}`));
    const access = dataDir === null ? `--to ${url}` : `--to ${url} --data ${dataDir}`;
    this.#front = info.doors.includes('http') ? await this.#open() : null;
    const isolation = sandbox === 'process' ? 'a process, without isolation' : 'a microVM';
    this.#view.note(`${this.#name} is served${this.#front === null ? '' : ` at ${this.#front.url}/`}, in ${isolation}`);
    for (const way of waysToInvoke(info)) this.#view.note(`invoke it: ${way.replace(' [', ` ${access} [`)}`);
    for (const key of missingSecrets(info))
      this.#view.note(`the secret ${key} is not set: npx cloudlet secret set ${this.#name} ${key} ${access}`);
    if (process.stdin.isTTY === true) this.#view.note('keys: r builds again · c clears · q ends');
  }

  async #open(): Promise<Front> {
    const { url, token } = this.#host;
    const options = {
      ...{ url, token, name: this.#name },
      explain: (invocation: string) => this.#lines.of(invocation),
      onRequest: (request: Parameters<DevView['request']>[0]) => this.#view.request(request),
    };
    if (this.#port !== null) return openFront({ ...options, port: this.#port });
    return openFront({ ...options, port: PORT }).catch(() => openFront({ ...options, port: 0 }));
  }
}

function missingSecrets({ grant, secretsSet }: FunctionInfo): string[] {
  return grant.secrets.filter((key) => secretsSet?.includes(key) !== true);
}

/** Presses of a key, as something to wait for. */
function pressesOf(signal: AbortSignal): AsyncIterator<void> & { readonly press: () => void } {
  let pressed = Promise.withResolvers<IteratorResult<void>>();
  signal.addEventListener('abort', () => pressed.resolve({ done: true, value: undefined }), { once: true });
  return {
    next: () => pressed.promise,
    press: () => {
      const { resolve } = pressed;
      pressed = Promise.withResolvers();
      resolve({ done: false, value: undefined });
    },
  };
}

function parsePort(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new UsageError(`expected --port as a number from 0 to 65535, got ${JSON.stringify(text)}`);
}
