/*
 * The first and only program of a machine beside Node: loads the kernel modules, mounts the read-only root, starts the agent as an
 * unprivileged user, serves the control port by which a machine gets a time and randomness of its own, and ends the machine when the
 * agent ends. Without libc, and with two children only: under emulation each fork and exec costs tens of milliseconds, and a shell
 * script is made of them.
 *
 * `init-program.ts` holds what this compiles to; `init-program.slow.test.ts` says how, and that both are the same.
 */

enum { read_, write_, open_ = 2, close_ = 3, poll_ = 7, ioctl = 16, nanosleep = 35, fork_ = 57, execve = 59, exit_ = 60, wait4 = 61,
       chdir = 80, chown = 92, syslog = 103, setgroups = 116, setresuid = 117, setresgid = 119, prctl = 157, chroot = 161, mount = 165,
       reboot = 169, sethostname = 170, clock_settime = 227, finit_module = 313 };

/* Of <sys/mount.h>, <errno.h>, <fcntl.h>, <poll.h>, <time.h>, <linux/random.h>, <sys/prctl.h>, <linux/reboot.h> and <sys/klog.h>. */
enum { RDONLY = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8, NOATIME = 1024, MOVE = 8192, ENOENT = 2, EINTR = 4, ENXIO = 6, RDWR = 2, POLLIN = 1,
       REALTIME = 0, ADD_ENTROPY = 0x40085203, RESEED = 0x5207, NO_NEW_PRIVS = 38, AUTOBOOT = 0x01234567,
       SET_CONSOLE_LEVEL = 8, BELOW_DEBUG = 7 };

enum { AGENT_ID = 1000, CONSOLE = 1 };

/* The agent's port: `virtserialport,name=agent,nr=1` of QEMU's arguments. */
#define PORT_NAME "agent"

/* Where the kernel says what a port is called, and where its device is. The digit at DEVICE is replaced: it is the place of the
   port's controller among all virtio devices, which depends on the order in which they were found. */
static char port_name_file[] = "/sys/class/virtio-ports/vport0p1/name";
static char port_file[] = "/dev/vport0p1";
enum { NAME_FILE_DEVICE = 29, FILE_DEVICE = 10, DEVICES = 8 };

/* The control port: `virtserialport,name=control,nr=2`, of the same controller. What comes is a `struct identity`, what is answered
   is one byte, when the machine has become that. */
static char control_file[] = "/dev/vport0p2";

/* The workers' lines: `virtserialport,name=workerK,nr=2+K`, of the same controller. A kernel's name for a port has one digit or two. */
static char line_file[] = "/dev/vport0p3\0";
enum { FILE_PORT = 12, FIRST_LINE = 3 };

struct identity {
  long seconds, nanoseconds; /* since 1970 */
  unsigned char entropy[64];
  unsigned char id[16];
};

/* How long the port may take to appear after its driver was loaded: 2000 rounds of looks, 5 ms apart. */
enum { PORT_LOOKS = 2000, PORT_LOOK_NS = 5000000 };

/* The disk for large bodies: the second one that QEMU's arguments name. */
#define BULK_DISK "/dev/vdb"

#define WORKERS "CLOUDLET_WORKERS="

static long call(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
}

#define call0(n) call(n, 0, 0, 0, 0, 0)
#define call1(n, a) call(n, (long)(a), 0, 0, 0, 0)
#define call2(n, a, b) call(n, (long)(a), (long)(b), 0, 0, 0)
#define call3(n, a, b, c) call(n, (long)(a), (long)(b), (long)(c), 0, 0)
#define call4(n, a, b, c, d) call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define call5(n, a, b, c, d, e) call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static void say(const char *text) {
  long length = 0;
  while (text[length] != 0) length++;
  call3(write_, CONSOLE, text, length);
}

static void say_number(unsigned long number) {
  char digits[21];
  int at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = '0' + number % 10; while ((number /= 10) != 0);
  say(digits + at);
}

/* QEMU runs with -no-reboot: a reboot ends it, and so the host sees at once that the machine is over. */
static void end_machine(void) {
  call4(reboot, 0xfee1dead, 672274793, AUTOBOOT, 0);
  for (;;) call1(exit_, 1); /* Of the first process: the kernel panics, which reboots. */
}

/* Ends the machine with one line on its console unless `result` is a success. */
static long must(const char *step, long result) {
  if (result >= 0) return result;
  say("init: "), say(step), say(" failed with error "), say_number(-result), say("\n");
  end_machine();
  return result;
}

