/* The command door: image on standard input, result on standard output. Exit status 1: bad input; 2: bad arguments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

static const char USAGE[] = "expected the arguments `thumbnail [WIDTH]` or `edges`";
static const uint32_t DEFAULT_WIDTH = 320;

static failure_t read_all(FILE *in, bytes_t *bytes) {
  size_t capacity = 1 << 16;
  *bytes = (bytes_t){malloc(capacity), 0};
  for (;;) {
    if (bytes->data == NULL) return "there is not enough memory for the input; send a smaller picture";
    bytes->length += fread(bytes->data + bytes->length, 1, capacity - bytes->length, in);
    if (ferror(in)) return "the input cannot be read";
    if (feof(in)) return NULL;
    if (bytes->length < capacity) continue;
    capacity *= 2;
    uint8_t *grown = realloc(bytes->data, capacity);
    if (grown == NULL) free(bytes->data);
    bytes->data = grown;
  }
}

static int refuse(const char *sentence, int status) {
  fprintf(stderr, "photo: %s\n", sentence);
  return status;
}

/* A width in decimal; 0, which no thumbnail can have, for anything else. */
static uint32_t parse_width(const char *text) {
  char *end;
  errno = 0;
  unsigned long width = strtoul(text, &end, 10);
  return errno != 0 || *end != '\0' || *text < '0' || *text > '9' || width > INT32_MAX ? 0 : (uint32_t)width;
}

int main(int argc, char **argv) {
  const char *job = argc > 1 ? argv[1] : "thumbnail";
  int is_thumbnail = !strcmp(job, "thumbnail");
  if ((!is_thumbnail && strcmp(job, "edges") != 0) || argc > (is_thumbnail ? 3 : 2)) return refuse(USAGE, 2);
  uint32_t width = argc > 2 ? parse_width(argv[2]) : DEFAULT_WIDTH;
  if (width == 0) return refuse("expected a width of at least 1 pixel in digits", 2);

  bytes_t input, encoded;
  failure_t failure = read_all(stdin, &input);
  if (failure == NULL) {
    failure = is_thumbnail ? thumbnail(input.data, input.length, width, &encoded) : edges(input.data, input.length, &encoded);
  }
  if (failure != NULL) return refuse(failure, 1);
  if (fwrite(encoded.data, 1, encoded.length, stdout) != encoded.length || fflush(stdout) != 0) {
    return refuse("the result cannot be written", 1);
  }
  return 0;
}
