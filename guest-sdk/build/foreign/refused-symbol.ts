/** Why a group of functions cannot be had in WebAssembly, and what a program can do instead. */
interface Lack {
  readonly why: string;
  readonly instead: string;
}

const LACKS = {
  threads: {
    why: 'WASI 0.1 has one thread',
    instead: 'build it without threads (often --disable-threads, -DENABLE_THREADS=OFF or HAVE_THREAD=0)',
  },
  processes: {
    why: 'a component cannot start programs',
    instead: 'leave out the part that starts them; system and popen are there, and say that there is no shell',
  },
  loading: {
    why: 'code cannot be loaded while a component runs',
    instead: 'link the modules in (often --disable-shared --enable-static, --disable-plugins)',
  },
  network: {
    why: 'WASI 0.1 opens no sockets',
    instead: 'leave out the network, or write that part against wasi:http',
  },
  descriptors: {
    why: 'WASI 0.1 has no pipes between descriptors',
    instead: 'read standard input and write standard output or files',
  },
  waiting: {
    why: 'nobody else sends signals, so it would wait for ever',
    instead: 'leave out what waits for signals',
  },
  memory: {
    why: 'memory of WebAssembly is one piece that nobody else shares',
    instead: 'use malloc, or mmap of a whole file',
  },
  contexts: {
    why: 'the call stack of WebAssembly cannot be switched',
    instead: 'build it without coroutines; setjmp and longjmp to a caller are there',
  },
  exceptions: {
    why: "Debian's libc++ for WebAssembly has no exceptions",
    instead: 'build it with -fno-exceptions, or give errors back',
  },
  filesystem: {
    why: "Debian's libc++ for WebAssembly has no std::filesystem",
    instead: 'use file streams, opendir, stat and mkdir, which are there',
  },
  accounts: {
    why: 'a component has no users',
    instead: 'leave out what changes or asks for other users',
  },
} as const satisfies Record<string, Lack>;

/** A function that is refused when a program is linked. */
export interface RefusedSymbol extends Lack {
  /** Parameters, each of one core value, when it can be absent: then a call of it fails. */
  readonly parameters: number | null;
  /** Name of all functions of its kind. */
  readonly group: string;
  /** What a call gives when the function is absent: C text. */
  readonly failure: string;
}

type Entry = readonly [lack: keyof typeof LACKS, parameters: number | null, failure?: string];

/** `EAGAIN` in WASI: what functions of threads give back, which do not set errno. */
const EAGAIN = '6';
const NONE = '0';

