/* What WASI's libc leaves out of <arpa/inet.h>; refused when a program is linked. */
#ifndef _CLOUDLET_ARPA_INET_H
#define _CLOUDLET_ARPA_INET_H
#include_next <arpa/inet.h>
#ifdef __cplusplus
extern "C" {
#endif

in_addr_t inet_addr(const char *);
char *inet_ntoa(struct in_addr);

#ifdef __cplusplus
}
#endif
#endif
