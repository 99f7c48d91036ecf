/* What WASI's libc leaves out of <sys/stat.h>: WASI's files have no modes and no owners. */
#ifndef _CLOUDLET_SYS_STAT_H
#define _CLOUDLET_SYS_STAT_H
#include_next <sys/stat.h>
#define __NEED_mode_t
#include <bits/alltypes.h>
#ifdef __cplusplus
extern "C" {
#endif

mode_t umask(mode_t);
int chmod(const char *, mode_t);
int fchmod(int, mode_t);
int fchmodat(int, const char *, mode_t, int);
int mkfifo(const char *, mode_t);
int mknod(const char *, mode_t, dev_t);

#ifdef __cplusplus
}
#endif
#endif
