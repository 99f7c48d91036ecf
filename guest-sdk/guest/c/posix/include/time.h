/* What WASI's libc leaves out of <time.h>: all times are UTC. */
#ifndef _CLOUDLET_TIME_H
#define _CLOUDLET_TIME_H
#include_next <time.h>
#ifdef __cplusplus
extern "C" {
#endif

void tzset(void);
extern char *tzname[2];
extern long timezone;
extern int daylight;

#ifdef __cplusplus
}
#endif
#endif
