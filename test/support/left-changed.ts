/**
 * What a test file changed in its process and did not put back: the next file there would find it.
 */
import { childrenOf, programOf } from './process-tree.ts';

type Holder = Record<string, unknown>;

/** Functions that tests replace, by the name of what holds them. */
const REPLACED: Readonly<Record<string, readonly [holder: object, names: readonly string[]]>> = {
  process: [process, ['exit', 'kill', 'cwd', 'hrtime', 'emitWarning', 'getuid', 'geteuid', 'availableMemory', 'umask']],
  'process.stdout': [process.stdout, ['write', 'isTTY', 'columns']],
  'process.stderr': [process.stderr, ['write', 'isTTY', 'columns']],
  console: [console, ['log', 'error', 'warn', 'info', 'debug']],
  Date: [Date, ['now']],
  Math: [Math, ['random']],
  performance: [performance, ['now']],
  crypto: [crypto, ['getRandomValues', 'randomUUID']],
};
/** Events of the process for which a listener that stays would act upon the tests of others. */
const EVENTS = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'uncaughtException',
  'unhandledRejection',
] as const;

/** Of the runner's own, which each file begins anew. */
const OURS = ['UVU_QUEUE'];
/** What playwright-core leaves when it is imported, which acts upon nobody: a `cwd` that remembers, and what its copy of zod knows. */
const LEFT_BY_LIBRARIES = ['process.cwd', 'globalThis.__zod_globalConfig', 'globalThis.__zod_globalRegistry'];
/** What libraries start once and keep: esbuild's service, which ends with this process. */
const KEPT_PROGRAMS = ['esbuild'];
/** Put back here: @hono/node-server 2.1 puts its own in their place whenever a server is made, and leaves them there. */
const PUT_BACK = ['Request', 'Response'] as const;

/** Compares the process before a file with the process after it. */
export class LeftChanged {
  /** Node loads some globals when they are first asked for: until then they are accessors. */
  readonly #known = new Set(Object.getOwnPropertyNames(globalThis).map((name) => `globalThis.${name}`));
  #before = new Map<string, unknown>();

  readonly #kept = PUT_BACK.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const);

  /** Notes how things are. */
  begin(): void {
    this.#before = present();
  }

  /** Names what is not as it was; nothing when all is. */
  since(): string[] {
    for (const [name, descriptor] of this.#kept) Object.defineProperty(globalThis, name, descriptor);
    const now = present();
    const names = new Set([...this.#before.keys(), ...now.keys()]);
    return [...names].filter((name) => {
      const loaded = !this.#before.has(name) && this.#known.has(name);
      return !loaded && !LEFT_BY_LIBRARIES.includes(name) && !Object.is(this.#before.get(name), now.get(name));
    });
  }
}

function present(): Map<string, unknown> {
  const found = new Map<string, unknown>([
    ['process.cwd()', process.cwd()],
    ['process.umask()', process.umask()],
  ]);
  for (const [name, value] of Object.entries(process.env)) found.set(`process.env.${name}`, value);
  for (const pid of childrenOf(process.pid)) {
    const program = programOf(pid);
    if (program !== null && !KEPT_PROGRAMS.includes(program)) found.set(`child process ${pid}, ${program}`, program);
  }
  for (const event of EVENTS) found.set(`listeners of ${event}`, process.listenerCount(event));
  for (const [holder, [object, names]] of Object.entries(REPLACED)) {
    for (const name of names) found.set(`${holder}.${name}`, (object as Holder)[name]);
  }
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    if ('value' in descriptor && !OURS.includes(name)) found.set(`globalThis.${name}`, descriptor.value);
  }
  return found;
}
