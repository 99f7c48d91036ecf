/* Files of WASI have no modes, owners and locks: to set them is to do nothing, to a file that is there. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static mode_t mask = 022;

mode_t umask(mode_t next) {
  mode_t old = mask;
  mask = next & 0777;
  return old;
}

static int found(const char *path) {
  struct stat stats;
  return stat(path, &stats);
}
static int held(int file) {
  struct stat stats;
  return fstat(file, &stats);
}

int chmod(const char *path, mode_t mode) {
  (void)mode;
  return found(path);
}
int fchmod(int file, mode_t mode) {
  (void)mode;
  return held(file);
}
int fchmodat(int folder, const char *path, mode_t mode, int flags) {
  (void)mode, (void)flags;
  struct stat stats;
  return fstatat(folder, path, &stats, 0);
}
int chown(const char *path, uid_t user, gid_t group) {
  (void)user, (void)group;
  return found(path);
}
int lchown(const char *path, uid_t user, gid_t group) {
  (void)user, (void)group;
  struct stat stats;
  return lstat(path, &stats);
}
int fchown(int file, uid_t user, gid_t group) {
  (void)user, (void)group;
  return held(file);
}
int fchownat(int folder, const char *path, uid_t user, gid_t group, int flags) {
  (void)user, (void)group;
  struct stat stats;
  return fstatat(folder, path, &stats, flags);
}
int flock(int file, int operation) {
  (void)operation;
  return held(file);
}
int lockf(int file, int operation, off_t length) {
  (void)operation, (void)length;
  return held(file);
}
void sync(void) {}

int mkfifo(const char *path, mode_t mode) {
  (void)path, (void)mode;
  return errno = ENOSYS, -1;
}
int mknod(const char *path, mode_t mode, dev_t device) {
  (void)path, (void)mode, (void)device;
  return errno = EPERM, -1;
}

/* WASI 0.1 can move a descriptor, and not have one twice. */
int dup(int file) {
  (void)file;
  return errno = ENOSYS, -1;
}
int dup2(int file, int as) {
  if (file == as) return held(file) == 0 ? as : -1;
  return errno = ENOSYS, -1;
}

static void spec(const struct timeval times[2], struct timespec into[2]) {
  for (int at = 0; at < 2; at++) into[at] = (struct timespec){times[at].tv_sec, 1000 * times[at].tv_usec};
}
int lutimes(const char *path, const struct timeval times[2]) {
  struct timespec both[2];
  if (times != NULL) spec(times, both);
  return utimensat(AT_FDCWD, path, times == NULL ? NULL : both, AT_SYMLINK_NOFOLLOW);
}
int futimes(int file, const struct timeval times[2]) {
  struct timespec both[2];
  if (times != NULL) spec(times, both);
  return futimens(file, times == NULL ? NULL : both);
}
