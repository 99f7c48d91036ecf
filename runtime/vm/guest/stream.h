/*
 * Streams: a socket, or the stdin and output of a command. A stream is sent only what the other side has given credit for, and keeps what
 * it cannot pass on yet, at most a window; so one that nobody reads holds up no other.
 */

enum state { FREE, CONNECTING, SOCKET, COMMAND };

/* What a stream has yet to say; each is said when there is room, the first first. */
enum { SAY_OPEN = 1, SAY_CONNECTED = 2, SAY_REFUSED = 4, SAY_ABORT = 8 };

static struct stream {
  unsigned id;
  enum state state;
  int input, output;        /* what is read and what is written; one socket, or two pipes, or -1 */
  int readable, writable;   /* as far as is known: until a call says that it would wait */
  int sent_end, got_end, shut;
  unsigned say, reason;
  unsigned credit;          /* bytes that may be sent */
  unsigned window;          /* bytes that the host may send before it is given credit again */
  unsigned passed;          /* bytes that were passed on and no credit was given for */
  byte *kept;               /* a ring of WINDOW bytes, mapped when it is needed */
  unsigned start, length;
  long process;             /* of a command; 0 when it was waited for */
  int exited, detached;
  unsigned status, left;    /* what it ended with, and bytes of its output to be sent yet */
} streams[STREAMS];

/* No stream from here on is in use. */
static int used;
static long poller;
static long listener = -1;
static int listener_waits;
static unsigned generation;

static void watch(int file, unsigned events, unsigned long data) {
  struct event event = {events, data};
  must("epoll_ctl", call4(epoll_ctl_, poller, EPOLL_ADD, file, &event));
}

/* Edges alone: a stream that waits for credit is not asked about again and again. The id tells an event of an earlier stream. */
static void watch_stream(struct stream *stream, int file, unsigned events) {
  watch(file, events | EPOLLET, (unsigned long)stream->id << 32 | (stream - streams));
}

static struct stream *begin_stream(unsigned place, unsigned id, enum state state) {
  struct stream *stream = streams + place;
  *stream = (struct stream){.id = id, .state = state, .input = -1, .output = -1, .credit = WINDOW, .window = WINDOW};
  if ((int)place >= used) used = place + 1;
  return stream;
}

static void close_files(struct stream *stream) {
  if (stream->input >= 0) call1(close_, stream->input);
  if (stream->output >= 0 && stream->output != stream->input) call1(close_, stream->output);
  stream->input = stream->output = -1;
  if (stream->kept != 0) call2(munmap_, stream->kept, WINDOW);
  stream->kept = 0, stream->length = 0;
}

static void free_stream(struct stream *stream) {
  close_files(stream);
  stream->state = FREE;
  while (used > 0 && streams[used - 1].state == FREE) used--;
  if (!listener_waits || stream < streams + HOST_STREAMS) return;
  listener_waits = 0;
  watch(listener, EPOLLIN, STREAMS);
}