/* Loads /modules/1.ko, /modules/2.ko, … until there is no further one. */
static void load_modules(void) {
  char path[] = "/modules/1.ko";
  for (;; path[9]++) {
    long file = call3(open_, path, 0, 0);
    if (file == -ENOENT) return;
    must(path, file);
    must(path, call3(finit_module, file, "", 0));
    call1(close_, file);
  }
}

static void mount_at(const char *type, const char *path, long flags, const char *options) {
  must(path, call5(mount, type, path, type, flags, options));
}

/* Whether the port of this device is the agent's. */
static int is_agents_port(int device) {
  char name[sizeof PORT_NAME - 1] = "";
  port_name_file[NAME_FILE_DEVICE] = port_file[FILE_DEVICE] = '0' + device;
  long file = call3(open_, port_name_file, 0, 0);
  if (file < 0) return 0;
  must(port_name_file, call3(read_, file, name, sizeof name));
  call1(close_, file);
  for (unsigned long at = 0; at < sizeof name; at++) {
    if (name[at] != PORT_NAME[at]) return 0;
  }
  return 1;
}

/* Leaves the path of the agent's port in `port_file`. The driver makes a port after it was loaded, and names it later still. */
static void find_port(void) {
  const long pause[2] = {0, PORT_LOOK_NS};
  for (int look = 0; look < PORT_LOOKS; look++) {
    for (int device = 0; device < DEVICES; device++) {
      if (is_agents_port(device)) return;
    }
    call2(nanosleep, pause, 0);
  }
  must("looking for the port called " PORT_NAME, -ENOENT);
}

/* What the kernel's command line says of workers: words that the kernel does not know become the environment of this program. */
static const char *find_workers(char **environment) {
  for (; *environment != 0; environment++) {
    int at = 0;
    while (WORKERS[at] != 0 && (*environment)[at] == WORKERS[at]) at++;
    if (WORKERS[at] == 0) return *environment;
  }
  return WORKERS "1";
}

/* Gives the agent the ports of its workers, each when the driver has made it. */
static void give_lines(long workers) {
  const long pause[2] = {0, PORT_LOOK_NS};
  line_file[FILE_DEVICE] = port_file[FILE_DEVICE];
  for (long port = FIRST_LINE; port < FIRST_LINE + workers; port++) {
    line_file[FILE_PORT] = port < 10 ? '0' + port : '0' + port / 10;
    line_file[FILE_PORT + 1] = port < 10 ? 0 : '0' + port % 10;
    long given = -ENOENT;
    for (int look = 0; given == -ENOENT && look < PORT_LOOKS; look++) {
      given = call3(chown, line_file, AGENT_ID, AGENT_ID);
      if (given == -ENOENT) call2(nanosleep, pause, 0);
    }
    must(line_file, given);
  }
}

/* The number that `find_workers` found. */
static long count_workers(const char *found) {
  long count = 0;
  for (found += sizeof WORKERS - 1; *found >= '0' && *found <= '9'; found++) count = 10 * count + (*found - '0');
  return count;
}

/* Gives the machine a time, randomness and a name of its own: a clone has those of its snapshot, which others have too. */
static void become(const struct identity *identity, long random) {
  static const char digits[] = "0123456789abcdef";
  struct { int bits, bytes; unsigned char entropy[sizeof identity->entropy]; } pool = {8 * sizeof identity->entropy, sizeof identity->entropy, {0}};
  char name[] = "machine-00000000";
  for (unsigned long at = 0; at < sizeof pool.entropy; at++) pool.entropy[at] = identity->entropy[at];
  for (int at = 0; at < 8; at++) name[8 + at] = digits[identity->id[at / 2] >> (at % 2 == 0 ? 4 : 0) & 15];
  must("setting the clock", call2(clock_settime, REALTIME, identity));
  must("adding entropy", call3(ioctl, random, ADD_ENTROPY, &pool));
  must("reseeding", call3(ioctl, random, RESEED, 0));
  must("sethostname", call2(sethostname, name, sizeof name - 1));
}

/* In a child that stays root: serves the control port for ever. It waits in the kernel, so that a clone answers before anything else
   in it has run. By poll: the driver takes back what was written only when somebody writes or polls, and as long as it has not, every
   interrupt of the machine wakes who reads, and so costs a look at nothing, and two changes of the address space, which empty what an
   emulator knows of it. */
