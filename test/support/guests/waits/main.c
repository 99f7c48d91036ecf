/* Waits for two clocks at once, then for standard input, and says what came. Made for WASI 0.1, whose poll_oneoff it calls. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static __wasi_subscription_t clock_in(__wasi_userdata_t name, __wasi_timestamp_t nanoseconds) {
  __wasi_subscription_t subscription = {.userdata = name};
  subscription.u.tag = __WASI_EVENTTYPE_CLOCK;
  subscription.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  subscription.u.u.clock.timeout = nanoseconds;
  return subscription;
}

int main(void) {
  __wasi_subscription_t clocks[2] = {clock_in(1, 3600000000000ULL), clock_in(2, 20000000ULL)};
  __wasi_event_t events[2];
  __wasi_size_t count = 0;
  if (__wasi_poll_oneoff(clocks, events, 2, &count) != 0) return 70;
  printf("%u of two clocks, the one named %llu\n", (unsigned)count, (unsigned long long)events[0].userdata);
  fflush(stdout);
  char line[64];
  if (!fgets(line, sizeof line, stdin)) return 65;
  printf("then %s", line);
  return 0;
}
