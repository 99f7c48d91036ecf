/*
 * Reads of files that give all that is asked and there, as on Linux, where programs do not ask twice: a host gives only as much at once as it
 * likes. What comes from elsewhere, as standard input does, comes as it comes.
 */
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int is_file(int file) {
  struct stat stats;
  return fstat(file, &stats) == 0 && S_ISREG(stats.st_mode);
}

ssize_t __real_read(int file, void *into, size_t bytes);
ssize_t __wrap_read(int file, void *into, size_t bytes) {
  ssize_t got = __real_read(file, into, bytes);
  if (got <= 0 || (size_t)got == bytes || !is_file(file)) return got;
  for (ssize_t more; (size_t)got < bytes && (more = __real_read(file, (char *)into + got, bytes - got)) > 0;) got += more;
  return got;
}

ssize_t __real_pread(int file, void *into, size_t bytes, off_t at);
ssize_t __wrap_pread(int file, void *into, size_t bytes, off_t at) {
  ssize_t got = __real_pread(file, into, bytes, at);
  if (got <= 0 || (size_t)got == bytes || !is_file(file)) return got;
  for (ssize_t more; (size_t)got < bytes && (more = __real_pread(file, (char *)into + got, bytes - got, at + got)) > 0;)
    got += more;
  return got;
}
