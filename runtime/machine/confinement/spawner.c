/*
 * Starts a program with less than its parent has. The arguments are a plan: steps that are done in their order, each a word and what
 * it takes, and at last `run` and the program. `plan.ts` writes plans and says what each step is for. One static program without libc,
 * since a chain of `unshare`, `prlimit`, `setpriv` and a shell costs an exec and a dynamic linking each; no step is skipped silently:
 * the first that fails ends everything and is named on the descriptor of `report`, with its error.
 *
 * `spawner.ts` holds what this compiles to; `programs.slow.test.ts` says how, and that both are the same.
 */

enum { read_, write_, open_ = 2, close_ = 3, poll_ = 7, lseek_ = 8, rt_sigprocmask = 14, dup2_ = 33, getpid_ = 39,
       fork_ = 57, execve_ = 59, exit_ = 60, wait4_ = 61, kill_ = 62, fcntl_ = 72, chdir_ = 80, mkdir_ = 83, setgroups_ = 116,
       setresuid_ = 117, setresgid_ = 119, getppid_ = 110, capset_ = 126, rt_sigtimedwait = 128, pivot_root = 155, prctl_ = 157,
       chroot_ = 161, mount_ = 165, umount2_ = 166, sethostname_ = 170, unshare_ = 272, pipe2_ = 293, prlimit64_ = 302, sched_setattr_ = 314, sched_getattr_ = 315,
       close_range_ = 436, mount_setattr_ = 442 };

/* Of <errno.h>, <fcntl.h>, <poll.h>, <signal.h>. */
enum { EINVAL = 22, EIO = 5, ENXIO = 6, SEEK_END_ = 2, SEEK_DATA_ = 3, SEEK_HOLE_ = 4, ENOSYS = 38, EEXIST = 17, ESRCH = 3, O_WRONLY = 1, O_CREAT = 64, O_CLOEXEC = 02000000, F_SETFD = 2, FD_CLOEXEC = 1,
       POLLIN = 1, POLLHUP = 16, SIGKILL = 9, SIGTERM = 15, SIGCHLD = 17, SIG_SETMASK = 2, EINTR = 4 };
/* Of <sys/mount.h>, <sys/prctl.h>, <linux/capability.h>, <linux/close_range.h>. */
enum { RDONLY = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8, REMOUNT = 32, BIND = 4096, REC = 16384, PRIVATE = 1 << 18, DETACH = 2,
       AT_FDCWD = -100, SET_PDEATHSIG = 1, SET_NAME = 15, CAPBSET_DROP = 24, SET_NO_NEW_PRIVS = 38, SET_THP_DISABLE = 41, CAP_AMBIENT = 47,
       CAP_AMBIENT_CLEAR_ALL = 4, CAP_VERSION_3 = 0x20080522 };

enum { MAX_GROUPS = 32, MAX_DESCRIPTORS = 1024, MAX_PATH = 4096, FAILED = 125 };

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

/* Where failures are said; and the step that is being done, to say which. */
static long report = 2;
static const char *step = "plan";
static const char *detail = "";

/* Process id of the parent that this must have; of this program as its parent sees it; and, after a fork, the read end of a pipe that
   the supervisor holds open as long as it lives: the child is in another process namespace and cannot see its parent's id. */
static long parent, self, lifeline = -1;

static long length_of(const char *text) {
  long length = 0;
  while (text[length] != 0) length++;
  return length;
}

static int same(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

static char *append(char *to, const char *text) {
  while (*text != 0) *to++ = *text++;
  *to = 0;
  return to;
}

static char *append_number(char *to, unsigned long number) {
  char digits[21];
  int at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = '0' + number % 10; while ((number /= 10) != 0);
  return append(to, digits + at);
}

/* One write a line: readers get whole lines. Returns an error where not all of it was written. */
static long say(const char *word, const char *first, const char *second, unsigned long number) {
  char line[MAX_PATH + 128];
  char *end = append(line, word);
  if (length_of(first) + length_of(second) > MAX_PATH) second = "";
  if (*first != 0) end = append(append(end, first), " ");
  if (*second != 0) end = append(append(end, second), " ");
  end = append(append_number(end, number), "\n");
  long written = call3(write_, report, line, end - line);
  return written < 0 || written == end - line ? written : -EIO;
}

static long must(long result) {
  if (result >= 0) return result;
  say("failed ", step, detail, -result);
  if (same(step, "run") && report != 2) report = 2, say("failed ", step, detail, -result); /* Nobody reads reports any more. */
  for (;;) call1(exit_, FAILED);
}

static unsigned long number_of(const char *text) {
  unsigned long number = 0;
  if (*text == 0) must(-EINVAL);
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9') must(-EINVAL);
    number = number * 10 + *text - '0';
  }
  return number;
}

