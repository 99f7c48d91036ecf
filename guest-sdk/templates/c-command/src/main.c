/* Standard input to standard output; what is wrong goes to standard error, and makes the exit status other than 0. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc > 2 || (argc == 2 && strcmp(argv[1], "--number") != 0)) {
    fprintf(stderr, "expected no argument or --number\n");
    return 2;
  }
  int lines = 0, at_start = 1;
  for (int c = getchar(); c != EOF; c = getchar()) {
    if (at_start && argc == 2) printf("%d ", ++lines);
    putchar(c);
    at_start = c == '\n';
  }
  return ferror(stdin) || fflush(stdout) != 0;
}
