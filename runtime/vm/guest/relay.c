/*
 * The first program of a VM, and the only one of ours in it. It mounts what there is, then is the VM's only way in and out: over one port
 * it passes on connections to the VM's loopback and connections of programs inside to the proxy's port, runs commands, and waits for
 * processes that nobody else waits for; over another it takes identities. One process and one loop: nothing that programs here do, even
 * killing all they can, ends it, and it never waits for any one of them.
 *
 * `relay-program.ts` holds what this compiles to; `relay-program.slow.test.ts` says how, and that both are the same.
 */

#include "system.h"
#include "boot.h"
#include "identity.h"
#include "wire.h"
#include "stream.h"
#include "command.h"

/* Of <linux/fs.h>. */
enum { FITRIM = 0xc0185879 };

/* What events are of, beside streams: their places are below. */
enum { LISTENER = STREAMS, PORT, CONTROL, CHILDREN };

static long children;

/* Whether the host wants the VM still; whether something waits for room in what is to be written. */
static int wants_quiet, has_more;

/* A new host: of the last one nothing goes on but what is detached. */
static void reset(unsigned version) {
  if (version != VERSION) must("agreeing on the version of frames", -EPROTO);
  for (struct stream *stream = streams; stream < streams + STREAMS; stream++) {
    if (stream->state == FREE) continue;
    if (stream->detached) stream->process = 0;
    abort_stream(stream);
  }
  listen_for_own(0);
  wants_quiet = 0;
  out_start = out_length = 0;
  has_room();
  put_number(READY, 0, VERSION);
}

/* Makes the VM small and still, as one that is saved should be, once no stream goes on. Nothing else happens meanwhile. What the host has seen
   ending, and connections to the proxy, which it has given up, end here, too: a program may never read what was kept for it. */
static void quiesce(void) {
  struct { unsigned long start, length, least; } all = {0, ~0UL, 0};
  for (int place = 0; place < used; place++) {
    struct stream *stream = streams + place;
    if (stream->state == SOCKET && (stream->id & OWN_ID || (stream->sent_end && stream->got_end))) abort_stream(stream);
    if (stream->state != FREE && !stream->detached) return;
  }
  wants_quiet = 0;
  call0(sync_);
  long root = call3(open_, "/", O_RDONLY | O_CLOEXEC, 0);
  if (root >= 0) call3(ioctl_, root, FITRIM, &all), call1(close_, root);
  call0(sync_);
  long caches = call3(open_, "/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC, 0);
  if (caches >= 0) call3(write_, caches, "3", 1), call1(close_, caches);
  put_frame(QUIET, 0, 0);
}

/* The stream of an id; 0 when it has ended here, of which the host may not have heard. */
static struct stream *stream_of(unsigned id) {
  struct stream *stream = streams + (id & OWN_ID ? HOST_STREAMS + id % OWN_STREAMS : id % HOST_STREAMS);
  return stream->state == FREE || stream->id != id ? 0 : stream;
}

static void take_frame(enum kind kind, unsigned id, const byte *payload, unsigned length) {
  struct stream *stream = stream_of(id);
  int goes_on = stream != 0 && !(stream->say & (SAY_ABORT | SAY_REFUSED));
  unsigned number = 0;
  memcpy(&number, payload, length < 4 ? length : 4);
  switch (kind) {
    case RESET: return reset(number);
    case LISTEN: return listen_for_own(number != 0);
    case QUIESCE:
      wants_quiet = 1;
      return;
    case CONNECT:
    case RUN:
      if (id & OWN_ID || streams[id % HOST_STREAMS].state != FREE) must("giving a stream its place", -EBUSY);
      if (kind == CONNECT) return connect_stream(id % HOST_STREAMS, id, number);
      return run_command(id % HOST_STREAMS, id, payload, length);
    case DATA:
      if (goes_on) take_data(stream, payload, length);
      return;
    case END:
      if (goes_on) stream->got_end = 1, shut_output(stream);
      return;
    case ABORT:
      if (stream != 0) abort_stream(stream);
      return;
    case CREDIT:
      if (goes_on) stream->credit += number;
      return;
    default: must("understanding the host's frame", -EPROTO);
  }
}

/* Takes what has come over the port, frame by frame, as long as there is room for an answer. */
static void take_frames(void) {
  static byte in[2 * FRAME + 4];
  static unsigned start, length;
  /* Some reads only: streams have their turn however much the host sends, and the port is looked at again. */
  for (int reads = 0; reads < 16; reads++) {
    while (length >= HEADER) {
      const byte *head = in + start;
      unsigned size = HEADER + (head[2] | head[3] << 8), id;
      if (size > FRAME) must("reading a frame", -EPROTO);
      if (length < size) break;
      if (!has_room()) {
        has_more = 1;
        return;
      }
      memcpy(&id, head + 4, 4);
      start += size, length -= size;
      take_frame(head[0], id, head + HEADER, size - HEADER);
    }
    if (start + FRAME > sizeof in - 4 || length == 0) {
      for (unsigned at = 0; at < length; at++) in[at] = in[start + at];
      start = 0;
    }
    long got = call3(read_, port, in + start + length, sizeof in - 4 - start - length);
    if (got == -EAGAIN || got == -EINTR || got == 0) return;
    length += must("reading the relay's port", got);
  }
  /* What was read last may be a whole frame after which the host sends nothing: nothing else would look at it. */
  has_more = 1;
}

/* Sends bytes that a program has written, or that it ended. Whether there was anything. */
static int send_data(struct stream *stream) {
  if (stream->input < 0 || !stream->readable || stream->sent_end || stream->credit == 0) return 0;
  unsigned most = stream->credit < PAYLOAD ? stream->credit : PAYLOAD;
  if (stream->exited && stream->left < most) most = stream->left;
  long got = most == 0 ? 0 : call3(read_, stream->input, next_payload(), most);
  if (got == -EAGAIN || got == -EINTR) {
    stream->readable = got == -EINTR;
    if (stream->exited) stream->left = 0;
    return stream->exited;
  }
  if (got > 0) {
    stream->credit -= (got + STEP - 1) / STEP * STEP;
    if (stream->exited) stream->left -= got;
    put_frame(DATA, stream->id, got);
    return 1;
  }
  stream->sent_end = 1;
  if (stream->state == COMMAND) return stream->exited;
  if (got < 0) fail_stream(stream, SAY_ABORT, 0);
  else put_frame(END, stream->id, 0);
  return 1;
}

/* One frame of a stream, or its end. Whether there was anything to do. */
static int advance(struct stream *stream) {
  unsigned say = stream->say;
  stream->say = 0;
  if (say == SAY_OPEN) return put_frame(OPEN, stream->id, 0), 1;
  if (say == SAY_CONNECTED) return put_frame(CONNECTED, stream->id, 0), 1;
  if (say != 0) {
    put_number(say == SAY_REFUSED ? REFUSED : ABORT, stream->id, stream->reason);
    return free_stream(stream), 1;
  }
  if (stream->passed >= WINDOW / 4) {
    put_number(CREDIT, stream->id, stream->passed);
    stream->window += stream->passed, stream->passed = 0;
    return 1;
  }
  if (stream->state == CONNECTING) return 0;
  if (send_data(stream)) return 1;
  if (stream->exited && (stream->left == 0 || stream->sent_end || stream->input < 0)) {
    put_number(EXITED, stream->id, stream->status);
    return free_stream(stream), 1;
  }
  if (stream->state != SOCKET || !stream->sent_end || !stream->shut) return 0;
  if (!(stream->id & OWN_ID)) put_frame(CLOSED, stream->id, 0);
  return free_stream(stream), 1;
}

/* Every stream says one thing after the other, as long as there is room and something to say. */
static void advance_all(void) {
  static int next;
  for (int idle = 0; idle < used; next++) {
    if (!has_room()) {
      has_more = 1;
      return;
    }
    if (next >= used) next = 0;
    struct stream *stream = streams + next;
    if (stream->state != FREE && advance(stream)) idle = 0;
    else idle++;
  }
}

static void take_event(const struct event *event) {
  unsigned place = (unsigned)event->data;
  if (place == LISTENER) {
    if (listener >= 0) accept_streams();
  } else if (place == PORT) {
    if (event->events & EPOLLOUT) port_writable = 1;
    /* Nobody is connected just now, and will be told of for as long. */
    if (event->events & EPOLLHUP) call2(nanosleep_, PAUSE, 0);
  } else if (place == CONTROL) {
    if (event->events & EPOLLHUP) call2(nanosleep_, PAUSE, 0);
    serve_control();
  } else if (place == CHILDREN) {
    byte which[128];
    while (call3(read_, children, which, sizeof which) > 0) {}
    reap();
  } else {
    struct stream *stream = streams + place;
    if (stream->state == FREE || stream->id != event->data >> 32) return;
    if (event->events & ~EPOLLOUT) stream->readable = 1;
    if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) stream->writable = 1;
    if (stream->state == CONNECTING && stream->input >= 0) finish_connecting(stream);
    if (stream->writable) pass_kept_on(stream);
  }
}

