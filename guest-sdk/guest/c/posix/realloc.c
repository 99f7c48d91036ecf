/*
 * Linked into every program: where the adapter from WASI 0.1 takes its memory. Without it the adapter grows the memory by a page, which this
 * libc's malloc takes for its own at its first use.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_bytes, size_t align, size_t bytes) {
  (void)old_bytes;
  void *place = NULL;
  if (old != NULL) place = realloc(old, bytes);
  else if (posix_memalign(&place, align < sizeof(void *) ? sizeof(void *) : align, bytes == 0 ? 1 : bytes) != 0) place = NULL;
  if (place == NULL) __builtin_trap();
  return place;
}
