/*
 * Frames on the relay's port, both ways: kind, 0, length of the payload (16 bits), id (32 bits), payload; little-endian.
 * `runtime/vm/relay/wire.ts` is the other end, and says what each kind means.
 */

enum { VERSION = 1, HEADER = 8, FRAME = 32768, PAYLOAD = FRAME - HEADER };
/* Bytes that one side may send in one stream before the other has passed them on. What goes to the host counts in steps, since it keeps
   each frame: many that are nearly empty would cost it far more than their bytes. */
enum { WINDOW = 65536, STEP = 256 };
/* Streams at once: the host's (connections into the VM and commands), and those of programs inside to the proxy. Their ids say their place. */
enum { HOST_STREAMS = 512, OWN_STREAMS = 256, STREAMS = HOST_STREAMS + OWN_STREAMS, OWN_PORT = 3128 };
#define OWN_ID 0x80000000u

enum kind { RESET = 1, READY, CONNECT, CONNECTED, REFUSED, OPEN, DATA, END, ABORT, CREDIT, CLOSED, RUN, EXITED, LISTEN, QUIESCE, QUIET };

static long port;

/* What is to be written to the port: room for some frames. Whoever makes one looks for room before. */
static byte out[4 * FRAME];
static unsigned out_start, out_length;
static int port_writable = 1;

static int has_room(void) {
  if (out_start > 0 && out_start + out_length + FRAME > sizeof out) {
    for (unsigned at = 0; at < out_length; at++) out[at] = out[out_start + at];
    out_start = 0;
  }
  return out_start + out_length + FRAME <= sizeof out;
}

/* Where the payload of the next frame goes. */
static byte *next_payload(void) { return out + out_start + out_length + HEADER; }

/* Finishes the frame whose payload is at `next_payload`. */
static void put_frame(enum kind kind, unsigned id, unsigned length) {
  byte *head = out + out_start + out_length;
  head[0] = kind, head[1] = 0, head[2] = length, head[3] = length >> 8;
  memcpy(head + 4, &id, 4);
  out_length += HEADER + length;
}

static void put_number(enum kind kind, unsigned id, unsigned number) {
  memcpy(next_payload(), &number, 4);
  put_frame(kind, id, 4);
}

static void flush(void) {
  while (out_length > 0) {
    long sent = call3(write_, port, out + out_start, out_length < FRAME ? out_length : FRAME);
    if (sent == -EAGAIN || sent == -EINTR) {
      port_writable = 0;
      return;
    }
    must("writing to the relay's port", sent);
    out_start += sent, out_length -= sent;
  }
  out_start = 0;
}