static void serve(void) {
  static struct event events[64];
  int watched = EPOLLIN;
  for (;;) {
    has_more = 0;
    take_frames();
    advance_all();
    if (wants_quiet && has_room()) quiesce();
    if (port_writable) flush();
    int wanted = port_writable ? EPOLLIN : EPOLLOUT;
    if (wanted != watched) {
      struct event event = {watched = wanted, PORT};
      must("epoll_ctl", call4(epoll_ctl_, poller, EPOLL_CHANGE, port, &event));
    }
    long count = call4(epoll_wait_, poller, events, 64, has_more && port_writable ? 0 : -1);
    if (count != -EINTR) must("epoll_wait", count);
    for (long at = 0; at < count; at++) take_event(events + at);
  }
}

void boot(void) {
  const unsigned long child_ended = 1UL << (SIGCHLD - 1);
  mount_all();
  bring_loopback_up();
  must("sethostname", call2(sethostname_, "machine", 7));
  urandom = must("/dev/urandom", call3(open_, "/dev/urandom", O_RDWR | O_CLOEXEC, 0));
  control = open_port(control_file);
  port = open_port(relay_file);
  must("rt_sigprocmask", call4(rt_sigprocmask, SIG_BLOCK, &child_ended, 0, sizeof child_ended));
  children = must("signalfd", call4(signalfd4_, -1, &child_ended, sizeof child_ended, O_NONBLOCK | O_CLOEXEC));
  poller = must("epoll_create", call1(epoll_create1_, O_CLOEXEC));
  watch(children, EPOLLIN, CHILDREN);
  watch(control, EPOLLIN, CONTROL);
  watch(port, EPOLLIN, PORT);
  say("relay: serves\n");
  serve();
}

__asm__(".globl _start\n_start: and $-16, %rsp\n call boot\n");