static void write_file(const char *path, const char *text) {
  long file = must(call3(open_, path, O_WRONLY | O_CLOEXEC, 0));
  must(call3(write_, file, text, length_of(text)));
  call1(close_, file);
}

/* Maps one id of the new user namespace, and of its groups one, to the same id outside. */
static void map_id(const char *path, const char *id) {
  char line[64];
  number_of(id);
  append(append(append(append(line, id), " "), id), " 1");
  write_file(path, line);
}

/* Adds flags to a mount; a kernel before 5.12 has the older call, which sets them. */
static void restrict_mount(const char *path, long flags) {
  struct { unsigned long set, clear, propagation, user; } attributes = {flags, 0, 0, 0}; /* The four flags have the same bits. */
  long result = call5(mount_setattr_, AT_FDCWD, path, 0, &attributes, sizeof attributes);
  if (result == -ENOSYS) result = call5(mount_, 0, path, 0, REMOUNT | BIND | flags, 0);
  must(result);
}

/* Makes what a path needs above it, and for a directory itself, below the working directory. Returns the path as seen from there. */
static const char *make_place(const char *path, int is_directory) {
  static char place[MAX_PATH + 2];
  if (*path != '/' || length_of(path) >= MAX_PATH) must(-EINVAL);
  append(append(place, "."), path);
  for (char *at = place + 2; *at != 0; at++) {
    if (*at != '/') continue;
    *at = 0;
    long result = call2(mkdir_, place, 0755);
    *at = '/';
    if (result != -EEXIST) must(result);
  }
  if (is_directory) {
    long result = call2(mkdir_, place, 0755);
    if (result != -EEXIST) must(result);
  } else {
    call1(close_, must(call3(open_, place, O_WRONLY | O_CREAT | O_CLOEXEC, 0444)));
  }
  return place;
}

static void bind(const char *path, int is_directory, long flags) {
  const char *place = make_place(path, is_directory);
  must(call5(mount_, path, place, 0, BIND, 0));
  restrict_mount(place, flags | RDONLY | NOSUID);
}

/* A file system in memory becomes the working directory: the root to be. It lies over /proc, which every computer has and no plan takes
   anything from. Nothing that is mounted from here on is seen outside. */
static void begin_root(void) {
  must(call5(mount_, 0, "/", 0, REC | PRIVATE, 0));
  must(call5(mount_, "tmpfs", "/proc", "tmpfs", NOSUID | NODEV, "size=1m,mode=755"));
  must(call1(chdir_, "/proc"));
}

static void mount_proc(void) {
  const char *place = make_place("/proc", 1);
  long result = call5(mount_, "proc", place, "proc", RDONLY | NOSUID | NODEV | NOEXEC, "subset=pid");
  /* A kernel before 5.8 does not know the option. */
  if (result == -EINVAL) result = call5(mount_, "proc", place, "proc", RDONLY | NOSUID | NODEV | NOEXEC, 0);
  must(result);
}

/* The working directory becomes the root, and nothing else stays. */
static void enter_root(void) {
  long result = call2(pivot_root, ".", ".");
  if (result == -EINVAL) {
    /* The root is no mount, as in an initial file system or a `chroot`: it stays, out of reach. */
    must(call1(chroot_, "."));
  } else {
    must(result);
    must(call2(umount2_, ".", DETACH));
  }
  must(call1(chdir_, "/"));
  restrict_mount("/", RDONLY | NOSUID | NODEV);
}

/* Groups of a list such as "104,105", or none of "-". */
static void set_groups(const char *groups) {
  unsigned list[MAX_GROUPS];
  long count = 0;
  unsigned long number = 0;
  for (; !same(groups, "-"); groups++) {
    if (*groups >= '0' && *groups <= '9') {
      number = number * 10 + *groups - '0';
      continue;
    }
    if (count == MAX_GROUPS || (*groups != ',' && *groups != 0)) must(-EINVAL);
    list[count++] = number;
    number = 0;
    if (*groups == 0) break;
  }
  must(call2(setgroups_, count, list));
}

