/* Walks through the file calls of wasi-libc in its working directory and prints what each answered. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

static void show(const char *path) {
  char buffer[64];
  int file = open(path, O_RDONLY);
  long n = file < 0 ? -1 : read(file, buffer, sizeof buffer - 1);
  if (n < 0) {
    say(path, -1);
  } else {
    buffer[n] = 0;
    printf("%s = \"%s\"\n", path, buffer);
  }
  if (file >= 0) close(file);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) {
    say(path, -1);
    return;
  }
  char *names[64];
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) && count < 64;)
    if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, count, sizeof *names, by_text);
  printf("%s:", path);
  for (size_t i = 0; i < count; i++) printf(" %s", names[i]);
  puts("");
}

static void kind(const char *path) {
  struct stat at;
  if (lstat(path, &at) < 0) {
    say(path, -1);
    return;
  }
  const char *word = S_ISDIR(at.st_mode) ? "directory" : S_ISLNK(at.st_mode) ? "link" : S_ISREG(at.st_mode) ? "file" : "?";
  printf("%s is a %s of %lld bytes\n", path, word, S_ISREG(at.st_mode) ? (long long)at.st_size : 0LL);
}

int main(void) {
  int file = open("a", O_CREAT | O_EXCL | O_RDWR, 0666);
  say("create a", file);
  say("create it again", open("a", O_CREAT | O_EXCL | O_RDWR, 0666));
  say("write", write(file, "hello world", 11));
  say("pwrite", pwrite(file, "HE", 2, 0));
  printf("seek to %lld\n", (long long)lseek(file, 0, SEEK_END));
  char two[3] = {0};
  say("pread", pread(file, two, 2, 9));
  printf("pread \"%s\"\n", two);
  say("cut", ftruncate(file, 5));
  say("grow", ftruncate(file, 8));
  printf("at %lld\n", (long long)lseek(file, 0, SEEK_END));
  say("cut", ftruncate(file, 5));
  say("sync", fsync(file));
  say("close", close(file));
  show("a");

  file = open("a", O_WRONLY | O_APPEND);
  say("append", write(file, "!", 1));
  say("read what is only for writing", read(file, two, 1));
  close(file);
  show("a");
  file = open("a", O_RDONLY);
  say("write what is only for reading", write(file, "x", 1));
  close(file);

  say("mkdir", mkdir("d", 0777));
  say("mkdir again", mkdir("d", 0777));
  say("mkdir in nothing", mkdir("n/d", 0777));
  say("create d/b", close(open("d/b", O_CREAT | O_WRONLY, 0666)));
  say("rmdir full", rmdir("d"));
  say("open directory for writing", open("d", O_WRONLY));
  say("unlink directory", unlink("d"));
  say("rmdir file", rmdir("a"));
  say("file as directory", open("a/b", O_RDONLY));
  list(".");
  list("d");

  int directory = open("d", O_RDONLY | O_DIRECTORY);
  say("open d", directory);
  file = openat(directory, "c", O_CREAT | O_RDWR, 0666);
  say("openat", file);
  say("mkdirat", mkdirat(directory, "e", 0777));
  say("above the root", open("../outside", O_RDONLY));
  say("unlinkat", unlinkat(directory, "e", AT_REMOVEDIR));
  say("unlink open file", unlinkat(directory, "c", 0));
  say("write to it", write(file, "still", 5));
  struct stat at;
  say("stat it", fstat(file, &at));
  printf("%lld bytes\n", (long long)at.st_size);
  close(file);
  close(directory);
  list("d");

  say("rename into directory", rename("a", "d/a"));
  say("rename away", rename("d/a", "a2"));
  say("create over", close(open("over", O_CREAT | O_WRONLY, 0666)));
  say("rename over", rename("a2", "over"));
  show("over");
  say("rename nothing", rename("nothing", "x"));
  say("directory over file", rename("d", "over"));
  say("file over directory", rename("over", "d"));
  say("directory into itself", rename("d", "d/d"));
  say("hard link", link("over", "second"));
  kind("second");
  say("unlink first", unlink("over"));
  show("second");
  say("unlink second", unlink("second"));
  say("rmdir", unlink("d/b") | rmdir("d"));
  list(".");
  return 0;
}
