import { refusedSymbol } from './refused-symbol.ts';

/** A function that did not link, and the parts of the program that call it. */
export interface Undefined {
  readonly symbol: string;
  readonly users: readonly string[];
}

/** What the linker found undefined, in what a build said; probes of configure scripts and CMake are left out. */
export function undefinedSymbols(lines: readonly string[]): Undefined[] {
  const found = new Map<string, Set<string>>();
  for (const line of lines) {
    const match = /\berror: (.+?): undefined symbol: (.+)$/.exec(line);
    const user = match?.[1];
    if (user === undefined || /(^|\/)(conftest|cmTC_|CMakeFiles\/cmTC_)/.test(user)) continue;
    const users = found.get(match![2]!) ?? new Set();
    users.add(shortUser(user));
    found.set(match![2]!, users);
  }
  return [...found].map(([symbol, users]) => ({ symbol, users: [...users] }));
}

/** Clang compiles to an object of a passing name when it links at once: `/tmp/main-1a2b3c.o` is of `main.c` or the like. */
function shortUser(user: string): string {
  const passing = /^\/(?:.*\/)?([^/]+)-[0-9a-f]{6}\.o$/.exec(user);
  if (passing?.[1] === 'threads' || /\/posix\/threads\.o$/.test(user)) return 'the option -pthread';
  return passing?.[1] ?? user;
}

/** Sentences for people about why a build failed: each refused function with who calls it, the reason and what to do. */
export function explainFailure(lines: readonly string[]): string[] {
  const explainers = [explainSymbols, explainHeaders, explainExceptions, explainNames, explainTools];
  return explainers.flatMap((explain) => explain(lines));
}

/** What a tool says that is not there. */
function explainTools(lines: readonly string[]): string[] {
  const said = lines.flatMap((line) => /^c\+\+: (C\+\+ needs .*)$/.exec(line)?.[1] ?? []);
  return said.length === 0 ? [] : [`${said[0]}.`];
}

const MAX_USERS = 3;

function explainSymbols(lines: readonly string[]): string[] {
  const all = undefinedSymbols(lines);
  const unknown = all.filter(({ symbol }) => refusedSymbol(symbol) === null);
  const byReason = Map.groupBy(
    all.filter(({ symbol }) => refusedSymbol(symbol) !== null),
    ({ symbol }) => refusedSymbol(symbol)!.group,
  );
  const sentences = [...byReason.values()].map((refused) => {
    const { why, instead } = refusedSymbol(refused[0]!.symbol)!;
    return `${refused.map((each) => `${each.symbol} (in ${usersOf(each)})`).join(', ')}: ${why}; ${instead}.`;
  });
  const canBeAbsent = new Set(
    [...byReason]
      .filter(([, group]) => group.some(({ symbol }) => refusedSymbol(symbol)!.parameters !== null))
      .map(([group]) => group),
  );
  if (canBeAbsent.size > 0) {
    const groups = [...canBeAbsent];
    sentences.push(
      `If the program does without when such a call fails, say so: --absent ${groups.join(',')}, or "absent": ${JSON.stringify(groups)} in the "build" of cloudlet.json.`,
    );
  }
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 5).map((each) => `${each.symbol} (in ${usersOf(each)})`);
    const more = unknown.length > shown.length ? ` and ${unknown.length - shown.length} more` : '';
    sentences.push(
      `Not found: ${shown.join(', ')}${more}. Libraries of this computer are not for WebAssembly: build the one that they are of with the same command, or configure the program without it.`,
    );
  }
  return sentences;
}

function usersOf({ users }: Undefined): string {
  const more = users.length > MAX_USERS ? ` and ${users.length - MAX_USERS} more` : '';
  return `${users.slice(0, MAX_USERS).join(', ')}${more}`;
}

/** Headers of what cannot be had, and of libraries. */
function explainHeaders(lines: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^(\S+?):\d+:\d+: fatal error: '([^']+)' file not found/.exec(line);
    if (match !== null && !found.has(match[2]!)) found.set(match[2]!, match[1]!);
  }
  return [...found].map(([header, user]) => {
    const system =
      /^(sys|linux|asm|net|netinet|arpa|X11)\/|^(semaphore|spawn|ucontext|ifaddrs|resolv|mqueue|execinfo|elf|link)\.h$/;
    const why = system.test(header)
      ? 'WASI has nothing of the kind; leave that part out'
      : 'it is of a library, or of another part of the program: build that for WebAssembly too, or configure the program without it';
    return `${header} (in ${user}): ${why}.`;
  });
}

function explainExceptions(lines: readonly string[]): string[] {
  if (!lines.some((line) => /cannot use '(throw|try)' with exceptions disabled/.test(line))) return [];
  const { why, instead } = refusedSymbol('__cxa_throw')!;
  return [`throw and try: ${why}; ${instead}.`];
}

/** Names of C++'s library that are declared nowhere without threads. */
function explainNames(lines: readonly string[]): string[] {
  const names = lines.flatMap((line) => {
    const name = /no (?:member|type|template) named '(\w+)' in namespace 'std'/.exec(line)?.[1];
    return name !== undefined && THREADED.has(name) ? [`std::${name}`] : [];
  });
  if (names.length === 0) return [];
  const { why, instead } = refusedSymbol('pthread_create')!;
  return [`${[...new Set(names)].join(', ')}: ${why}; ${instead}.`];
}

const THREADED = new Set(
  ['thread', 'jthread', 'this_thread', 'mutex', 'timed_mutex', 'recursive_mutex', 'recursive_timed_mutex'].concat(
    ['shared_mutex', 'shared_timed_mutex', 'condition_variable', 'condition_variable_any', 'future', 'promise'],
    ['async', 'packaged_task', 'call_once', 'once_flag', 'barrier', 'latch', 'counting_semaphore'],
  ),
);
