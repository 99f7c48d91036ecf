/* What WASI's libc leaves out of <sys/mman.h>; its mmap reads a file into memory. */
#ifndef _CLOUDLET_SYS_MMAN_H
#define _CLOUDLET_SYS_MMAN_H
#include_next <sys/mman.h>
#ifdef __cplusplus
extern "C" {
#endif

int mprotect(void *, size_t, int);
int msync(void *, size_t, int);
int madvise(void *, size_t, int);
int posix_madvise(void *, size_t, int);
int mlock(const void *, size_t);
int munlock(const void *, size_t);

#ifdef __cplusplus
}
#endif
#endif
