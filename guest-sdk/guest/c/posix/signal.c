/* Signals come from nobody else: there is nothing to block or to wait for, and handlers are for what a program raises itself. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

int sigemptyset(sigset_t *set) { return memset(set, 0, sizeof *set), 0; }
int sigfillset(sigset_t *set) { return memset(set, 255, sizeof *set), 0; }
int sigaddset(sigset_t *set, int number) { return (void)set, (void)number, 0; }
int sigdelset(sigset_t *set, int number) { return (void)set, (void)number, 0; }
int sigismember(const sigset_t *set, int number) { return (void)set, (void)number, 0; }
int sigpending(sigset_t *set) { return sigemptyset(set); }
int sigprocmask(int how, const sigset_t *__restrict set, sigset_t *__restrict old) {
  (void)how, (void)set;
  return old == NULL ? 0 : sigemptyset(old);
}
int siginterrupt(int number, int on) { return (void)number, (void)on, 0; }
int sigaltstack(const stack_t *__restrict stack, stack_t *__restrict old) {
  (void)stack;
  if (old != NULL) *old = (stack_t){NULL, SS_DISABLE, 0};
  return 0;
}

/* The last handler of each signal: what signal() gives back is lost to whoever only asks. */
static void (*handlers[65])(int);

int sigaction(int number, const struct sigaction *__restrict action, struct sigaction *__restrict old) {
  if (number < 1 || number > 64 || number == SIGKILL || number == SIGSTOP) return errno = EINVAL, -1;
  if (old != NULL) *old = (struct sigaction){.sa_handler = handlers[number]};
  if (action == NULL) return 0;
  if (action->sa_flags & SA_SIGINFO) return 0; /* Its second and third argument come from a kernel. */
  if (signal(number, action->sa_handler) == SIG_ERR) return -1;
  handlers[number] = action->sa_handler;
  return 0;
}

/* No clock interrupts a program; who sets one to give up waiting waits without. */
unsigned alarm(unsigned seconds) { return (void)seconds, 0; }
int getitimer(int which, struct itimerval *now) {
  (void)which;
  *now = (struct itimerval){{0, 0}, {0, 0}};
  return 0;
}
int setitimer(int which, const struct itimerval *__restrict next, struct itimerval *__restrict old) {
  (void)next;
  return old == NULL ? 0 : getitimer(which, old);
}
