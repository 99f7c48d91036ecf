/* A plain WASI 0.1 program, left as a core module: standard input in capitals. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
  for (int c = getchar(); c != EOF; c = getchar()) putchar(toupper(c));
  return 0;
}
