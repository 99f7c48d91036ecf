/*
 * Stands for libpmem before a QEMU: it is for memory modules that keep their content, which no machine has, and brings five libraries with it, of
 * which OpenSSL alone is 400 KiB of relocated pages in each machine. `stand-ins.ts` holds what this compiles to, and sees that a QEMU finds all it asks for.
 */

/* Where a library of this name would write through to its module. Nobody calls them; who does ends. */
void *pmem_memcpy_persist(void *to, const void *from, unsigned long length) { return (void)to, (void)from, (void)length, __builtin_trap(), (void *)0; }
void pmem_persist(const void *address, unsigned long length) { (void)address, (void)length, __builtin_trap(); }
