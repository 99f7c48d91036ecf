/* What WASI's libc leaves out of <stdlib.h>. */
#ifndef _CLOUDLET_STDLIB_H
#define _CLOUDLET_STDLIB_H
#include_next <stdlib.h>
#ifdef __cplusplus
extern "C" {
#endif

int mkstemp(char *);
int mkstemps(char *, int);
char *mkdtemp(char *);
char *mktemp(char *);
char *realpath(const char *__restrict, char *__restrict);
char *secure_getenv(const char *);
int getloadavg(double *, int);

#ifdef __cplusplus
}
#endif
#endif
