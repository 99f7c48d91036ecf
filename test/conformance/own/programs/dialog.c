/* A program of WASI 0.1 that is talked with: it says something, waits for an answer, and says that on both streams. */
#include <stdio.h>

int main(void) {
  char word[16] = "";
  puts("READY");
  fflush(stdout);
  if (scanf("%15s", word) != 1) return 1;
  fprintf(stderr, "heard %s\n", word);
  printf("bye %s", word);
  return 3;
}
