/* Advice about memory that a program may give; WebAssembly's has neither protection nor a disk behind it. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

int madvise(void *at, size_t bytes, int advice) { return (void)at, (void)bytes, (void)advice, 0; }
int posix_madvise(void *at, size_t bytes, int advice) { return (void)at, (void)bytes, (void)advice, 0; }
int mlock(const void *at, size_t bytes) { return (void)at, (void)bytes, 0; }
int munlock(const void *at, size_t bytes) { return (void)at, (void)bytes, 0; }
int msync(void *at, size_t bytes, int flags) { return (void)at, (void)bytes, (void)flags, 0; }
/* To allow more than there is cannot be refused; to forbid cannot be kept. */
int mprotect(void *at, size_t bytes, int protection) {
  (void)at, (void)bytes;
  if ((protection & (PROT_READ | PROT_WRITE)) == (PROT_READ | PROT_WRITE)) return 0;
  return errno = ENOSYS, -1;
}
