/* What WASI's libc leaves out of <stdio.h>. */
#ifndef _CLOUDLET_STDIO_H
#define _CLOUDLET_STDIO_H
#include_next <stdio.h>
#ifdef __cplusplus
extern "C" {
#endif

#define P_tmpdir "/tmp"
#define L_tmpnam 20
#define TMP_MAX 10000

FILE *popen(const char *, const char *);
int pclose(FILE *);
FILE *tmpfile(void);
char *tmpnam(char *);
char *tempnam(const char *, const char *);

#ifdef __cplusplus
}
#endif
#endif
