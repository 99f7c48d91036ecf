/* Every way in which a C component comes by something random, and the clocks; over the raw imports where libc has no name for them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module "@0.2.12"), import_name(name)))

typedef struct {
  uint8_t *data;
  uint32_t length;
} bytes_t;

IMPORT("wasi:random/random", "get-random-bytes") void random_bytes(uint64_t length, bytes_t *result);
IMPORT("wasi:random/random", "get-random-u64") uint64_t random_u64(void);
IMPORT("wasi:random/insecure", "get-insecure-random-bytes") void insecure_bytes(uint64_t length, bytes_t *result);
IMPORT("wasi:random/insecure", "get-insecure-random-u64") uint64_t insecure_u64(void);
IMPORT("wasi:random/insecure-seed", "insecure-seed") void insecure_seed(uint64_t result[2]);

enum { LENGTH = 8 };

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)align;
  void *block = realloc(old, size);
  if (!block) __builtin_trap();
  return block;
}

static bytes_t returned;

static bytes_t *give(const char *text) {
  returned.length = strlen(text);
  returned.data = malloc(returned.length + 1);
  if (!returned.data) __builtin_trap();
  memcpy(returned.data, text, returned.length);
  return &returned;
}

/* Drawn when the instance is made, as a hash table's seed is: an instance that was made for a snapshot would give it to all clones. */
static uint8_t at_start[LENGTH];

__attribute__((constructor)) static void begin(void) {
  if (getentropy(at_start, sizeof at_start) != 0) __builtin_trap();
}

static char text[1024];

static void say(const char *name, const void *bytes) {
  const uint8_t *byte = bytes;
  char *end = text + strlen(text);
  end += sprintf(end, "%s ", name);
  for (int at = 0; at < LENGTH; at++) end += sprintf(end, "%02x", byte[at]);
  sprintf(end, "\n");
}

EXPORT("draw") bytes_t *draw(void) {
  bytes_t list;
  uint64_t number, pair[2];
  uint8_t block[LENGTH];
  text[0] = 0;
  random_bytes(LENGTH, &list), say("random-bytes", list.data);
  number = random_u64(), say("random-u64", &number);
  insecure_bytes(LENGTH, &list), say("insecure-bytes", list.data);
  number = insecure_u64(), say("insecure-u64", &number);
  insecure_seed(pair), say("insecure-seed-0", &pair[0]), say("insecure-seed-1", &pair[1]);
  if (getentropy(block, sizeof block) != 0) __builtin_trap();
  say("getentropy", block);
  if (__wasi_random_get(block, sizeof block) != 0) __builtin_trap();
  say("random-get", block);
  arc4random_buf(block, sizeof block), say("arc4random", block);
  say("at-start", at_start);
  return give(text);
}

EXPORT("clocks") uint64_t *clocks(void) {
  static uint64_t now[2];
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time), now[0] = time.tv_sec * 1000000000ull + time.tv_nsec;
  clock_gettime(CLOCK_MONOTONIC, &time), now[1] = time.tv_sec * 1000000000ull + time.tv_nsec;
  return now;
}

EXPORT("environment") bytes_t *environment(const char *name, uint32_t length) {
  char terminated[64] = "";
  memcpy(terminated, name, length < 63 ? length : 63);
  const char *value = getenv(terminated);
  return give(value ? value : "");
}

EXPORT("last-argument") bytes_t *last_argument(void) {
  size_t count, bytes;
  if (__wasi_args_sizes_get(&count, &bytes) != 0) __builtin_trap();
  uint8_t **words = malloc(count * sizeof *words), *block = malloc(bytes);
  if (!words || !block || __wasi_args_get(words, block) != 0) __builtin_trap();
  return give(count > 0 ? (const char *)words[count - 1] : "");
}

EXPORT("fill") uint32_t fill(uint32_t bytes) {
  volatile uint8_t *block = malloc(bytes);
  if (!block) __builtin_trap();
  for (uint32_t at = 0; at < bytes; at += 512) block[at] = at / 512 + 1;
  return bytes;
}
