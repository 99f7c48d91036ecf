/* Hand-written canonical ABI, so that it may break the rules that a generator keeps. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
  void *data;
  uint32_t length;
} list_t;

static list_t returned;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  return size == 0 ? (void *)align : realloc(old, size);
}

EXPORT("spin") void spin(void) {
  for (;;) __asm__ volatile("");
}

EXPORT("recurse") uint32_t recurse(uint32_t depth) {
  volatile char pad[64];
  pad[0] = (char)depth;
  return depth == 0 ? 0 : 1 + recurse(depth - 1) + 0u * (uint32_t)pad[0];
}

EXPORT("bomb") uint32_t bomb(void) {
  for (uint32_t mib = 0;; mib++) {
    char *volatile block = malloc(1 << 20);
    if (!block) return mib;
    memset(block, 1, 1 << 20);
  }
}

EXPORT("trap") void trap(void) { __builtin_trap(); }

EXPORT("flood") uint32_t flood(uint32_t lines) {
  static char line[1024];
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\n';
  for (uint32_t i = 0; i < lines; i++) fwrite(line, 1, sizeof line, stderr);
  return lines;
}

static list_t *aliased(uint32_t count, uint32_t size) {
  uint8_t *bytes = malloc(size);
  list_t *lists = malloc(count * sizeof *lists);
  if (!bytes || !lists) __builtin_trap();
  memset(bytes, 'a', size);
  for (uint32_t i = 0; i < count; i++) lists[i] = (list_t){bytes, size};
  returned = (list_t){lists, count};
  return &returned;
}

EXPORT("amp") list_t *amp(uint32_t count, uint32_t size) { return aliased(count, size); }

EXPORT("amp-strings") list_t *amp_strings(uint32_t count, uint32_t size) { return aliased(count, size); }

EXPORT("out-of-bounds") list_t *out_of_bounds(void) {
  returned = (list_t){(void *)0xfffffff0u, 64};
  return &returned;
}

EXPORT("bad-utf8") list_t *bad_utf8(void) {
  static uint8_t bytes[] = {0x66, 0xc3, 0x28, 0xff};
  returned = (list_t){bytes, sizeof bytes};
  return &returned;
}

EXPORT("bad-char") uint32_t bad_char(void) { return 0xd800; }

EXPORT("count") uint32_t count(void) {
  static uint32_t calls;
  return ++calls;
}
