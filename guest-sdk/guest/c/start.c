/*
 * Linked into a command that exports a world too, in place of the libc's start: what is global is constructed once, when the
 * instance begins, and not anew around each export, in whose answer it may be.
 */
#include <stdlib.h>

int __main_void(void);

__attribute__((export_name("_start"))) void cloudlet_start(void) { exit(__main_void()); }
