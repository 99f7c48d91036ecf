/* A program of WASI 0.1, left as a core module: its exit status is what the test expects. */
#include <stdlib.h>

int main(void) { exit(77); }
