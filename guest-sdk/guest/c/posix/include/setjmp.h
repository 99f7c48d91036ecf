/* setjmp by WebAssembly's exceptions: the compiler (-wasm-enable-sjlj) calls what setjmp.c defines. */
#ifndef _SETJMP_H
#define _SETJMP_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct { void *__parts[8]; } jmp_buf[1];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf) __attribute__((__returns_twice__));
_Noreturn void longjmp(jmp_buf, int);

/* There are no signals whose mask could be kept. */
#define setjmp setjmp
#define _setjmp setjmp
#define _longjmp longjmp
#define sigsetjmp(place, mask) ((void)(mask), setjmp(place))
#define siglongjmp longjmp

#ifdef __cplusplus
}
#endif
#endif
