#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(name)))

#define PIECE 65536u

static char piece[PIECE];

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  return size == 0 ? (void *)align : realloc(old, size);
}

EXPORT("read-clock") void read_clock(uint32_t times) {
  struct timespec now;
  for (uint32_t i = 0; i < times; i++)
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) __builtin_trap();
}

EXPORT("draw-random") void draw_random(uint32_t times, uint32_t bytes) {
  if (bytes > PIECE) __builtin_trap();
  for (uint32_t i = 0; i < times; i++)
    for (uint32_t at = 0; at < bytes; at += 256)
      if (getentropy(piece + at, bytes - at < 256 ? bytes - at : 256) != 0) __builtin_trap();
}

static uint32_t write_all(int to, uint32_t bytes) {
  uint32_t done = 0;
  while (done < bytes) {
    ssize_t n = write(to, piece, bytes - done < PIECE ? bytes - done : PIECE);
    if (n <= 0) __builtin_trap();
    done += (uint32_t)n;
  }
  return done;
}

EXPORT("write-file") uint32_t write_file(uint32_t bytes) {
  int file = open("work", O_CREAT | O_TRUNC | O_WRONLY, 0666);
  if (file < 0) __builtin_trap();
  uint32_t done = write_all(file, bytes);
  close(file);
  return done;
}

EXPORT("read-file") uint32_t read_file(void) {
  int file = open("work", O_RDONLY);
  if (file < 0) __builtin_trap();
  uint32_t done = 0;
  for (ssize_t n; (n = read(file, piece, PIECE)) > 0;) done += (uint32_t)n;
  close(file);
  return done;
}

EXPORT("write-stdout") uint32_t write_stdout(uint32_t bytes) { return write_all(1, bytes); }
