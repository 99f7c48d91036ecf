import { realpathSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { Recorder } from '../../../runtime/index.ts';
import {
  askedGrant,
  CloudletError,
  type FunctionName,
  type Grant,
  type GrantRequest,
  LIMITS,
  type LogLine,
  limitsWith,
  namesOfGuestPath,
  parseName,
} from '../../protocol/index.ts';
import { type BuildOptions, build } from '../build.ts';
import { PROJECT_FILE, readGrant } from '../project.ts';
import { NO_TRACE, type TraceRecord } from './trace-record.ts';
import { readTracedFiles, type TracedDirectory, type TracedFile } from './traced-files.ts';

/** What is traced, and what it may have of this computer. */
export interface TraceOptions extends Pick<BuildOptions, 'onProgress' | 'signal' | 'cache'> {
  /** Folder of a project, which is built first, or path of a component. */
  readonly what: string;
  /** Directories and files beside those that the project's grant names. */
  readonly directories?: readonly TracedDirectory[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Values of secrets: of those that the grant names, or of variables of the same name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Hosts that it may reach, as a grant names them, `*:*` for all; none when left out. */
  readonly network?: readonly string[];
  /** Takes what it writes beside its answers. */
  readonly log?: (line: Pick<LogLine, 'stream' | 'text'>) => void;
}

/** A component that runs on this computer while its use is recorded. Who opens it closes it. */
export interface Trace {
  readonly name: FunctionName;
  /** Folder of the project, or of the component: where the grant belongs. */
  readonly folder: string;
  readonly component: string;
  /** What it asks for so far. */
  readonly grant: GrantRequest;
  /** Runs it: `invoke` a command or an http handler, `call` a typed export. */
  readonly recorder: Recorder;
  /** What was seen so far. */
  record(): TraceRecord;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Everything under `*:*` may be reached, this computer and its networks among it: it is the developer's own program. */
const ANY_NETWORK = ['0.0.0.0/0', '::/0'];

/** What it may write to files in one run, bytes. */
const SCRATCH_BYTES = 1024 ** 3;

/**
 * Gets ready to run a component with a recording host: with the files, variables and hosts that are allowed, and no limits but those of this
 * computer. Everything that it writes to files is in memory and gone after each run.
 * @throws CloudletError `project-invalid` for the project and for files that cannot be read, those of `build`, `component-refused`.
 */
export async function openTrace(options: TraceOptions): Promise<Trace> {
  const { cache = join(homedir(), '.cache', 'cloudlet'), log = () => {}, signal } = options;
  const { name, folder, component, grant } = await traced(options, cache);
  const asked = askedGrant(grant);
  const given = asked.files.map(({ path, from }) => ({ host: join(folder, from), guest: absolute(path) }));
  const begun = asked.scratch.flatMap(({ path, from }) =>
    from === null ? [] : [{ host: join(folder, from), guest: absolute(path) }],
  );
  const files = await readTracedFiles([...begun, ...given, ...(options.directories ?? [])]);
  const bytes = await readFile(component);
  const scratchBytes = files.reduce((sum, each) => sum + each.bytes.length, 0);
  const { environment, secrets, secretVariables } = variables(asked, options);
  const network = options.network ?? [];
  const wide: Grant = {
    ...asked,
    environment,
    secrets: Object.keys(secrets),
    scratch: [{ path: '/', bytes: scratchBytes + SCRATCH_BYTES, from: null }],
    http: [...asked.http, ...network],
    sockets: {
      tcp: [...asked.sockets.tcp, ...network.map(withPort)],
      udp: [...asked.sockets.udp, ...network.map(withPort)],
      lookup: asked.sockets.lookup || network.length > 0,
      listen: asked.sockets.listen || network.length > 0,
    },
    stores: { keyvalue: { bytes: 2 ** 30 }, blobs: { bytes: 2 ** 32 } },
    limits: limitsWith({
      ...(asked.limits as Partial<Grant['limits']>),
      ...{ memoryMib: 2048, deadlineMs: LIMITS.deadlineMs.ceiling, cpuMs: LIMITS.cpuMs.ceiling, connections: 128 },
    }),
  };
  const recorder = await Recorder.open({
    ...{ name, component: bytes, grant: wide, secrets, cacheDir: cache, log },
    files: [
      { path: '/', at: [], writable: true, files: files.map(grantedFile) },
      // Programs expect one.
      ...['/tmp', ...asked.scratch.map(({ path }) => absolute(path))]
        .filter((path, at, all) => path !== '/' && all.indexOf(path) === at)
        .map((path) => ({ path, at: namesOfGuestPath(path), writable: true, files: [] })),
    ],
    privateNetworks: ANY_NETWORK,
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    ...{ name, folder, component, grant, recorder },
    record: () =>
      recordOf({
        use: recorder.use,
        readOrder: recorder.readOrder,
        files,
        folder,
        bytes,
        environment,
        secretVariables,
        scratchBytes,
      }),
    close: () => recorder.close(),
  };
}

/** Where a project or a component is, by the path that names it; `project-invalid` when it cannot be read. */
export async function traceFolder(
  what: string,
): Promise<{ readonly folder: string; readonly component: string | null }> {
  const path = resolve(what);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new CloudletError(
      'project-invalid',
      `expected a project or a component at ${what}, which cannot be read (${error.code})`,
      { cause: error },
    );
  });
  return found.isDirectory() ? { folder: path, component: null } : { folder: dirname(path), component: path };
}

async function traced({ what, network = [], onProgress, signal }: TraceOptions, cache: string) {
  const { folder, component } = await traceFolder(what);
  if (component === null) {
    const built = await build(folder, {
      ...{ cache, http: network },
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { name: parseName(built.project.name), folder, component: built.component, grant: built.project.grant };
  }
  const beside = join(folder, PROJECT_FILE);
  const isBeside = await stat(beside).then(
    () => true,
    () => false,
  );
  return { name: nameOf(component), folder, component, grant: isBeside ? await readGrant(beside) : {} };
}

/** The nearest name that a function may have. */
function nameOf(path: string): FunctionName {
  const stem = basename(path, extname(path))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
  return parseName(stem === '' ? 'traced' : stem);
}

/** The variables that it is given, with the values of secrets, and which of them are secret. */
function variables(asked: Pick<Grant, 'environment' | 'configuration' | 'secrets'>, options: TraceOptions) {
  const { environment = {}, secrets = {} } = options;
  const secretVariables: Record<string, string> = {};
  const given: Grant['environment'] = { ...asked.environment, ...environment };
  const named = new Set(asked.secrets);
  for (const secret of Object.keys(secrets)) if (!named.has(secret)) given[secret] = { secret };
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string') secretVariables[name] = value.secret;
  }
  return { environment: given, secrets, secretVariables };
}

interface Recorded {
  readonly use: TraceRecord['use'];
  readonly readOrder: readonly string[];
  readonly files: readonly TracedFile[];
  readonly folder: string;
  readonly bytes: Buffer;
  readonly environment: Grant['environment'];
  readonly secretVariables: Readonly<Record<string, string>>;
  readonly scratchBytes: number;
}

function recordOf({
  use,
  readOrder,
  files,
  folder,
  bytes,
  environment,
  secretVariables,
  scratchBytes,
}: Recorded): TraceRecord {
  const read = new Set(use.files.read);
  const sources = files.filter(({ path }) => read.has(path)).map(({ path, source }) => [path, from(folder, source)]);
  const names = use.environment ? Object.keys(environment) : [];
  const isHeld = (name: string) => bytes.includes(name);
  const plain = names.filter((name) => isHeld(name) && secretVariables[name] === undefined);
  const secret = names.filter((name) => isHeld(name) && secretVariables[name] !== undefined);
  return {
    ...NO_TRACE,
    use: { ...use, most: { ...use.most, scratchBytes: Math.max(0, use.most.scratchBytes - scratchBytes) } },
    sources: Object.fromEntries(sources) as Record<string, string>,
    readOrder: readOrder.filter((path) => sources.some(([known]) => known === path)),
    environment: Object.fromEntries(plain.map((name) => [name, environment[name] as string])),
    secrets: Object.fromEntries(secret.map((name) => [name, secretVariables[name]!])),
    unknownVariables: names.filter((name) => !isHeld(name)),
  };
}

/** A source as a record names it: below the folder where it is, so that a project can be moved. */
function from(folder: string, source: string): string {
  const inner = relative(realpathSync(folder), source);
  return inner === '' || inner.startsWith('..') || isAbsolute(inner) ? source : inner;
}

function grantedFile({ path, bytes }: TracedFile) {
  return { names: path.slice(1).split('/'), bytes };
}

function absolute(path: string): string {
  return `/${namesOfGuestPath(path).join('/')}`;
}

/** A host of HTTP as sockets have it: with a port. */
function withPort(host: string): string {
  return /(:\d+|:\*)$/.test(host) ? host : `${host}:*`;
}
