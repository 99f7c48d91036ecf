/* Requests of wasi:http by hand over the canonical ABI: what is measured is the way out, not a library. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(interface, name) __attribute__((import_module(interface "@0.2.12"), import_name(name)))
#define HTTP(name) IMPORT("wasi:http/types", name)
#define STREAMS(name) IMPORT("wasi:io/streams", name)
#define POLL(name) IMPORT("wasi:io/poll", name)

typedef int32_t handle;

/* Results in memory; the largest has an error code of wasi:http in it. */
typedef union {
  _Alignas(8) uint8_t tag;
  uint8_t bytes[128];
  int32_t words[32];
} answer;

HTTP("[constructor]fields") handle fields_new(void);
HTTP("[constructor]outgoing-request") handle request_new(handle);
HTTP("[method]outgoing-request.set-scheme") int32_t set_scheme(handle, int32_t, int32_t, const char *, size_t);
HTTP("[method]outgoing-request.set-authority") int32_t set_authority(handle, int32_t, const char *, size_t);
HTTP("[method]outgoing-request.set-path-with-query") int32_t set_path(handle, int32_t, const char *, size_t);
IMPORT("wasi:http/outgoing-handler", "handle") void send_request(handle, int32_t, handle, answer *);
HTTP("[method]future-incoming-response.subscribe") handle future_subscribe(handle);
HTTP("[method]future-incoming-response.get") void future_get(handle, answer *);
HTTP("[resource-drop]future-incoming-response") void future_drop(handle);
HTTP("[method]incoming-response.status") int32_t response_status(handle);
HTTP("[method]incoming-response.consume") void response_consume(handle, answer *);
HTTP("[resource-drop]incoming-response") void response_drop(handle);
HTTP("[method]incoming-body.stream") void body_stream(handle, answer *);
HTTP("[resource-drop]incoming-body") void body_drop(handle);
STREAMS("[method]input-stream.blocking-read") void stream_read(handle, int64_t, answer *);
STREAMS("[resource-drop]input-stream") void stream_drop(handle);
POLL("[method]pollable.block") void pollable_block(handle);
POLL("[resource-drop]pollable") void pollable_drop(handle);

static char arena[1 << 16];
static size_t used;

/* Given back all at once, when the next request begins. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

static void expect(int32_t holds) {
  if (!holds) __builtin_trap();
}

static size_t authority_of(uint32_t port, char *text) {
  const char host[] = "127.0.0.1:";
  size_t length = 0;
  for (; host[length]; length++) text[length] = host[length];
  char digits[10];
  size_t count = 0;
  for (; port > 0; port /= 10) digits[count++] = (char)('0' + port % 10);
  while (count > 0) text[length++] = digits[--count];
  return length;
}

static uint32_t body_bytes(handle response) {
  answer got;
  response_consume(response, &got);
  expect(got.tag == 0);
  handle body = got.words[1];
  body_stream(body, &got);
  expect(got.tag == 0);
  handle stream = got.words[1];
  uint32_t bytes = 0;
  for (;;) {
    stream_read(stream, 1 << 14, &got);
    if (got.tag != 0) break;
    bytes += (uint32_t)got.words[2];
  }
  expect(got.bytes[4] == 1);
  stream_drop(stream);
  body_drop(body);
  return bytes;
}

EXPORT("get") uint32_t get(uint32_t times, uint32_t port) {
  char authority[32];
  size_t length = authority_of(port, authority);
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < times; i++) {
    used = 0;
    handle request = request_new(fields_new());
    expect(set_scheme(request, 1, 0, 0, 0) == 0);
    expect(set_authority(request, 1, authority, length) == 0);
    expect(set_path(request, 1, "/", 1) == 0);
    answer got;
    send_request(request, 0, 0, &got);
    expect(got.tag == 0);
    handle future = got.words[2];
    handle ready = future_subscribe(future);
    pollable_block(ready);
    pollable_drop(ready);
    future_get(future, &got);
    /* option, result, result, response: one inside of the other, eight bytes each. */
    expect(got.bytes[0] == 1 && got.bytes[8] == 0 && got.bytes[16] == 0);
    handle response = got.words[6];
    expect(response_status(response) == 200);
    bytes += body_bytes(response);
    response_drop(response);
    future_drop(future);
  }
  return bytes;
}
