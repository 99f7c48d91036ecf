/* No terminal, and a log that is standard error. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <termios.h>
#include <time.h>

int tcgetattr(int file, struct termios *into) { return (void)file, (void)into, errno = ENOTTY, -1; }
int tcsetattr(int file, int when, const struct termios *from) { return (void)file, (void)when, (void)from, errno = ENOTTY, -1; }
char *ttyname(int file) { return (void)file, errno = ENOTTY, NULL; }

static const char *name;
void openlog(const char *as, int options, int facility) { (void)options, (void)facility, name = as; }
void closelog(void) { name = NULL; }
void vsyslog(int priority, const char *format, va_list words) {
  (void)priority;
  if (name != NULL) fprintf(stderr, "%s: ", name);
  vfprintf(stderr, format, words);
  fputc('\n', stderr);
}
void syslog(int priority, const char *format, ...) {
  va_list words;
  va_start(words, format);
  vsyslog(priority, format, words);
  va_end(words);
}

/* Times are UTC: WASI has no zones. */
char *tzname[2] = {"UTC", "UTC"};
long timezone = 0;
int daylight = 0;
void tzset(void) {}
