/* Temporary files, where the function has scratch: in TMPDIR, or /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 };

/* Six letters in place of the six X before `tail` characters; 0 when there are none. */
static int rename_template(char *template, int tail) {
  static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  size_t length = strlen(template);
  if (tail < 0 || length < 6 + (size_t)tail) return errno = EINVAL, 0;
  char *at = template + length - tail - 6;
  unsigned char bytes[6];
  if (getentropy(bytes, sizeof bytes) != 0) return 0;
  for (int i = 0; i < 6; i++) at[i] = LETTERS[bytes[i] % 36];
  return 1;
}

static int is_template(const char *template, int tail) {
  size_t length = strlen(template);
  if (tail >= 0 && length >= 6 + (size_t)tail && memcmp(template + length - tail - 6, "XXXXXX", 6) == 0) return 1;
  errno = EINVAL;
  return 0;
}

int mkstemps(char *template, int tail) {
  if (!is_template(template, tail)) return -1;
  for (int tries = 0; tries < TRIES && rename_template(template, tail); tries++) {
    int file = open(template, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}
int mkstemp(char *template) { return mkstemps(template, 0); }

char *mkdtemp(char *template) {
  if (!is_template(template, 0)) return NULL;
  for (int tries = 0; tries < TRIES && rename_template(template, 0); tries++) {
    if (mkdir(template, 0700) == 0) return template;
    if (errno != EEXIST) return NULL;
  }
  return NULL;
}

char *mktemp(char *template) {
  if (!is_template(template, 0)) return *template = 0, template;
  for (int tries = 0; tries < TRIES && rename_template(template, 0); tries++)
    if (access(template, F_OK) != 0) return template;
  return *template = 0, template;
}

static const char *folder(void) {
  const char *named = getenv("TMPDIR");
  return named == NULL || *named == 0 ? "/tmp" : named;
}

FILE *tmpfile(void) {
  char path[256];
  if (snprintf(path, sizeof path, "%s/tmpXXXXXX", folder()) >= (int)sizeof path) return errno = ENAMETOOLONG, NULL;
  int file = mkstemp(path);
  if (file < 0) return NULL;
  unlink(path);
  return fdopen(file, "w+");
}

char *tmpnam(char *into) {
  static char own[L_tmpnam];
  char *path = into == NULL ? own : into;
  strcpy(path, "/tmp/tmpXXXXXX");
  return *mktemp(path) == 0 ? NULL : path;
}

char *tempnam(const char *where, const char *prefix) {
  char *path;
  if (asprintf(&path, "%s/%.5sXXXXXX", where == NULL ? folder() : where, prefix == NULL ? "" : prefix) < 0) return NULL;
  if (*mktemp(path) != 0) return path;
  free(path);
  return NULL;
}
