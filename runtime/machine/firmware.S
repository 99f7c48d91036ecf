# The two measuring guests of firmware.ts. Documentation: what runs is the deflated binary there.
#
#   as --64 [--defsym CLOCK=1] -o firmware.o firmware.S
#   ld -Ttext=0 --oformat binary -o firmware.bin firmware.o
#
# 64 KiB, mapped so that it ends at 4 GiB; the processor starts 16 bytes before its end, in real mode.

.code16
.org 0
start16:
  cli
  xor %ax, %ax
  lgdtl %cs:(gdtr - start16)
  mov %cr0, %eax
  or $1, %eax                       # protected mode
  mov %eax, %cr0
  ljmpl $0x08, $(0xFFFF0000 + (start32 - start16))

.code32
start32:
  mov $0x10, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $0x10000, %edi                # six zeroed pages: PML4, PDPT, four page directories
  xor %eax, %eax
  mov $(6*4096/4), %ecx
  cld
  rep stosl
  movl $0x11003, 0x10000
  movl $0x12003, 0x11000
  movl $0x13003, 0x11008
  movl $0x14003, 0x11010
  movl $0x15003, 0x11018
  mov $0x12000, %edi                # identity map of 4 GiB in pages of 2 MiB
  mov $0x83, %eax
  mov $2048, %ecx
1:
  mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  loop 1b
  mov %cr4, %eax
  or $0x20, %eax                    # physical address extension
  mov %eax, %cr4
  mov $0x10000, %eax
  mov %eax, %cr3
  mov $0xC0000080, %ecx
  rdmsr
  or $0x100, %eax                   # long mode
  wrmsr
  mov %cr0, %eax
  or $0x80000001, %eax              # paging
  mov %eax, %cr0
  ljmpl $0x18, $(0xFFFF0000 + (start64 - start16))

.code64
start64:
  mov $0x20000, %esp
.ifdef CLOCK
1:
  mov $0x3fd, %dx                   # COM1: wait for a byte
  inb %dx, %al
  test $1, %al
  jz 1b
  mov $0x3f8, %dx
  inb %dx, %al
  rdtsc
  shl $32, %rdx
  or %rax, %rdx
  mov %rdx, %rbx
  mov $8, %ecx
2:
  mov $0x3fd, %dx                   # send the counter, low byte first
  inb %dx, %al
  test $0x20, %al
  jz 2b
  mov $0x3f8, %dx
  mov %bl, %al
  outb %al, %dx
  shr $8, %rbx
  dec %ecx
  jnz 2b
  jmp 1b
.else
  mov $20000000, %ecx               # work that emulation cannot do in time
2:
  dec %ecx
  jnz 2b
  mov $0x200000, %edi
  mov $4096, %ecx
3:
  mov %rcx, (%rdi)
  add $4096, %rdi
  dec %ecx
  jnz 3b
  mov $0x15, %al                    # ends QEMU with status (0x15 << 1) | 1 = 43
  outb %al, $0xf4
4:
  hlt
  jmp 4b
.endif

.align 8
gdt:
  .quad 0
  .quad 0x00cf9a000000ffff
  .quad 0x00cf92000000ffff
  .quad 0x00af9a000000ffff
gdtr:
  .word gdtr - gdt - 1
  .long 0xFFFF0000 + (gdt - start16)

.org 0xfff0
.code16
  .byte 0xe9
  .word (start16 - . - 2) & 0xffff
.org 0xffff
  .byte 0