const SYMBOLS: Readonly<Record<string, Entry>> = {
  pthread_create: ['threads', 4, EAGAIN],
  pthread_join: ['threads', 2, EAGAIN],
  pthread_detach: ['threads', 1, EAGAIN],
  pthread_cancel: ['threads', 1, EAGAIN],
  pthread_exit: ['threads', null],
  pthread_attr_init: ['threads', 1, EAGAIN],
  pthread_attr_destroy: ['threads', 1, NONE],
  pthread_attr_setdetachstate: ['threads', 2, EAGAIN],
  pthread_attr_setstacksize: ['threads', 2, EAGAIN],
  pthread_cond_wait: ['threads', 2, EAGAIN],
  pthread_cond_timedwait: ['threads', 3, EAGAIN],
  thrd_create: ['threads', 3, '2'],
  sem_init: ['threads', 3],
  sem_wait: ['threads', 1],
  sem_post: ['threads', 1],
  fork: ['processes', 0],
  vfork: ['processes', 0],
  execl: ['processes', 3],
  execle: ['processes', 3],
  execlp: ['processes', 3],
  execv: ['processes', 2],
  execve: ['processes', 3],
  execvp: ['processes', 2],
  posix_spawn: ['processes', 6, '52'],
  posix_spawnp: ['processes', 6, '52'],
  daemon: ['processes', 2],
  dlopen: ['loading', 2, NONE],
  dlsym: ['loading', 2, NONE],
  dlclose: ['loading', 1],
  dlerror: ['loading', 0, '"code cannot be loaded"'],
  socket: ['network', 3],
  socketpair: ['network', 4],
  bind: ['network', 3],
  connect: ['network', 3],
  listen: ['network', 2],
  accept: ['network', 3],
  sendto: ['network', 6],
  recvfrom: ['network', 6],
  getsockname: ['network', 3],
  getpeername: ['network', 3],
  setsockopt: ['network', 5],
  gethostbyname: ['network', 1, NONE],
  getservbyname: ['network', 2, NONE],
  getaddrinfo: ['network', 4, '-4'],
  freeaddrinfo: ['network', 1, NONE],
  inet_addr: ['network', 1],
  inet_ntoa: ['network', 1, NONE],
  pipe: ['descriptors', 1],
  pipe2: ['descriptors', 2],
  dup3: ['descriptors', 3],
  pause: ['waiting', 0],
  sigsuspend: ['waiting', 1],
  sigwait: ['waiting', 2],
  mremap: ['memory', null],
  shm_open: ['memory', 3],
  shmget: ['memory', 3],
  shmat: ['memory', 3, '-1'],
  getcontext: ['contexts', 1],
  makecontext: ['contexts', null],
  swapcontext: ['contexts', 2],
  __cxa_throw: ['exceptions', null],
  __cxa_allocate_exception: ['exceptions', null],
  __cxa_begin_catch: ['exceptions', null],
  __cxa_end_catch: ['exceptions', null],
  __cxa_rethrow: ['exceptions', null],
  _Unwind_Resume: ['exceptions', null],
  getpass: ['accounts', 1, NONE],
  fchdir: ['descriptors', 1],
};

/** Names in the library of C++, as the linker shows them. */
const FILESYSTEM = /\bstd::(?:\w+::)*filesystem::/;
const NO_FILESYSTEM: Entry = ['filesystem', null];

/** Functions that can be absent. */
export const ABSENT_SYMBOLS: readonly string[] = Object.keys(SYMBOLS)
  .filter((name) => SYMBOLS[name]![1] !== null)
  .sort();

/** Names for all functions of a kind that can be absent. */
export const ABSENT_GROUPS: readonly string[] = [...new Set(ABSENT_SYMBOLS.map((name) => SYMBOLS[name]![0]))].sort();

/** The functions that a list of functions and groups means, each once, and the first name that is neither. */
export function absentSymbols(names: readonly string[]): {
  readonly symbols: readonly string[];
  readonly unknown: string | null;
} {
  const unknown = names.find((name) => !ABSENT_SYMBOLS.includes(name) && !ABSENT_GROUPS.includes(name)) ?? null;
  return {
    symbols: ABSENT_SYMBOLS.filter((name) => names.includes(name) || names.includes(SYMBOLS[name]![0])),
    unknown,
  };
}

/** What is known of a function that does not link; null for one that is not refused, but of a library that is not there. */
export function refusedSymbol(name: string): RefusedSymbol | null {
  const entry = Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : FILESYSTEM.test(name) ? NO_FILESYSTEM : undefined;
  if (entry === undefined) return null;
  const [lack, parameters, failure = '-1'] = entry;
  return { ...LACKS[lack], group: lack, parameters, failure };
}

/** C source that defines functions so that their calls fail with ENOSYS. Only those of `ABSENT_SYMBOLS`. */
export function absentSource(names: readonly string[]): string {
  const functions = names.map((name) => {
    const { parameters, failure } = refusedSymbol(name)!;
    const list = Array.from({ length: parameters ?? 0 }, (_, at) => `int a${at}`).join(', ');
    return `__SIZE_TYPE__ ${name}(${list === '' ? 'void' : list}) { errno = ENOSYS; return (__SIZE_TYPE__)${failure}; }`;
  });
  return ['#include <errno.h>', ...functions, ''].join('\n');
}
