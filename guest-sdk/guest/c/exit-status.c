/*
 * Linked into every C command with --wrap=__wasi_proc_exit: gives the exact exit status to the host.
 * The adapter from WASI 0.1 alone only says whether it was 0.
 */
#include <stdint.h>

__attribute__((import_module("wasi:cli/exit@0.2.12"), import_name("exit-with-code"))) void exit_with_code(int32_t status);

_Noreturn void __wrap___wasi_proc_exit(uint32_t status) {
  exit_with_code((int32_t)(status & 0xff));
  __builtin_trap();
}
