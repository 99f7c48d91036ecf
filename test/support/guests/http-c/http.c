/*
 * A small wasi:http function, by hand over the canonical ABI: "/" says hello, "/json" writes a document of 50 items, reads it back
 * and answers with it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define HTTP(name) __attribute__((import_module("wasi:http/types@0.2.12"), import_name(name)))
#define STREAMS(name) __attribute__((import_module("wasi:io/streams@0.2.12"), import_name(name)))

typedef int32_t handle;

/* A result<handle, …> or an option<string> in memory; errors are larger, and nobody reads them. */
typedef struct {
  _Alignas(8) uint8_t tag;
  union {
    handle resource;
    struct {
      const char *data;
      size_t length;
    } text;
    uint32_t space[15];
  };
} answer;

HTTP("[constructor]fields") handle fields_new(void);
HTTP("[method]fields.append") void fields_append(handle, const char *, size_t, const char *, size_t, answer *);
HTTP("[method]incoming-request.path-with-query") void request_path(handle, answer *);
HTTP("[resource-drop]incoming-request") void request_drop(handle);
HTTP("[constructor]outgoing-response") handle response_new(handle);
HTTP("[method]outgoing-response.body") void response_body(handle, answer *);
HTTP("[static]response-outparam.set")
void outparam_set(handle, int32_t, handle, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);
HTTP("[method]outgoing-body.write") void body_write(handle, answer *);
HTTP("[static]outgoing-body.finish") void body_finish(handle, int32_t, handle, answer *);
STREAMS("[method]output-stream.blocking-write-and-flush")
void stream_write(handle, const char *, size_t, answer *);
STREAMS("[resource-drop]output-stream") void stream_drop(handle);

static char arena[4096];
static size_t used;

/* Freed all at once, when the next request begins: where one instance serves many. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

static char document[4096];
static size_t length;

static void put(const char *text) {
  while (*text && length < sizeof document) document[length++] = *text++;
}

static void put_number(uint32_t number) {
  if (number >= 10) put_number(number / 10);
  char digit[2] = {(char)('0' + number % 10), 0};
  put(digit);
}

static void write_items(uint32_t count) {
  put("[");
  for (uint32_t id = 0; id < count; id++) {
    put(id ? ",{\"id\":" : "{\"id\":");
    put_number(id);
    put(",\"name\":\"item ");
    put_number(id);
    put("\",\"tags\":[\"a\",\"b\"]}");
  }
  put("]");
}

static const char *value(const char *at, const char *end);

static const char *string(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\') at++;
  return at + 1;
}

/* Steps over "[…]" or "{…}". */
static const char *members(const char *at, const char *end) {
  bool object = *at++ == '{';
  while (at < end && *at != ']' && *at != '}') {
    if (object) at = string(at, end) + 1;
    at = value(at, end);
    if (*at == ',') at++;
  }
  return at + 1;
}

static const char *value(const char *at, const char *end) {
  if (*at == '[' || *at == '{') return members(at, end);
  if (*at == '"') return string(at, end);
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at;
}

EXPORT("wasi:http/incoming-handler@0.2.12#handle") void handle_request(handle request, handle outparam) {
  answer got;
  used = length = 0;
  request_path(request, &got);
  bool json = got.tag && got.text.length == 5 && got.text.data[1] == 'j';
  request_drop(request);
  if (json) {
    write_items(50);
    if (value(document, document + length) != document + length) __builtin_trap();
  } else {
    put("hello\n");
  }
  const char *type = json ? "application/json" : "text/plain";
  handle fields = fields_new();
  fields_append(fields, "content-type", 12, type, json ? 16 : 10, &got);
  handle response = response_new(fields);
  response_body(response, &got);
  handle body = got.resource;
  outparam_set(outparam, 0, response, 0, 0, 0, 0, 0, 0);
  body_write(body, &got);
  handle stream = got.resource;
  stream_write(stream, document, length, &got);
  stream_drop(stream);
  body_finish(body, 0, 0, &got);
}
