/*
 * The random numbers of glibc, for the same seeds: a program that draws its noise by them gives what it gives on Debian, to the last bit.
 */
#include <stdint.h>
#include <stdlib.h>

enum { DEGREE = 31, SEPARATION = 3, WARM_UP = 10 * DEGREE };

static int32_t state[DEGREE];
static int at = -1;

/* Weak: a program that keeps states of its own (initstate) has all of WASI's libc's. */
#define WEAK __attribute__((weak))

WEAK void srandom(unsigned seed) {
  int32_t word = seed == 0 ? 1 : (int32_t)seed;
  state[0] = word;
  for (int i = 1; i < DEGREE; i++) {
    /* 16807 × word modulo 2^31 - 1, without leaving 32 bits. */
    word = 16807 * (word % 127773) - 2836 * (word / 127773);
    if (word < 0) word += 2147483647;
    state[i] = word;
  }
  at = 0;
  for (int i = 0; i < WARM_UP; i++) (void)random();
}

WEAK long random(void) {
  if (at < 0) srandom(1);
  uint32_t next = (uint32_t)state[(at + SEPARATION) % DEGREE] + (uint32_t)state[at];
  state[(at + SEPARATION) % DEGREE] = (int32_t)next;
  at = (at + 1) % DEGREE;
  return (long)(next >> 1);
}

WEAK int rand(void) { return (int)random(); }
WEAK void srand(unsigned seed) { srandom(seed); }
