#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define STORE(name) __attribute__((import_module("wasi:keyvalue/store@0.2.0-draft2"), import_name(name)))

typedef int32_t handle;

typedef union {
  uint8_t tag;
  int32_t words[8];
} answer;

STORE("open") void store_open(const char *, size_t, answer *);
STORE("[method]bucket.get") void bucket_get(handle, const char *, size_t, answer *);
STORE("[method]bucket.set") void bucket_set(handle, const char *, size_t, const char *, size_t, answer *);
STORE("[resource-drop]bucket") void bucket_drop(handle);

static char arena[1 << 12];
static size_t used;

/* Given back all at once, before the next question. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

EXPORT("get") uint32_t get(uint32_t times) {
  static char value[100];
  answer got;
  store_open("bench", 5, &got);
  if (got.tag != 0) __builtin_trap();
  handle bucket = got.words[1];
  bucket_set(bucket, "key", 3, value, sizeof value, &got);
  if (got.tag != 0) __builtin_trap();
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < times; i++) {
    used = 0;
    bucket_get(bucket, "key", 3, &got);
    /* A result with an option in it: its tag, and address and length of the value. */
    if (got.tag != 0 || (uint8_t)got.words[1] != 1) __builtin_trap();
    bytes += (uint32_t)got.words[3];
  }
  bucket_drop(bucket);
  return bytes;
}
