/*
 * What the compiler calls for setjmp and longjmp (-wasm-enable-sjlj, LLVM 19): a jump is a WebAssembly exception, which each function with a
 * setjmp in it catches; one whose call it was not throws on.
 */
#include <stdint.h>

/** What a jmp_buf holds; `thrown` is what travels, and is in it so that a jump takes no memory. */
struct place {
  void *invocation;
  uint32_t label;
  struct {
    void *place;
    int value;
  } thrown;
};

void __wasm_setjmp(void *at, uint32_t label, void *invocation) {
  struct place *place = at;
  place->invocation = invocation;
  place->label = label;
}

uint32_t __wasm_setjmp_test(void *at, void *invocation) {
  struct place *place = at;
  return place->invocation == invocation ? place->label : 0;
}

void __wasm_longjmp(void *at, int value) {
  struct place *place = at;
  place->thrown.place = at;
  place->thrown.value = value == 0 ? 1 : value;
  __builtin_wasm_throw(1, &place->thrown);
}
