/*
 * Put before the C library of a QEMU (LD_PRELOAD): an open of /proc/self/fd/N gives a copy of descriptor N, with the rights that N has,
 * where the environment names N; every other open is the kernel's. QEMU before 8.2 opens the file of a memory backend for writing
 * even where it is mapped privately, and an open by path asks for the file's permissions again: so its user would have to be allowed
 * to write the snapshot that all clones share. A copy of a read-only descriptor maps privately just as well, and is no way to write.
 *
 * It also stands for libcapstone, of which QEMU only disassembles for people: two thirds of all relocations at its start are that library's, and
 * 1.3 MiB of each machine's memory. A loader takes a library for loaded that has its name; every function here says that it cannot.
 *
 * CLOUDLET_HELD_FILES is a list such as "r5,w6,": r is refused unless the descriptor is read-only.
 * `held-files.ts` holds what this compiles to; `programs.slow.test.ts` says how, and that both are the same.
 */

enum { fcntl_ = 72, openat_ = 257 };

/* Of <fcntl.h> and <errno.h>. */
enum { AT_FDCWD = -100, ACCMODE = 3, F_GETFL = 3, F_DUPFD_CLOEXEC = 1030, EACCES = 13 };

#define DIRECTORY "/proc/self/fd/"

/* The C library's, which is loaded anyway. */
extern int *__errno_location(void);
extern char *getenv(const char *name);

static long call4(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

/* The descriptor that a path names, and how it is held: 'r' or 'w'. Anything else is 0. */
static char held_as(const char *path, long *descriptor) {
  const char *prefix = DIRECTORY;
  const char *list = getenv("CLOUDLET_HELD_FILES");
  while (*prefix != 0) {
    if (*path++ != *prefix++) return 0;
  }
  for (; list != 0 && *list != 0; list++) {
    char how = *list++;
    const char *digit = path;
    long number = 0;
    int same = 1;
    for (; *list != ',' && *list != 0; list++) {
      number = number * 10 + *list - '0';
      if (same && *digit == *list) digit++;
      else same = 0;
    }
    if (same && *digit == 0) {
      *descriptor = number;
      return how;
    }
    if (*list == 0) return 0;
  }
  return 0;
}

static int open_held(long directory, const char *path, long flags, long mode) {
  long descriptor = -1;
  long result;
  char how = held_as(path, &descriptor);
  if (how == 0) result = call4(openat_, directory, (long)path, flags, mode);
  else if (how == 'r' && (call4(fcntl_, descriptor, F_GETFL, 0, 0) & ACCMODE) != 0) result = -EACCES;
  else result = call4(fcntl_, descriptor, F_DUPFD_CLOEXEC, 0, 0);
  if (result >= 0) return result;
  *__errno_location() = -result;
  return -1;
}

/* Every door of the C library through which QEMU opens. Their last argument is optional: a caller that has none leaves what is unused. */
int open(const char *path, long flags, long mode) { return open_held(AT_FDCWD, path, flags, mode); }
int open64(const char *path, long flags, long mode) { return open_held(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, long flags, long mode) { return open_held(directory, path, flags, mode); }
int openat64(int directory, const char *path, long flags, long mode) { return open_held(directory, path, flags, mode); }
int __open_2(const char *path, long flags) { return open_held(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, long flags) { return open_held(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char *path, long flags) { return open_held(directory, path, flags, 0); }
int __openat64_2(int directory, const char *path, long flags) { return open_held(directory, path, flags, 0); }

/* Of libcapstone, with its errors "invalid handle" and "unsupported option" or nothing. */
enum { CS_ERR_HANDLE = 4, CS_ERR_OPTION = 5 };
int cs_open(int architecture, int mode, void *handle) { return (void)architecture, (void)mode, (void)handle, CS_ERR_HANDLE; }
int cs_close(void *handle) { return (void)handle, CS_ERR_HANDLE; }
int cs_option(unsigned long handle, int type, unsigned long value) { return (void)handle, (void)type, (void)value, CS_ERR_OPTION; }
void *cs_malloc(unsigned long handle) { return (void)handle, (void *)0; }
_Bool cs_disasm_iter(unsigned long handle, const void **code, unsigned long *size, unsigned long *address, void *instruction) {
  return (void)handle, (void)code, (void)size, (void)address, (void)instruction, 0;
}
