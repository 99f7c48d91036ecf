/*
 * A load generator in a process of its own, that takes little of the processors and whose clock is not a millisecond's:
 *
 *     load PORT CONNECTIONS WARMUP_MS DURATION_MS REQUESTS_PER_S < request
 *
 * Each connection sends the request again as soon as its answer is complete or, with more than 0 requests a second, when it is due. One that is due while the one before it is not
 * answered goes as soon as it can and is timed from when it was due: a server that stalls is not asked less for it. Prints one line of JSON: a `LoadResult` of load.ts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 1 << 20, HEAD_BYTES = 1 << 16, EVENTS = 64 };

/** How long answers that are still due are waited for when the time is over, nanoseconds. */
static const int64_t DRAIN_NS = 5000000000;

/** What of an answer is read next. */
enum part { HEAD, BODY, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

struct connection {
  int socket;
  enum part part;
  int waits; /* for its next request to be due */
  int is_bad;
  int64_t due;
  int64_t sent;
  size_t head_bytes;
  size_t left;     /* bytes of the body, or of this chunk */
  size_t size;     /* of a chunk, as far as it was read */
  int in_size;     /* whether digits may still come */
  int line_bytes;  /* of a line of the trailer */
  char head[HEAD_BYTES + 1];
};

static char request[REQUEST_BYTES];
static size_t request_bytes;
static int64_t *latencies;
static size_t measured, room;
static long answered, bad, in_time;
static int64_t from, to, between;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void send_request(struct connection *c, int64_t at) {
  c->sent = at;
  c->waits = 0;
  c->part = HEAD;
  c->head_bytes = 0;
  if (write(c->socket, request, request_bytes) != (ssize_t)request_bytes) fail("a request could not be written");
}

/** Sends the next request, or leaves it until it is due. */
static void go_on(struct connection *c, int64_t at) {
  if (between == 0) {
    if (at < to) send_request(c, at);
    else c->waits = 1;
    return;
  }
  c->due += between;
  if (c->due <= at && c->due < to) send_request(c, c->due);
  else c->waits = 1;
}

static void note_answer(struct connection *c) {
  int64_t at = now();
  answered += 1;
  if (c->is_bad) bad += 1;
  if (at >= from && c->sent < to) {
    if (measured == room) {
      room = room ? 2 * room : 1 << 16;
      latencies = realloc(latencies, room * sizeof *latencies);
      if (latencies == NULL) fail("there is no memory for latencies");
    }
    latencies[measured++] = at - c->sent;
  }
  if (at >= from && at < to) in_time += 1;
  go_on(c, at);
}

/** Reads the head that is complete. */
static void read_head(struct connection *c) {
  c->head[c->head_bytes] = 0;
  c->is_bad = strncmp(c->head, "HTTP/1.1 200 ", 13) != 0;
  const char *length = strcasestr(c->head, "\r\ncontent-length:");
  if (length != NULL) {
    c->left = strtoul(length + 17, NULL, 10);
    c->part = BODY;
  } else if (strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL) {
    c->part = CHUNK_SIZE;
    c->size = 0;
    c->in_size = 1;
  } else {
    fail("an answer had no length");
  }
}

/** Takes bytes of an answer; at its end the next request goes. */
static void take(struct connection *c, const char *bytes, size_t count) {
  size_t at = 0;
  while (at < count || (c->part == BODY && c->left == 0)) {
    if (c->part == HEAD) {
      if (c->head_bytes == HEAD_BYTES) fail("the head of an answer is too long");
      c->head[c->head_bytes++] = bytes[at++];
      if (c->head_bytes >= 4 && memcmp(c->head + c->head_bytes - 4, "\r\n\r\n", 4) == 0) read_head(c);
    } else if (c->part == BODY || c->part == CHUNK) {
      size_t taken = count - at < c->left ? count - at : c->left;
      at += taken;
      c->left -= taken;
      if (c->left > 0) continue;
      if (c->part == CHUNK) {
        c->part = CHUNK_END;
        continue;
      }
      if (at < count) fail("more came than one answer");
      note_answer(c);
      return;
    } else if (c->part == CHUNK_END) {
      if (bytes[at++] == '\n') {
        c->part = CHUNK_SIZE;
        c->size = 0;
        c->in_size = 1;
      }
    } else if (c->part == CHUNK_SIZE) {
      char byte = bytes[at++];
      if (byte == '\n') {
        c->part = c->size == 0 ? TRAILER : CHUNK;
        c->left = c->size;
        c->line_bytes = 0;
      } else if (c->in_size && strchr("0123456789abcdefABCDEF", byte) != NULL && byte != 0) {
        c->size = c->size * 16 + (byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10);
      } else {
        c->in_size = 0;
      }
    } else {
      char byte = bytes[at++];
      if (byte != '\n') {
        if (byte != '\r') c->line_bytes += 1;
        continue;
      }
      if (c->line_bytes == 0) {
        if (at < count) fail("more came than one answer");
        note_answer(c);
        return;
      }
      c->line_bytes = 0;
    }
  }
}

static void receive(struct connection *c) {
  static char bytes[1 << 18];
  ssize_t count = recv(c->socket, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) fail("the server closed a keep-alive connection");
  if (c->waits) fail("something came that nobody had asked for");
  take(c, bytes, (size_t)count);
}

static int open_connection(int port) {
  int one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (opened < 0 || connect(opened, (struct sockaddr *)&address, sizeof address) != 0) fail("the server cannot be reached");
  setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return opened;
}

/** Sends what is due, and gives when something is next; `to` at the latest, and never when all has come after that. */
static int64_t send_due(struct connection *all, int count, int64_t at) {
  int64_t next = at < to ? to : to + DRAIN_NS;
  int is_open = at < to;
  for (int i = 0; i < count; i++) {
    struct connection *c = &all[i];
    if (!c->waits) {
      is_open = 1;
      continue;
    }
    if (between == 0 || c->due >= to) continue;
    is_open = 1;
    if (c->due <= at) send_request(c, c->due);
    else if (c->due < next) next = c->due;
  }
  return is_open ? next : 0;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static double percentile_ms(double share) {
  if (measured == 0) return 0;
  size_t at = (size_t)((double)measured * share);
  return (double)latencies[at < measured ? at : measured - 1] / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 6) fail("expected PORT CONNECTIONS WARMUP_MS DURATION_MS REQUESTS_PER_S");
  int count = atoi(argv[2]);
  double per_second = atof(argv[5]);
  ssize_t got;
  while ((got = read(0, request + request_bytes, sizeof request - request_bytes)) > 0) request_bytes += (size_t)got;
  struct connection *all = calloc((size_t)count, sizeof *all);
  int events = epoll_create1(EPOLL_CLOEXEC);
  signal(SIGPIPE, SIG_IGN);
  if (request_bytes == sizeof request) fail("the request is too long");
  if (request_bytes == 0 || count <= 0 || all == NULL || events < 0) fail("expected a request and connections");
  /* Without it the kernel wakes up to 50 µs too late. */
  prctl(PR_SET_TIMERSLACK, 1);
  for (int i = 0; i < count; i++) {
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = &all[i]};
    all[i].socket = open_connection(atoi(argv[1]));
    if (epoll_ctl(events, EPOLL_CTL_ADD, all[i].socket, &readable) != 0) fail("a connection cannot be waited for");
  }
  int64_t start = now();
  srand48(start);
  from = start + atoll(argv[3]) * 1000000;
  to = from + atoll(argv[4]) * 1000000;
  between = per_second > 0 ? (int64_t)(1e9 * count / per_second) : 0;
  for (int i = 0; i < count; i++) {
    all[i].due = start + (int64_t)(drand48() * (double)between);
    all[i].waits = between > 0;
    if (between == 0) send_request(&all[i], start);
  }
  for (;;) {
    int64_t at = now();
    int64_t next = send_due(all, count, at);
    if (next == 0) break;
    if (at >= to + DRAIN_NS) fail("requests were not answered within 5 s of the end");
    struct epoll_event ready[EVENTS];
    at = now();
    if (next < at) next = at;
    struct timespec wait = {(next - at) / 1000000000, (next - at) % 1000000000};
    int woken = epoll_pwait2(events, ready, EVENTS, &wait, NULL);
    if (woken < 0 && errno != EINTR) fail("connections cannot be waited for");
    for (int i = 0; i < woken; i++) receive(ready[i].data.ptr);
  }
  if (measured == 0 && to - from > 1000000) fail("no request was answered");
  qsort(latencies, measured, sizeof *latencies, by_size);
  printf("{\"requests\":%zu,\"answered\":%ld,\"rps\":%.0f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"bad\":%ld}\n", measured, answered,
         (double)in_time * 1e9 / (double)(to - from), percentile_ms(0.5), percentile_ms(0.99), bad);
  return 0;
}
