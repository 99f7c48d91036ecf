/** A server that a test wants to find, by what it does with a request. */
export interface ServerSpec {
  readonly name: string;
  readonly kind: 'listening' | 'closed';
  readonly endpoints: readonly EndpointSpec[];
}

export interface EndpointSpec {
  readonly method: string;
  readonly path: string;
  readonly mode: 'static' | 'echo-body' | 'echo-headers';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: readonly string[] | null;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A step of a test. */
export type Operation =
  | {
      readonly type: 'run';
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly root: string | null;
    }
  | { readonly type: 'wait'; readonly exitCode: number }
  | { readonly type: 'read'; readonly id: 'stdout' | 'stderr'; readonly payload: string }
  | { readonly type: 'write'; readonly payload: string }
  | { readonly type: 'connect'; readonly id: string }
  | { readonly type: 'send' | 'recv'; readonly id: string; readonly payload: string }
  | {
      readonly type: 'request';
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly response: Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>;
    }
  | { readonly type: 'kill' };

/** What a test does and what it needs for it. */
export interface TestSpec {
  readonly world: 'wasi:cli/command' | 'wasi:http/service';
  readonly proposals: readonly string[];
  readonly servers: readonly ServerSpec[];
  readonly operations: readonly Operation[];
}

type Fields = Readonly<Record<string, unknown>>;

const NEW_KEYS = ['operations', 'proposals', 'world', 'servers', 'debug'];
const OLD_KEYS = ['args', 'env', 'root', 'exit_code', 'stdout', 'stderr', 'stdin', 'dirs'];

/**
 * Reads the JSON beside a test, in either layout of wasi-testsuite; `undefined` is a test without one. Throws an error that names
 * the file, the field, what was expected and what came: a field that is not understood would be a check that is not made.
 */
export function parseTestSpec(json: string | undefined, file: string): TestSpec {
  const fields = json === undefined ? {} : record(JSON.parse(json), file);
  const unknown = Object.keys(fields).find((key) => !NEW_KEYS.includes(key) && !OLD_KEYS.includes(key));
  if (unknown !== undefined)
    throw new Error(`${file}: expected one of ${[...NEW_KEYS, ...OLD_KEYS].join(', ')}, got ${unknown}`);
  const isNew = NEW_KEYS.some((key) => fields[key] !== undefined);
  if (isNew && OLD_KEYS.some((key) => fields[key] !== undefined))
    throw new Error(`${file}: expected the fields of one layout, got those of both`);
  return {
    world: oneOf(
      fields['world'] ?? 'wasi:cli/command',
      ['wasi:cli/command', 'wasi:http/service'] as const,
      `${file}: world`,
    ),
    proposals: list(fields['proposals'] ?? [], `${file}: proposals`).map((each) => text(each, `${file}: proposals`)),
    servers: list(fields['servers'] ?? [], `${file}: servers`).map((each, at) =>
      server(each, `${file}: servers[${at}]`),
    ),
    operations: isNew
      ? list(fields['operations'] ?? [{ type: 'run' }, { type: 'wait' }], `${file}: operations`).map((each, at) =>
          operation(record(each, file), `${file}: operations[${at}]`),
        )
      : oldOperations(fields, file),
  };
}

/** The older layout says a run, what it gets, and what has to come. */
function oldOperations(fields: Fields, file: string): Operation[] {
  const operations: Operation[] = [operation({ ...fields, type: 'run' }, file)];
  if (fields['stdin'] !== undefined)
    operations.push({ type: 'write', payload: text(fields['stdin'], `${file}: stdin`) });
  for (const id of ['stdout', 'stderr'] as const) {
    if (fields[id] !== undefined) operations.push({ type: 'read', id, payload: text(fields[id], `${file}: ${id}`) });
  }
  operations.push({ type: 'wait', exitCode: number(fields['exit_code'] ?? 0, `${file}: exit_code`) });
  return operations;
}

function operation(fields: Fields, at: string): Operation {
  const type = text(fields['type'], `${at}.type`);
  const payload = () => text(fields['payload'] ?? '', `${at}.payload`);
  const id = (fallback: string) => text(fields['id'] ?? fallback, `${at}.id`);
  switch (type) {
    case 'run': {
      const [first] = list(fields['dirs'] ?? [], `${at}.dirs`);
      const root = fields['root'] ?? first ?? null;
      return {
        type,
        args: list(fields['args'] ?? [], `${at}.args`).map((each) => text(each, `${at}.args`)),
        env: texts(fields['env'] ?? {}, `${at}.env`),
        root: root === null ? null : text(root, `${at}.root`),
      };
    }
    case 'wait':
      return { type, exitCode: number(fields['exit_code'] ?? 0, `${at}.exit_code`) };
    case 'read':
      return { type, id: oneOf(id('stdout'), ['stdout', 'stderr'] as const, `${at}.id`), payload: payload() };
    case 'write':
      oneOf(id('stdin'), ['stdin'] as const, `${at}.id`);
      return { type, payload: payload() };
    case 'connect':
      oneOf(fields['protocol_type'] ?? 'tcp', ['tcp'] as const, `${at}.protocol_type`);
      return { type, id: id('server') };
    case 'send':
    case 'recv':
      return { type, id: text(fields['id'], `${at}.id`), payload: payload() };
    case 'request': {
      const response = record(fields['response'] ?? {}, `${at}.response`);
      return {
        type,
        method: text(fields['method'] ?? 'GET', `${at}.method`),
        path: text(fields['path'] ?? '/', `${at}.path`),
        headers: texts(fields['headers'] ?? {}, `${at}.headers`),
        body: text(fields['body'] ?? '', `${at}.body`),
        response: {
          status: number(response['status'] ?? 200, `${at}.response.status`),
          headers: texts(response['headers'] ?? {}, `${at}.response.headers`),
          body: text(response['body'] ?? '', `${at}.response.body`),
        },
      };
    }
    case 'kill':
      return { type };
    default:
      throw new Error(`${at}: expected run, wait, read, write, connect, send, recv, request or kill, got ${type}`);
  }
}

function server(value: unknown, at: string): ServerSpec {
  const fields = record(value, at);
  return {
    name: text(fields['name'], `${at}.name`),
    kind: oneOf(fields['kind'] ?? 'listening', ['listening', 'closed'] as const, `${at}.kind`),
    endpoints: list(fields['endpoints'] ?? [], `${at}.endpoints`).map((each, index) =>
      endpoint(each, `${at}.endpoints[${index}]`),
    ),
  };
}

function endpoint(value: unknown, at: string): EndpointSpec {
  const fields = record(value, at);
  const given = fields['response'] ?? '';
  const response = typeof given === 'string' ? { body: given } : record(given, `${at}.response`);
  return {
    method: text(fields['method'] ?? 'GET', `${at}.method`).toUpperCase(),
    path: text(fields['path'] ?? '/', `${at}.path`),
    mode: oneOf(fields['mode'] ?? 'static', ['static', 'echo-body', 'echo-headers'] as const, `${at}.mode`),
    status: number(response['status'] ?? 200, `${at}.response.status`),
    headers: texts(response['headers'] ?? {}, `${at}.response.headers`),
    chunks:
      response['chunks'] === undefined
        ? null
        : list(response['chunks'], `${at}.response.chunks`).map((each) => text(each, `${at}.response.chunks`)),
    body: text(response['body'] ?? '', `${at}.response.body`),
    trailers: texts(response['trailers'] ?? {}, `${at}.response.trailers`),
  };
}

function record(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`${at}: expected an object, got ${JSON.stringify(value)}`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${at}: expected a list, got ${JSON.stringify(value)}`);
}

function text(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${at}: expected a text, got ${JSON.stringify(value)}`);
}

function number(value: unknown, at: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new Error(`${at}: expected a whole number, got ${JSON.stringify(value)}`);
}

function texts(value: unknown, at: string): Readonly<Record<string, string>> {
  const fields = record(value, at);
  for (const [key, each] of Object.entries(fields)) text(each, `${at}.${key}`);
  return fields as Readonly<Record<string, string>>;
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[], at: string): Choice {
  const chosen = choices.find((choice) => choice === value);
  if (chosen !== undefined) return chosen;
  throw new Error(`${at}: expected ${choices.join(' or ')}, got ${JSON.stringify(value)}`);
}
