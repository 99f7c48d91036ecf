/* A command for tests: what it does is in its arguments, what it reads goes to standard output. */
/* getentropy is an extension that -std=c11 hides. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int copy(FILE *in) {
  static char buffer[65536];
  size_t n;
  while ((n = fread(buffer, 1, sizeof buffer, in)) > 0) {
    if (fwrite(buffer, 1, n, stdout) != n) return 74;
  }
  return fflush(stdout) == 0 ? 0 : 74;
}

static int copy_file(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 66;
  }
  int status = copy(file);
  fclose(file);
  return status;
}

static int write_file(const char *path) {
  FILE *file = fopen(path, "w");
  if (!file || fputs("written\n", file) < 0 || fclose(file) != 0) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 73;
  }
  return 0;
}

/* `exit N`, `stderr TEXT`, `args`, `env`, `getenv`, `file PATH`, `need PATH`, `write PATH`, `count`, `time`, `random`, `spin`, `flood`, `abort`; else copy. */
int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  const char *operand = argc > 2 ? argv[2] : "";
  if (!strcmp(verb, "exit")) {
    int status = copy(stdin);
    return status ? status : atoi(operand);
  }
  if (!strcmp(verb, "stderr")) {
    fprintf(stderr, "%s\n", operand);
    return copy(stdin);
  }
  if (!strcmp(verb, "args")) {
    for (int i = 1; i < argc; i++) puts(argv[i]);
    return 0;
  }
  if (!strcmp(verb, "env")) {
    for (char **entry = environ; *entry; entry++) puts(*entry);
    return 0;
  }
  if (!strcmp(verb, "file")) return copy_file(operand);
  if (!strcmp(verb, "need")) {
    if (copy_file(operand) != 0) abort();
    return 0;
  }
  if (!strcmp(verb, "getenv")) {
    const char *mode = getenv("CAT_MODE");
    printf("%s\n", mode ? mode : "unset");
    return 0;
  }
  if (!strcmp(verb, "write")) return write_file(operand);
  if (!strcmp(verb, "count")) {
    size_t bytes = 0;
    while (getchar() != EOF) bytes++;
    printf("%zu\n", bytes);
    return 0;
  }
  if (!strcmp(verb, "discard") || !strcmp(verb, "fill")) {
    static char large[1024 * 1024];
    long left = *verb == 'f' ? atol(operand) : 0;
    if (*verb == 'd') {
      while (read(0, large, sizeof large) > 0) continue;
    }
    while (left > 0) {
      long wrote = write(1, large, left < (long)sizeof large ? left : (long)sizeof large);
      if (wrote <= 0) return 74;
      left -= wrote;
    }
    return 0;
  }
  if (!strcmp(verb, "time")) {
    printf("%lld\n", (long long)time(NULL));
    return 0;
  }
  if (!strcmp(verb, "random")) {
    unsigned char bytes[16];
    if (getentropy(bytes, sizeof bytes) != 0) return 70;
    for (size_t i = 0; i < sizeof bytes; i++) printf("%02x", bytes[i]);
    puts("");
    return 0;
  }
  if (!strcmp(verb, "spin")) {
    for (;;) __asm__ volatile("");
  }
  if (!strcmp(verb, "flood")) {
    static char line[4096];
    memset(line, 'x', sizeof line);
    for (;;) fwrite(line, 1, sizeof line, stdout);
  }
  if (!strcmp(verb, "abort")) abort();
  return copy(stdin);
}