/* Resets the connection, so that the program at its other end sees it reset, not ended. */
static void reset_socket(struct stream *stream) {
  const struct { int on, seconds; } now = {1, 0};
  if (stream->input >= 0) call5(setsockopt_, stream->input, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close_files(stream);
}

static void fail_stream(struct stream *stream, unsigned say, long reason) {
  reset_socket(stream);
  stream->say = say, stream->reason = reason;
}

/* The host ends a stream at once: nothing is said of it any more. */
static void abort_stream(struct stream *stream) {
  if (stream->state == COMMAND && stream->process > 0) {
    call2(kill_, -stream->process, SIGKILL);
    call2(kill_, stream->process, SIGKILL); /* It has perhaps no session of its own yet. */
  }
  reset_socket(stream);
  free_stream(stream);
}

static void make_loopback(struct address *address, unsigned port_number) {
  *address = (struct address){AF_INET, (unsigned short)(port_number << 8 | port_number >> 8), LOOPBACK, {0, 0}};
}

static void use_socket(struct stream *stream, long file) {
  const int on = 1;
  call5(setsockopt_, file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  stream->input = stream->output = file;
  watch_stream(stream, file, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

static void connect_stream(unsigned place, unsigned id, unsigned port_number) {
  struct stream *stream = begin_stream(place, id, CONNECTING);
  struct address address;
  make_loopback(&address, port_number);
  long file = call3(socket_, AF_INET, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0);
  if (file < 0) return fail_stream(stream, SAY_REFUSED, -file);
  long result = call3(connect_, file, &address, 16);
  if (result < 0 && result != -EINPROGRESS) {
    call1(close_, file);
    return fail_stream(stream, SAY_REFUSED, -result);
  }
  if (result == 0) stream->state = SOCKET, stream->say = SAY_CONNECTED;
  use_socket(stream, file);
}

/* The first event of a socket that connects says how it went. */
static void finish_connecting(struct stream *stream) {
  int error = 0, length = sizeof error;
  call5(getsockopt_, stream->input, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return fail_stream(stream, SAY_REFUSED, error);
  stream->state = SOCKET, stream->say = SAY_CONNECTED;
}

/* Programs that want out; when all places are taken the others wait in the kernel's queue. */
static void accept_streams(void) {
  for (int place = HOST_STREAMS; place < STREAMS; place++) {
    if (streams[place].state != FREE) continue;
    long file = call4(accept4_, listener, 0, 0, O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return;
    generation = (generation + 1) % (OWN_ID / OWN_STREAMS);
    struct stream *stream = begin_stream(place, OWN_ID | generation * OWN_STREAMS | (place - HOST_STREAMS), SOCKET);
    stream->say = SAY_OPEN;
    use_socket(stream, file);
  }
  call4(epoll_ctl_, poller, EPOLL_DELETE, listener, 0);
  listener_waits = 1; /* Until a place is free. */
}

static void listen_for_own(int on) {
  const int yes = 1;
  struct address address;
  if (listener >= 0) call1(close_, listener);
  listener = -1, listener_waits = 0;
  if (!on) return;
  make_loopback(&address, OWN_PORT);
  long file = must("socket", call3(socket_, AF_INET, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0));
  call5(setsockopt_, file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (call3(bind_, file, &address, 16) < 0 || call2(listen_, file, 128) < 0) {
    say("relay: a program has the proxy's port: nothing here reaches out\n");
    call1(close_, file);
    return;
  }
  listener = file;
  watch(listener, EPOLLIN, STREAMS);
}

/* Writes to a stream what it takes now. A command that reads no more is no error: what was meant for it is dropped. */
static unsigned pass_on(struct stream *stream, const byte *bytes, unsigned length) {
  if (stream->output < 0) return length;
  long sent = stream->writable ? call3(write_, stream->output, bytes, length) : -EAGAIN;
  if (sent >= 0) return sent;
  if (sent == -EAGAIN || sent == -EINTR) {
    stream->writable = sent == -EINTR;
    return 0;
  }
  if (stream->state == COMMAND) call1(close_, stream->output), stream->output = -1;
  else fail_stream(stream, SAY_ABORT, 0);
  return length;
}

/* After the last byte from the host was passed on. */
static void shut_output(struct stream *stream) {
  if (!stream->got_end || stream->shut || stream->length > 0 || stream->output < 0) return;
  stream->shut = 1;
  if (stream->state == SOCKET) call2(shutdown_, stream->output, SHUT_WR);
  else call1(close_, stream->output), stream->output = -1;
}

static void pass_kept_on(struct stream *stream) {
  while (stream->length > 0 && (stream->writable || stream->output < 0)) {
    unsigned piece = WINDOW - stream->start < stream->length ? WINDOW - stream->start : stream->length;
    unsigned sent = pass_on(stream, stream->kept + stream->start, piece);
    if (stream->kept == 0) return; /* It failed. */
    stream->start = (stream->start + sent) % WINDOW, stream->length -= sent, stream->passed += sent;
  }
  if (stream->length == 0 && stream->kept != 0) call2(munmap_, stream->kept, WINDOW), stream->kept = 0;
  shut_output(stream);
}

/* Bytes from the host: passed on, or kept. */
static void take_data(struct stream *stream, const byte *bytes, unsigned length) {
  if (length > stream->window || stream->got_end) must("reading what the host sends beyond its credit", -EPROTO);
  stream->window -= length;
  if (stream->length == 0) {
    unsigned sent = pass_on(stream, bytes, length);
    bytes += sent, length -= sent, stream->passed += sent;
  }
  if (length == 0 || stream->say == SAY_ABORT) return;
  if (stream->kept == 0) {
    long mapped = call6(mmap_, 0, WINDOW, PROT_RW, MAP_PRIVATE_ANONYMOUS, -1, 0);
    if (mapped < 0 && mapped > -4096) return fail_stream(stream, SAY_ABORT, 0);
    stream->kept = (byte *)mapped, stream->start = 0;
  }
  for (; length > 0; length--) stream->kept[(stream->start + stream->length++) % WINDOW] = *bytes++;
}
