/* Says what the files are that its arguments name: "stat PATH" how long, "read PATH" what is in it, "list PATH" what is below. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int show(const char *word, const char *path) {
  if (strcmp(word, "stat") == 0) {
    struct stat at;
    if (stat(path, &at) < 0) return -1;
    printf("%s has %lld bytes\n", path, (long long)at.st_size);
  } else if (strcmp(word, "list") == 0) {
    DIR *directory = opendir(path);
    if (!directory) return -1;
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    printf("%s has %d entries\n", path, count - 2);
  } else {
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    printf("%s: ", path);
    for (int c; (c = getc(file)) != EOF;) putchar(c);
    if (ferror(file)) return -1;
    fclose(file);
    puts("");
  }
  return 0;
}

int main(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (show(argv[i], argv[i + 1]) < 0) {
      fprintf(stderr, "%s: %s\n", argv[i + 1], strerror(errno));
      return 1;
    }
    fflush(stdout);
  }
  return 0;
}
