/*
 * The control port: the same 96 bytes that `runtime/image/init.c` takes, and the same answer. A clone has the time, the randomness and
 * the name of the saved VM, which others have too, until it has taken these.
 */

/* Of <linux/random.h>, <time.h>. */
enum { ADD_ENTROPY = 0x40085203, RESEED = 0x5207, REALTIME = 0 };

struct identity {
  long seconds, nanoseconds; /* since 1970 */
  byte entropy[64];
  byte id[16];
};

static long control, urandom;

static void become(const struct identity *identity) {
  static const char digits[] = "0123456789abcdef";
  struct { int bits, bytes; byte entropy[sizeof identity->entropy]; } pool = {8 * sizeof identity->entropy, sizeof identity->entropy, {0}};
  char name[] = "machine-00000000";
  memcpy(pool.entropy, identity->entropy, sizeof pool.entropy);
  for (int at = 0; at < 8; at++) name[8 + at] = digits[identity->id[at / 2] >> (at % 2 == 0 ? 4 : 0) & 15];
  must("setting the clock", call2(clock_settime, REALTIME, identity));
  must("adding entropy", call3(ioctl_, urandom, ADD_ENTROPY, &pool));
  must("reseeding", call3(ioctl_, urandom, RESEED, 0));
  must("sethostname", call2(sethostname_, name, sizeof name - 1));
}

/* Takes what has come; each whole identity is answered when the machine has become that. */
static void serve_control(void) {
  static struct identity identity;
  static unsigned long length;
  for (;;) {
    long got = call3(read_, control, (byte *)&identity + length, sizeof identity - length);
    if (got == -EAGAIN || got == -EINTR || got == 0) return;
    must("reading the control port", got);
    length += got;
    if (length < sizeof identity) continue;
    length = 0;
    become(&identity);
    must("answering", call3(write_, control, "k", 1));
  }
}
