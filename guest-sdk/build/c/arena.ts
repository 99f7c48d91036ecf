/**
 * Memory of one call, in C: every block that the host allocates for arguments and for what imports give, and every block taken for
 * the answer, is noted and freed when the answer has been read.
 *
 * The adapter of WASI 0.1 keeps its own state in memory from `cabi_realloc_adapter` for the life of the instance, so that one is plain.
 * A block of size 0 is never asked of malloc: by the canonical ABI its address only has to be aligned.
 */
export const ARENA = `#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

static struct {
  void **blocks;
  size_t count;
  size_t capacity;
} arena;

static void *take(void *old, size_t size) {
  void *block = realloc(old, size);
  if (block == NULL) __builtin_trap();
  return block;
}

static void *keep(void *block) {
  if (block == NULL) return NULL;
  if (arena.count == arena.capacity) {
    arena.capacity = arena.capacity == 0 ? 64 : arena.capacity * 2;
    arena.blocks = take(arena.blocks, arena.capacity * sizeof *arena.blocks);
  }
  return arena.blocks[arena.count++] = block;
}

static void release(size_t mark) {
  while (arena.count > mark) free(arena.blocks[--arena.count]);
}

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (size == 0) return (void *)align;
  if (old_size == 0) return keep(take(NULL, size));
  for (size_t at = arena.count; at > 0; at--) {
    if (arena.blocks[at - 1] == old) return arena.blocks[at - 1] = take(old, size);
  }
  return keep(take(old, size));
}

EXPORT("cabi_realloc_adapter") void *cabi_realloc_adapter(void *old, size_t old_size, size_t align, size_t size) {
  if (size == 0) return (void *)align;
  return take(old_size == 0 ? NULL : old, size);
}

/* Inside a variant the bits of a float may come in an integer. */
__attribute__((unused)) static float f32_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

__attribute__((unused)) static double f64_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

__attribute__((unused)) static uint32_t bits_of_f32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

__attribute__((unused)) static uint64_t bits_of_f64(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
`;