static void serve_control(void) {
  const long pause[2] = {0, PORT_LOOK_NS};
  control_file[FILE_DEVICE] = port_file[FILE_DEVICE];
  long port = -ENOENT;
  /* The driver makes one port after the other, each a moment after its device. */
  for (int look = 0; (port == -ENOENT || port == -ENXIO) && look < PORT_LOOKS; look++) {
    port = call3(open_, control_file, RDWR, 0);
    if (port == -ENOENT || port == -ENXIO) call2(nanosleep, pause, 0);
  }
  must(control_file, port);
  long random = must("/dev/urandom", call3(open_, "/dev/urandom", RDWR, 0));
  struct identity identity;
  struct { int file; short wanted, found; } waits = {(int)port, POLLIN, 0};
  for (unsigned long length = 0;;) {
    long found = call3(poll_, &waits, 1, -1);
    if (found == -EINTR) continue;
    must("waiting for the control port", found);
    long got = call3(read_, port, (char *)&identity + length, sizeof identity - length);
    if (got == -EINTR) continue;
    must("reading the control port", got);
    /* Nobody is connected just now. */
    if (got == 0) call2(nanosleep, pause, 0);
    length += got;
    if (length < sizeof identity) continue;
    length = 0;
    become(&identity, random);
    must("answering", call3(write_, port, "k", 1));
  }
}

/* In the child: becomes the agent, which owns nothing but its ports and a temporary directory in memory. */
static void become_agent(char **environment) {
  /* Compiled functions are kept however long nobody calls them: a clone would compile them again. And nothing is collected because
     nobody has called for 8 seconds: every idle machine would work for a second, and write to pages that it shares with others. Code
     of WebAssembly that better code has replaced is kept, too: V8 (13.6) took code to which a suspended guest was about to return. */
  const char *arguments[] = {"node", "--disable-warning=ExperimentalWarning", "--no-flush-bytecode", "--no-memory-reducer",
                             "--no-wasm-code-gc", "/agent/agent.mjs", 0};
  const char *variables[] = {"HOME=/tmp", "PATH=/bin", "LD_LIBRARY_PATH=/lib", "CLOUDLET_PORT_NAME=" PORT_NAME,
                             find_workers(environment), 0};
  must("setgroups", call2(setgroups, 0, 0));
  must("setresgid", call3(setresgid, AGENT_ID, AGENT_ID, AGENT_ID));
  must("setresuid", call3(setresuid, AGENT_ID, AGENT_ID, AGENT_ID));
  must("no_new_privs", call5(prctl, NO_NEW_PRIVS, 1, 0, 0, 0));
  must("/bin/node", call3(execve, "/bin/node", arguments, variables));
}

/* The whole of it. `stack` is the kernel's: how many arguments, the arguments, 0, the environment, 0. */
void boot(long *stack) {
  char **environment = (char **)(stack + 1 + stack[0] + 1);
  mount_at("devtmpfs", "/dev", NOSUID | NOEXEC, 0);
  load_modules();
  must("the root disk", call5(mount, "/dev/vda", "/root", "ext4", RDONLY | NOATIME | NOSUID | NODEV, 0));
  mount_at("devtmpfs", "/root/dev", NOSUID | NOEXEC, 0);
  mount_at("proc", "/root/proc", NOSUID | NODEV | NOEXEC, 0);
  mount_at("sysfs", "/root/sys", NOSUID | NODEV | NOEXEC, 0);
  mount_at("tmpfs", "/root/tmp", NOSUID | NODEV, "size=64m,mode=1777");
  must("chdir", call1(chdir, "/root"));
  must("moving the root", call5(mount, ".", "/", 0, MOVE, 0));
  must("chroot", call1(chroot, "."));
  must("chdir", call1(chdir, "/"));
  must("sethostname", call2(sethostname, "machine", 7));
  find_port();
  must(port_file, call3(chown, port_file, AGENT_ID, AGENT_ID));
  give_lines(count_workers(find_workers(environment)));
  must(BULK_DISK, call3(chown, BULK_DISK, AGENT_ID, AGENT_ID));

  /* The boot was quiet. From here on the kernel says why a process ended: no memory was left, or where in its code it broke. */
  must("syslog", call3(syslog, SET_CONSOLE_LEVEL, 0, BELOW_DEBUG));

  long control = must("fork", call0(fork_));
  if (control == 0) serve_control();
  long agent = must("fork", call0(fork_));
  if (agent == 0) become_agent(environment);
  int status = 0;
  long ended = 0;
  while (ended != agent && ended != control) {
    ended = call4(wait4, -1, &status, 0, 0);
    if (ended != -EINTR) must("wait4", ended);
  }
  /* As shells say it: the exit status, or 128 and the signal. */
  say("init: the "), say(ended == agent ? "agent" : "control"), say(" ended with status "), say_number((status & 127) == 0 ? status >> 8 & 255 : 128 + (status & 127)), say("\n");
  end_machine();
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call boot\n");