/* Gives up every capability and the way to any. Unless `base` is "-", becomes another user and group, too: `base` and the process id of
   what the parent started, which no other living process has. */
static void drop_privileges(const char *base, const char *groups) {
  const unsigned header[2] = {CAP_VERSION_3, 0};
  const unsigned none[6] = {0, 0, 0, 0, 0, 0};
  /* These fail for a capability that the kernel does not know, and for a user that has none to pass on: the last call takes them all. */
  for (long capability = 0; capability < 64; capability++) call5(prctl_, CAPBSET_DROP, capability, 0, 0, 0);
  call5(prctl_, CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (!same(base, "-")) {
    long id = number_of(base) + self;
    set_groups(groups);
    must(call3(setresgid_, id, id, id));
    must(call3(setresuid_, id, id, id));
  }
  must(call5(prctl_, SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  must(call2(capset_, header, none));
}

/* Ends with the parent from here on. The kernel forgets this at a change of identity, and does not know of a parent that ended before:
   a plan ties twice, at its begin, since steps may take the kernel seconds, and after its last change. */
static void tie_to_parent(void) {
  must(call5(prctl_, SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  if (lifeline < 0) {
    if (call0(getppid_) != parent) must(-ESRCH);
    return;
  }
  struct { int descriptor; short events, happened; } wanted = {lifeline, POLLIN, 0};
  if (must(call3(poll_, &wanted, 1, 0)) != 0) must(-ESRCH);
}

/* Says that all is set up, and waits for the parent's word: it sees to what it has to before the program can end. */
static void await_word(void) {
  char byte;
  if (lifeline < 0) say("pid ", "", "", self);
  say("ready ", "", "", 0);
  if (must(call3(read_, report, &byte, 1)) == 0) must(-ESRCH);
}

/* Ends as a child ended, so that who waits for this learns of that. */
static void end_as(long status) {
  const unsigned long none = 0;
  if ((status & 127) == 0) call1(exit_, status >> 8 & 255);
  call4(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  call2(kill_, call0(getpid_), status & 127);
  for (;;) call1(exit_, 128 + (status & 127));
}

/* What stays behind after a fork: waits for the child and ends as it did. A signal to end ends the child first. */
static void supervise(long child) {
  for (;;) {
    const unsigned long all = ~0UL;
    long signal = call4(rt_sigtimedwait, &all, 0, 0, sizeof all);
    int status = 0;
    if (signal == SIGCHLD) {
      if (call4(wait4_, child, &status, 1, 0) == child) end_as(status);
    } else if (signal > 0) {
      call2(kill_, child, SIGKILL);
      while (call4(wait4_, child, &status, 0, 0) == -EINTR) {}
      end_as(signal);
    }
  }
}

/* The rest of the plan is done by a child, which is the first process of the new process namespace; this holds nothing and waits. */
static void fork_child(const char *base, const char *groups) {
  int ends[2];
  const unsigned long all = ~0UL;
  unsigned long before;
  must(call2(pipe2_, ends, O_CLOEXEC));
  must(call4(rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all));
  long child = must(call0(fork_));
  if (child == 0) {
    call1(close_, ends[1]);
    lifeline = ends[0];
    must(call4(rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before));
    tie_to_parent();
    return;
  }
  say("pid ", "", "", child);
  drop_privileges(base, groups);
  tie_to_parent();
  /* Of the pipe only the end that is never written is kept. */
  call3(dup2_, ends[1], 0, 0);
  if (call3(close_range_, 1, ~0U, 0) < 0) {
    for (long descriptor = 1; descriptor < MAX_DESCRIPTORS; descriptor++) call1(close_, descriptor); /* A kernel before 5.9. */
  }
  supervise(child);
}

static void limit(const char *resource, const char *most) {
  unsigned long wanted[2], now[2];
  long number = number_of(resource);
  must(call4(prlimit64_, 0, number, 0, now));
  wanted[0] = wanted[1] = number_of(most) < now[1] ? number_of(most) : now[1];
  must(call4(prlimit64_, 0, number, wanted, 0));
}

/* How long a thread, 0 for this one, and all that it starts run before one that just woke up may. Linux before 6.12 knows no such wish and
   takes no notice of it; before 6.6 who slept comes first anyway. */
static void take_turns(const char *thread, const char *nanoseconds) {
  struct { unsigned size, policy; unsigned long flags; int nice; unsigned priority; unsigned long runtime, deadline, period; } wanted = {0};
  long id = number_of(thread);
  if (call4(sched_getattr_, id, &wanted, sizeof wanted, 0) < 0) return;
  wanted.runtime = number_of(nanoseconds);
  call3(sched_setattr_, id, &wanted, 0);
}

/*
 * Says where a file has data, by the places at which that begins and ends, and at last its size: all else are holes, so nothing may be lost.
 * A device may say that it ends where it begins.
 */
static void say_data(const char *file) {
  long descriptor = number_of(file), data;
  for (long place = 0; (data = call3(lseek_, descriptor, place, SEEK_DATA_)) != -ENXIO;) {
    place = must(call3(lseek_, descriptor, must(data), SEEK_HOLE_));
    if (place <= data) must(-EINVAL);
    must(say("", "", "", data));
    must(say("", "", "", place));
  }
  must(say("end ", "", "", must(call3(lseek_, descriptor, 0, SEEK_END_))));
}

static unsigned long namespace_of(const char *name) {
  if (same(name, "user")) return 0x10000000;
  if (same(name, "pid")) return 0x20000000;
  if (same(name, "net")) return 0x40000000;
  if (same(name, "ipc")) return 0x08000000;
  if (same(name, "uts")) return 0x04000000;
  if (same(name, "mount")) return 0x00020000;
  return must(-EINVAL);
}

/* Does the plan: `words` ends with 0. Every word that is missing is an error of the step that takes it. */
void spawn(long *stack) {
  char **word = (char **)(stack + 1) + 1;
  char **environment = (char **)(stack + 1 + stack[0] + 1);
  self = call0(getpid_);
  call5(prctl_, SET_NAME, "machine", 0, 0, 0);
  for (;;) {
    char *first = word[0] == 0 ? 0 : word[1];
    char *second = first == 0 ? 0 : word[2];
    step = word[0] == 0 ? "plan" : word[0];
    detail = "";
    if (same(step, "begin-root")) begin_root(), word += 1;
    else if (same(step, "proc")) mount_proc(), word += 1;
    else if (same(step, "enter-root")) enter_root(), word += 1;
    else if (same(step, "tie")) tie_to_parent(), word += 1;
    else if (same(step, "ready")) await_word(), word += 1;
    else if (same(step, "small-pages")) call5(prctl_, SET_THP_DISABLE, 1, 0, 0, 0), word += 1; /* A kernel that refuses has none. */
    else if (same(step, "end")) call1(exit_, 0);
    else if (first == 0) must(-EINVAL);
    else if (detail = first, same(step, "report")) must(call3(fcntl_, number_of(first), F_SETFD, FD_CLOEXEC)), report = number_of(first), word += 2;
    else if (same(step, "data")) say_data(first), word += 2;
    else if (same(step, "close")) must(call3(fcntl_, number_of(first), F_SETFD, FD_CLOEXEC)), word += 2;
    else if (same(step, "parent")) parent = number_of(first), tie_to_parent(), word += 2;
    else if (same(step, "unshare")) must(call1(unshare_, namespace_of(first))), word += 2;
    else if (same(step, "hostname")) must(call2(sethostname_, first, length_of(first))), word += 2;
    else if (same(step, "file")) bind(first, 0, NODEV), word += 2;
    else if (same(step, "folder")) bind(first, 1, NODEV), word += 2;
    else if (same(step, "device")) bind(first, 0, NOEXEC), word += 2;
    else if (same(step, "run")) must(call3(execve_, first, word + 1, environment));
    else if (second == 0) must(-EINVAL);
    else if (same(step, "limit")) limit(first, second), word += 3;
    else if (same(step, "turns")) take_turns(first, second), word += 3;
    else if (same(step, "fork")) fork_child(first, second), word += 3;
    else if (same(step, "drop")) drop_privileges(first, second), word += 3;
    else if (same(step, "map")) {
      write_file("/proc/self/setgroups", "deny");
      map_id("/proc/self/uid_map", first);
      map_id("/proc/self/gid_map", second);
      word += 3;
    } else must(-EINVAL);
  }
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call spawn\n");
