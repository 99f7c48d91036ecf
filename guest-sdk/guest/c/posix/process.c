/* One process, without children: what asks about others finds none, what would start one by a shell says that there is none. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSE(error) return errno = (error), -1

/* Without a command it is asked whether there is a shell. */
int system(const char *command) {
  if (command == NULL) return 0;
  REFUSE(ENOSYS);
}

FILE *popen(const char *command, const char *mode) {
  (void)command, (void)mode;
  return errno = ENOSYS, NULL;
}
int pclose(FILE *file) {
  (void)file;
  REFUSE(ECHILD);
}

pid_t wait(int *status) {
  (void)status;
  REFUSE(ECHILD);
}
pid_t waitpid(pid_t pid, int *status, int options) {
  (void)pid, (void)status, (void)options;
  REFUSE(ECHILD);
}

pid_t getppid(void) { return 1; }
pid_t getpgrp(void) { return getpid(); }
int setpgid(pid_t pid, pid_t group) {
  (void)pid, (void)group;
  REFUSE(EPERM);
}
pid_t setsid(void) { REFUSE(EPERM); }
int kill(pid_t pid, int number) {
  if (pid != getpid() && pid != 0) REFUSE(ESRCH);
  return number == 0 ? 0 : raise(number);
}
int nice(int by) {
  (void)by;
  return 0;
}
int getpagesize(void) { return 65536; }
int getloadavg(double *loads, int count) {
  (void)loads, (void)count;
  return -1;
}

/* The cloudlet's limits are no limits of a process: they end it, and nothing can be asked about them. */
int getrlimit(int which, struct rlimit *limit) {
  (void)which;
  limit->rlim_cur = limit->rlim_max = RLIM_INFINITY;
  return 0;
}
int setrlimit(int which, const struct rlimit *limit) {
  (void)which, (void)limit;
  REFUSE(EPERM);
}
int getpriority(int which, id_t who) {
  (void)which, (void)who;
  return 0;
}
int setpriority(int which, id_t who, int priority) {
  (void)which, (void)who, (void)priority;
  REFUSE(EPERM);
}
