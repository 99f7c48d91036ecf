// end to end
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuildOptions, build, type ProgramBuild } from '../../../../guest-sdk/build/index.ts';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../../../../runtime/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';
import { TEST_CACHE } from '../../../support/microvm-lab.ts';

const run = promisify(execFile);
const programs = suite("an existing program's own build");
let folder = '';

programs.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-foreign-'));
});
programs.after.each(() => rm(folder, { recursive: true }));

const write = async (files: Record<string, string>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
};

const make = (program: ProgramBuild, options: BuildOptions = {}) =>
  build(folder, { cache: TEST_CACHE, program, ...options });

/** Builds C by a command and runs what comes out. */
const runs = async (program: ProgramBuild, args: readonly string[] = [], input = '') => {
  await write({ 'cloudlet.json': JSON.stringify({ name: 'program', build: program }) });
  const made = await BuiltFunction.open(folder);
  try {
    const { status, stdout, stderr } = await made.run(args, Buffer.from(input));
    return { status, stdout: Buffer.from(stdout).toString(), stderr };
  } finally {
    await made.close();
  }
};

const failure = async (program: ProgramBuild, files: Record<string, string>): Promise<CloudletError> => {
  await write(files);
  const error = await make(program).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError, String(error));
  return error as CloudletError;
};

programs('becomes a component under its own name, without a project file', async () => {
  await write({ Makefile: 'all: My_Tool\n', 'My_Tool.c': 'int main(void) { return 0; }\n' });
  const { component, project } = await make({ command: 'make' });
  assert.is(component, join(folder, 'build/my-tool.wasm'));
  assert.is(project.name, 'my-tool');
  assert.equal(inspectComponent(await readFile(component)).doors, ['run']);
});

programs('is stripped of the names of its functions when asked, and what its build left is not', async () => {
  const source = '__attribute__((noinline)) int chosen_name(int n) { volatile int m = n; return m; }\n';
  await write({
    Makefile: 'all: tool\n',
    'tool.c': `${source}int main(int n, char **words) { return chosen_name(n) - 1; }\n`,
  });
  const named = await readFile((await make({ command: 'make' })).component);
  const stripped = await readFile((await make({ command: 'make' }, { strip: true })).component);
  const left = await readFile(join(folder, 'tool'));
  assert.equal(
    [named, stripped, left].map((bytes) => bytes.includes('chosen_name')),
    [true, false, true],
  );
  assert.ok(stripped.length < named.length, `${stripped.length} of ${named.length}`);
});

const JUMPS = `#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
static jmp_buf out, in;
static int deep(int n) { if (n == 0) longjmp(out, 42); return deep(n - 1) + 1; }
static void caught(int number) { printf("signal %d\\n", number == SIGINT); }
int main(void) {
  volatile int turns = 0;
  int code = setjmp(out);
  printf("code %d turns %d\\n", code, turns);
  if (turns++ < 2) deep(20);
  if (setjmp(in) == 0) longjmp(in, 0);
  else puts("zero is one");
  struct sigaction action = { .sa_handler = caught };
  sigaction(SIGINT, &action, NULL);
  raise(SIGINT);
  exit(7);
}
`;
programs('may jump, raise signals to itself, and end with any status', async () => {
  await write({ 'jumps.c': JUMPS });
  assert.equal(await runs({ command: 'cc -O2 -o jumps jumps.c' }), {
    status: 7,
    stdout: 'code 0 turns 0\ncode 42 turns 1\ncode 42 turns 2\nzero is one\nsignal 1\n',
    stderr: '',
  });
});

const LACKS = `#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
int main(void) {
  char line[80];
  FILE *in = fopen("/dev/stdin", "r"), *out = fopen("/dev/stdout", "w");
  fgets(line, sizeof line, in);
  fprintf(out, "read %s", line);
  fflush(out);
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  struct rusage usage;
  struct termios terminal;
  errno = 0;
  printf("system %d %d\\n", system("ls"), errno == ENOSYS);
  printf("popen %d, shell %d\\n", popen("ls", "r") == NULL, system(NULL));
  printf("users %d %d\\n", getpwuid(getuid()) == NULL, getuid() > 0);
  printf("umask %o, children %d, terminal %d\\n", umask(022), wait(NULL), tcgetattr(0, &terminal));
  printf("pid %d, usage %d, clock %d\\n", getpid() > 0, getrusage(RUSAGE_SELF, &usage), clock() != (clock_t)-1);
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory[4095] = 1;
  printf("mmap %d\\n", munmap(memory, 4096));
  printf("chmod %d\\n", chmod("/nowhere", 0600));
  return 0;
}
`;
programs('finds what has a meaning without a system, and failures where it has none', async () => {
  await write({ 'lacks.c': LACKS });
  const { status, stdout } = await runs({ command: 'gcc -std=gnu99 -march=native -o lacks lacks.c' }, [], 'hello\n');
  assert.is(
    stdout,
    'read hello\nsystem -1 1\npopen 1, shell 0\nusers 1 1\numask 22, children -1, terminal -1\npid 1, usage 0, clock 1\nmmap 0\nchmod -1\n',
  );
  assert.is(status, 0);
});

