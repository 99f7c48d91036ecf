/* By hand over the canonical ABI, as in `../stores/stores.c`. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define STORE(name) __attribute__((import_module("wasi:keyvalue/store@0.2.0-draft"), import_name(name)))
#define ATOMICS(name) __attribute__((import_module("wasi:keyvalue/atomics@0.2.0-draft"), import_name(name)))

typedef int32_t handle;
typedef struct {
  _Alignas(8) uint32_t word[12];
} answer;

STORE("open") void kv_open(const char *, size_t, answer *);
STORE("[method]bucket.set") void bucket_set(handle, const char *, size_t, const void *, size_t, answer *);
STORE("[method]bucket.delete") void bucket_delete(handle, const char *, size_t, answer *);
STORE("[method]bucket.list-keys") void bucket_list(handle, int32_t, uint64_t, answer *);
ATOMICS("increment") void increment(handle, const char *, size_t, uint64_t, answer *);

static _Alignas(8) char arena[1024 * 1024];
static size_t used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

static answer got;

static handle bucket(void) {
  used = 0;
  kv_open("default", 7, &got);
  if ((uint8_t)got.word[0]) __builtin_trap();
  return (handle)got.word[1];
}

static void key_of(int index, char key[4]) {
  for (int at = 3; at >= 0; at--, index /= 10) key[at] = (char)('0' + index % 10);
}

EXPORT("pages") uint32_t *pages(void) {
  static uint32_t counted[2];
  handle keys = bucket();
  char key[4];
  for (int index = 0; index < 1500; index++) {
    key_of(index, key);
    bucket_set(keys, key, sizeof key, key, 1, &got);
    if ((uint8_t)got.word[0]) __builtin_trap();
  }
  counted[0] = counted[1] = 0;
  int32_t more = 0;
  uint64_t cursor = 0;
  do {
    used = 0;
    bucket_list(keys, more, cursor, &got);
    if ((uint8_t)got.word[0]) __builtin_trap();
    counted[0]++;
    counted[1] += got.word[3];
    more = (uint8_t)got.word[4];
    memcpy(&cursor, got.word + 6, sizeof cursor);
  } while (more);
  for (int index = 0; index < 1500; index++) {
    key_of(index, key);
    bucket_delete(keys, key, sizeof key, &got);
  }
  return counted;
}

EXPORT("add") uint64_t add(uint64_t delta) {
  handle keys = bucket();
  increment(keys, "sum", 3, delta, &got);
  increment(keys, "sum", 3, delta, &got);
  if ((uint8_t)got.word[0]) __builtin_trap();
  uint64_t sum;
  memcpy(&sum, got.word + 2, sizeof sum);
  return sum;
}
