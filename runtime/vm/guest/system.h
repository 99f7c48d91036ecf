/*
 * What a program without libc needs of Linux on x86-64: system calls and their numbers, and to say why a machine ends.
 */

typedef unsigned char byte;

enum { read_, write_, open_ = 2, close_ = 3, mmap_ = 9, munmap_ = 11, rt_sigprocmask = 14, ioctl_ = 16, dup2_ = 33, nanosleep_ = 35,
       socket_ = 41, connect_ = 42, shutdown_ = 48, bind_ = 49, listen_ = 50, setsockopt_ = 54, getsockopt_ = 55, fork_ = 57,
       execve_ = 59, exit_ = 60, wait4_ = 61, kill_ = 62, fcntl_ = 72, chdir_ = 80, mkdir_ = 83, symlink_ = 88, setsid_ = 112, chroot_ = 161,
       sync_ = 162, mount_ = 165, reboot_ = 169, sethostname_ = 170, clock_settime = 227, epoll_wait_ = 232, epoll_ctl_ = 233,
       accept4_ = 288, signalfd4_ = 289, epoll_create1_ = 291, pipe2_ = 293, finit_module = 313 };

/* Of <errno.h>, <fcntl.h>, <signal.h>, <sys/mman.h>. */
enum { ENOENT = 2, EINTR = 4, ENXIO = 6, E2BIG = 7, EAGAIN = 11, EBUSY = 16, EEXIST = 17, EPROTO = 71, EINPROGRESS = 115, O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2,
       O_NOCTTY = 0400, O_NONBLOCK = 04000, O_CLOEXEC = 02000000, F_SETFL = 4, SIGKILL = 9, SIGCHLD = 17, SIG_BLOCK = 0, SIG_SETMASK = 2, PROT_RW = 3,
       MAP_PRIVATE_ANONYMOUS = 0x22 };
/* Of <sys/socket.h>, <netinet/in.h>, <sys/epoll.h>. */
enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_LINGER = 13, SHUT_WR = 1, IPPROTO_TCP = 6,
       TCP_NODELAY = 1, EPOLL_ADD = 1, EPOLL_DELETE = 2, EPOLL_CHANGE = 3, EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16,
       EPOLLRDHUP = 0x2000 };
#define EPOLLET (1u << 31)
#define LOOPBACK 0x0100007f /* 127.0.0.1, in the order of the network */

struct event { unsigned events; unsigned long data; } __attribute__((packed));
struct address { unsigned short family, port; unsigned host, rest[2]; };

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

#define call0(n) call(n, 0, 0, 0, 0, 0, 0)
#define call1(n, a) call(n, (long)(a), 0, 0, 0, 0, 0)
#define call2(n, a, b) call(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define call3(n, a, b, c) call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define call4(n, a, b, c, d) call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define call5(n, a, b, c, d, e) call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define call6(n, a, b, c, d, e, f) call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The compiler may ask for these two by itself. */
void *memcpy(void *to, const void *from, unsigned long length) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
  return start;
}
void *memset(void *to, int value, unsigned long length) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(value) : "memory");
  return start;
}

static unsigned long length_of(const char *text) {
  unsigned long length = 0;
  while (text[length] != 0) length++;
  return length;
}

static void say(const char *text) { call3(write_, 1, text, length_of(text)); }

static void say_number(unsigned long number) {
  char digits[21];
  int at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = '0' + number % 10; while ((number /= 10) != 0);
  say(digits + at);
}

/* QEMU runs with -no-reboot: a reboot ends it, and so the host sees at once that the machine is over. */
static void end_machine(void) {
  call4(reboot_, 0xfee1dead, 672274793, 0x01234567, 0);
  for (;;) call1(exit_, 1); /* Of the first process: the kernel panics, which reboots. */
}

/* Ends the machine with one line on its console unless `result` is a success. */
static long must(const char *step, long result) {
  if (result >= 0) return result;
  say("relay: "), say(step), say(" failed with error "), say_number(-result), say("\n");
  end_machine();
  return result;
}