const DRAWS = `#include <stdio.h>
#include <stdlib.h>
int main(void) {
  for (int i = 0; i < 3; i++) printf("%d ", rand());
  for (unsigned seed = 0; seed < 5; seed++) {
    srand(seed * 123456789);
    for (int i = 0; i < 40; i++) rand();
    printf("%d ", rand());
    printf("%ld ", random());
  }
  return 0;
}
`;
programs("draws the random numbers that it draws with this computer's libc", async () => {
  await write({ 'draws.c': DRAWS });
  const native = join(folder, 'native');
  const compiled = await run('/usr/bin/cc', ['-o', native, join(folder, 'draws.c')]).then(
    () => true,
    () => false,
  );
  // The first three of glibc, where there is no compiler for this computer.
  const expected = compiled ? (await run(native)).stdout : '1804289383 846930886 1681692777 ';
  await rm(native, { force: true });
  assert.is((await runs({ command: 'cc -o draws draws.c' })).stdout.slice(0, expected.length), expected);
});

const CALLER = `#include <stdio.h>
int odd(int a, int b);
typedef void (*callback)(void *);
static int gives(char *at) { return *at; }
static void call(callback each, void *on) { each(on); }
int main(void) {
  char byte = 1;
  call((callback)gives, &byte);
  printf("odd %d\\n", odd(3, 4));
  return 0;
}
`;
programs('may call functions by other types than their own', async () => {
  await write({ 'caller.c': CALLER, 'odd.c': '#include <stdio.h>\nvoid odd(int a) { printf("called %d\\n", a); }\n' });
  const command = 'cc -O2 -c caller.c odd.c && cc -o odd caller.o odd.o';
  assert.is((await runs({ command, output: 'odd' })).stdout, 'called 3\nodd 0\n');
  // The next build compiles nothing, and still knows.
  assert.is((await runs({ command: 'cc -o odd caller.o odd.o', output: 'odd' })).stdout, 'called 3\nodd 0\n');
});

const FORKS = '#include <unistd.h>\n#include <stdio.h>\nint main(void) { printf("%d\\n", fork()); return 0; }\n';
programs('is refused by the function that it cannot have, and built when it does without', async () => {
  const error = await failure({ command: 'cc -c forks.c && cc -o forks forks.o' }, { 'forks.c': FORKS });
  assert.is(error.code, 'build-failed');
  assert.match(error.message, /- fork \(in forks\.o\): a component cannot start programs; leave out/);
  assert.match(error.message, /--absent processes/);
  assert.is((await runs({ command: 'cc -o forks forks.c', absent: ['fork'] })).stdout, '-1\n');
});

for (const { name, command, source, message } of [
  {
    name: 'threads',
    command: 'cc -pthread -o x x.c',
    source: 'int main(void) { return 0; }',
    message: /pthread_create \(in the option -pthread\): WASI 0\.1 has one thread/,
  },
  {
    name: 'loaded code',
    command: 'cc -o x x.c -ldl',
    source: '#include <dlfcn.h>\nint main(void) { return dlopen("a", 0) == 0; }',
    message: /dlopen \(in x\): code cannot be loaded/,
  },
  {
    name: 'sockets',
    command: 'cc -o x x.c',
    source: '#include <sys/socket.h>\nint main(void) { return socket(1, 1, 0); }',
    message: /socket \(in x\): WASI 0\.1 opens no sockets/,
  },
  {
    name: "this computer's libraries",
    command: 'cc -o x x.c -I/usr/include',
    source: '#include <zlib.h>\nint main(void) { return 0; }',
    message: /zlib\.h \(in x\.c\): it is of a library/,
  },
  {
    name: 'a shared library',
    command: 'cc -shared -o x.so x.c',
    source: 'int x;',
    message: /-shared: WebAssembly has no shared libraries/,
  },
  {
    name: "this computer's own compiler",
    command: '/bin/cp /bin/true x',
    source: '',
    message: /left no WebAssembly program/,
  },
  {
    name: 'a command that fails at first',
    command: 'false; cc -o x x.c',
    source: 'int main(void) { return 0; }',
    message: /ended with status 1/,
  },
]) {
  programs(`is refused with the reason: ${name}`, async () => {
    const error = await failure({ command }, { 'x.c': `${source}\n` });
    assert.is(error.code, 'build-failed');
    assert.match(error.message, message);
  });
}

programs('refuses to leave out what it does not know', async () => {
  const error = await failure({ command: 'true', absent: ['printf'] }, {});
  assert.is(error.code, 'project-invalid');
  assert.match(error.message, /got "printf"/);
});

programs('ends with all that it started when it is stopped', async () => {
  const abort = new AbortController();
  const onProgress = (event: { kind: string; text?: string }) => {
    if (event.text === 'begun') abort.abort(new Error('stopped'));
  };
  const started = make({ command: '(sleep 30; touch late) & echo begun; wait' }, { signal: abort.signal, onProgress });
  assert.match(String(await started.then(() => null, String)), /stopped/);
  assert.is(
    await access(join(folder, 'late')).then(
      () => true,
      () => false,
    ),
    false,
  );
});

programs.run();
