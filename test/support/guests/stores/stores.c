/* By hand over the canonical ABI: an answer lies in words, and its tag, where it has one, in the first byte of the first. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define STORE(name) __attribute__((import_module("wasi:keyvalue/store@0.2.0-draft2"), import_name(name)))
#define ATOMICS(name) __attribute__((import_module("wasi:keyvalue/atomics@0.2.0-draft2"), import_name(name)))
#define BATCH(name) __attribute__((import_module("wasi:keyvalue/batch@0.2.0-draft2"), import_name(name)))
#define BLOBSTORE(name) __attribute__((import_module("wasi:blobstore/blobstore@0.2.0-draft"), import_name(name)))
#define CONTAINER(name) __attribute__((import_module("wasi:blobstore/container@0.2.0-draft"), import_name(name)))
#define TYPES(name) __attribute__((import_module("wasi:blobstore/types@0.2.0-draft"), import_name(name)))
#define STREAMS(name) __attribute__((import_module("wasi:io/streams@0.2.12"), import_name(name)))

typedef int32_t handle;
typedef const char *text;

typedef struct {
  _Alignas(8) uint32_t word[12];
} answer;

typedef struct {
  const void *data;
  size_t length;
} bytes;

typedef struct {
  bytes key, value;
} pair;

STORE("open") void kv_open(text, size_t, answer *);
STORE("[method]bucket.get") void bucket_get(handle, text, size_t, answer *);
STORE("[method]bucket.set") void bucket_set(handle, text, size_t, const void *, size_t, answer *);
STORE("[method]bucket.delete") void bucket_delete(handle, text, size_t, answer *);
STORE("[method]bucket.exists") void bucket_exists(handle, text, size_t, answer *);
STORE("[method]bucket.list-keys") void bucket_list(handle, int32_t, const void *, size_t, answer *);
STORE("[resource-drop]bucket") void bucket_drop(handle);
ATOMICS("[static]cas.new") void cas_new(handle, text, size_t, answer *);
ATOMICS("[method]cas.current") void cas_current(handle, answer *);
ATOMICS("[resource-drop]cas") void cas_drop(handle);
ATOMICS("increment") void increment(handle, text, size_t, int64_t, answer *);
ATOMICS("swap") void swap(handle, const void *, size_t, answer *);
BATCH("get-many") void get_many(handle, const bytes *, size_t, answer *);
BATCH("set-many") void set_many(handle, const pair *, size_t, answer *);
BATCH("delete-many") void delete_many(handle, const bytes *, size_t, answer *);

BLOBSTORE("create-container") void create_container(text, size_t, answer *);
BLOBSTORE("get-container") void get_container(text, size_t, answer *);
BLOBSTORE("delete-container") void delete_container(text, size_t, answer *);
BLOBSTORE("container-exists") void container_exists(text, size_t, answer *);
BLOBSTORE("copy-object")
void copy_object(text, size_t, text, size_t, text, size_t, text, size_t, answer *);
BLOBSTORE("move-object")
void move_object(text, size_t, text, size_t, text, size_t, text, size_t, answer *);
CONTAINER("[method]container.name") void container_name(handle, answer *);
CONTAINER("[method]container.info") void container_info(handle, answer *);
CONTAINER("[method]container.get-data") void get_data(handle, text, size_t, uint64_t, uint64_t, answer *);
CONTAINER("[method]container.write-data") void write_data(handle, text, size_t, handle, answer *);
CONTAINER("[method]container.list-objects") void list_objects(handle, answer *);
CONTAINER("[method]container.delete-object") void delete_object(handle, text, size_t, answer *);
CONTAINER("[method]container.delete-objects") void delete_objects(handle, const bytes *, size_t, answer *);
CONTAINER("[method]container.has-object") void has_object(handle, text, size_t, answer *);
CONTAINER("[method]container.object-info") void object_info(handle, text, size_t, answer *);
CONTAINER("[method]container.clear") void container_clear(handle, answer *);
CONTAINER("[resource-drop]container") void container_drop(handle);
CONTAINER("[method]stream-object-names.read-stream-object-names") void names_read(handle, uint64_t, answer *);
CONTAINER("[method]stream-object-names.skip-stream-object-names") void names_skip(handle, uint64_t, answer *);
CONTAINER("[resource-drop]stream-object-names") void names_drop(handle);
TYPES("[static]outgoing-value.new-outgoing-value") handle outgoing_new(void);
TYPES("[method]outgoing-value.outgoing-value-write-body") void outgoing_body(handle, answer *);
TYPES("[static]outgoing-value.finish") void outgoing_finish(handle, answer *);
TYPES("[resource-drop]outgoing-value") void outgoing_drop(handle);
TYPES("[static]incoming-value.incoming-value-consume-sync") void incoming_sync(handle, answer *);
TYPES("[static]incoming-value.incoming-value-consume-async") void incoming_async(handle, answer *);
TYPES("[method]incoming-value.size") uint64_t incoming_size(handle);
TYPES("[resource-drop]incoming-value") void incoming_drop(handle);
STREAMS("[method]output-stream.blocking-write-and-flush") void stream_write(handle, const void *, size_t, answer *);
STREAMS("[resource-drop]output-stream") void output_drop(handle);
STREAMS("[method]input-stream.blocking-read") void stream_read(handle, uint64_t, answer *);
STREAMS("[resource-drop]input-stream") void input_drop(handle);

/* What comes in lies here until the next call of an import that matters: `used` is set back before it. */
static _Alignas(8) char arena[2 * 1024 * 1024];
static size_t used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old;
  (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof arena - used) __builtin_trap();
  used += size;
  return arena + used - size;
}

static answer got;
static uint8_t tag_at(int word) { return (uint8_t)got.word[word]; }
static bool ok(void) { return tag_at(0) == 0; }
static bool is_text(int word, text expected) {
  size_t length = strlen(expected);
  return got.word[word + 1] == length && memcmp((void *)got.word[word], expected, length) == 0;
}
static bool has(text part, int word) {
  for (size_t at = 0; at + strlen(part) <= got.word[word + 1]; at++)
    if (memcmp((char *)got.word[word] + at, part, strlen(part)) == 0) return true;
  return false;
}

static char report[400];
static bytes reported;

static bytes *say(text sentence, size_t length) {
  if (length > sizeof report) length = sizeof report;
  memcpy(report, sentence, length);
  reported = (bytes){report, length};
  return &reported;
}
static bytes *say_text(text sentence) { return say(sentence, strlen(sentence)); }

static bytes *wrong(int line) {
  char sentence[] = "line 000";
  for (int at = 7; at > 4; at--, line /= 10) sentence[at] = (char)('0' + line % 10);
  return say_text(sentence);
}

#define S(string) string, sizeof string - 1
#define B(string) {string, sizeof string - 1}
#define CHECK(truth) \
  do { \
    if (!(truth)) return wrong(__LINE__); \
  } while (0)
#define CALL(function, ...) (used = 0, function(__VA_ARGS__, &got))

EXPORT("count") int64_t count(void) {
  CALL(kv_open, S("default"));
  if (!ok()) __builtin_trap();
  handle bucket = (handle)got.word[1];
  CALL(increment, bucket, S("count"), 1);
  if (!ok()) __builtin_trap();
  int64_t sum;
  memcpy(&sum, got.word + 2, sizeof sum);
  bucket_drop(bucket);
  return sum;
}

static uint8_t large[300 * 1000];

EXPORT("keys") bytes *keys(void) {
  CALL(kv_open, S("keys"));
  CHECK(ok());
  handle bucket = (handle)got.word[1];
  CALL(bucket_get, bucket, S("a"));
  CHECK(ok() && tag_at(1) == 0);
  CALL(bucket_set, bucket, S("a"), S("one"));
  CHECK(ok());
  CALL(bucket_get, bucket, S("a"));
  CHECK(ok() && tag_at(1) == 1 && is_text(2, "one"));
  CALL(bucket_exists, bucket, S("a"));
  CHECK(ok() && tag_at(1) == 1);
  CALL(bucket_exists, bucket, S("b"));
  CHECK(ok() && tag_at(1) == 0);
  for (size_t at = 0; at < sizeof large; at++) large[at] = (uint8_t)(at * 7);
  CALL(bucket_set, bucket, S("large"), large, sizeof large);
  CHECK(ok());
  CALL(bucket_get, bucket, S("large"));
  CHECK(ok() && got.word[3] == sizeof large && memcmp((void *)got.word[2], large, sizeof large) == 0);
  CALL(bucket_delete, bucket, S("large"));
  CHECK(ok());
  static char key[1025];
  memset(key, 'k', sizeof key);
  CALL(bucket_set, bucket, key, sizeof key, S(""));
  CHECK(!ok() && tag_at(1) == 2 && has("at most 1024 bytes", 2));

  static const pair pairs[] = {{B("b"), B("two")}, {B("c"), B("")}};
  CALL(set_many, bucket, pairs, 2);
  CHECK(ok());
  static const bytes wanted[] = {B("c"), B("x"), B("b")};
  CALL(get_many, bucket, wanted, 3);
  CHECK(ok() && got.word[2] == 3);
  const uint32_t *found = (uint32_t *)got.word[1];
  CHECK((uint8_t)found[0] == 1 && found[4] == 0 && (uint8_t)found[5] == 0 && (uint8_t)found[10] == 1);
  CHECK(found[12] == 1 && *(char *)found[11] == 'b' && found[14] == 3 && memcmp((void *)found[13], "two", 3) == 0);
  CALL(bucket_list, bucket, 0, 0, 0);
  CHECK(ok() && got.word[2] == 3 && tag_at(3) == 0);
  CHECK(*((char **)got.word[1])[0] == 'a' && *((char **)got.word[1])[2] == 'b' && *((char **)got.word[1])[4] == 'c');
  CALL(bucket_list, bucket, 1, S("none"));
  CHECK(!ok() && tag_at(1) == 2);
  CALL(delete_many, bucket, wanted, 3);
  CHECK(ok());

  CALL(increment, bucket, S("n"), -5);
  CHECK(ok() && (int32_t)got.word[2] == -5 && (int32_t)got.word[3] == -1);
  CALL(increment, bucket, S("a"), 1);
  CHECK(!ok() && tag_at(2) == 2 && has("a decimal number", 3));

  CALL(cas_new, bucket, S("a"));
  CHECK(ok());
  handle mine = (handle)got.word[1];
  CALL(cas_new, bucket, S("a"));
  CHECK(ok());
  handle theirs = (handle)got.word[1];
  CALL(cas_current, mine);
  CHECK(ok() && tag_at(1) == 1 && is_text(2, "one"));
  CALL(swap, mine, S("mine"));
  CHECK(ok());
  CALL(swap, theirs, S("theirs"));
  CHECK(!ok() && tag_at(1) == 1);
  handle again = (handle)got.word[2];
  CALL(cas_current, again);
  CHECK(ok() && is_text(2, "mine"));
  CALL(swap, again, S("theirs"));
  CHECK(ok());
  CALL(cas_new, bucket, S("a"));
  cas_drop((handle)got.word[1]);
  CALL(bucket_get, bucket, S("a"));
  CHECK(ok() && is_text(2, "theirs"));
  static const bytes all[] = {B("a"), B("n")};
  CALL(delete_many, bucket, all, 2);
  CHECK(ok());
  bucket_drop(bucket);
  CALL(kv_open, S(""));
  CHECK(!ok() && tag_at(1) == 0);
  return say_text("ok");
}

static uint8_t byte_at(uint32_t at) { return (uint8_t)(at ^ (at >> 8) ^ (at >> 16)); }

/* Writes `size` bytes to a value that is an object of the container at the end. */
static bool put(handle container, text name, size_t length, uint32_t size) {
  static uint8_t chunk[4096];
  handle value = outgoing_new();
  CALL(outgoing_body, value);
  if (!ok()) return false;
  handle stream = (handle)got.word[1];
  CALL(write_data, container, name, length, value);
  if (!ok()) return false;
  for (uint32_t at = 0; at < size;) {
    uint32_t part = size - at < sizeof chunk ? size - at : sizeof chunk;
    for (uint32_t index = 0; index < part; index++) chunk[index] = byte_at(at + index);
    CALL(stream_write, stream, chunk, part);
    if (!ok()) return false;
    at += part;
  }
  output_drop(stream);
  CALL(outgoing_finish, value);
  return ok();
}

EXPORT("objects") bytes *objects(uint32_t size) {
  CALL(container_exists, S("box"));
  CHECK(ok() && tag_at(1) == 0);
  CALL(get_container, S("box"));
  CHECK(!ok() && has("create it first", 1));
  CALL(create_container, S("box"));
  CHECK(ok());
  handle box = (handle)got.word[1];
  CALL(create_container, S("box"));
  CHECK(!ok() && has("got \"box\"", 1));
  CALL(get_container, S("box"));
  CHECK(ok());
  container_drop((handle)got.word[1]);
  CALL(container_name, box);
  CHECK(ok() && is_text(1, "box"));
  CALL(container_info, box);
  CHECK(ok() && is_text(2, "box") && got.word[4] > 1700000000);

  CHECK(put(box, S("a"), size));
  CALL(has_object, box, S("a"));
  CHECK(ok() && tag_at(1) == 1);
  CALL(object_info, box, S("a"));
  CHECK(ok() && is_text(2, "a") && is_text(4, "box") && got.word[8] == size && got.word[9] == 0);
  CALL(get_data, box, S("a"), 0, ~0ull);
  CHECK(ok());
  handle value = (handle)got.word[1];
  CHECK(incoming_size(value) == size);
  CALL(incoming_async, value);
  CHECK(ok());
  handle stream = (handle)got.word[1];
  uint32_t at = 0;
  for (;;) {
    CALL(stream_read, stream, 65536);
    if (!ok()) break;
    const uint8_t *part = (uint8_t *)got.word[1];
    for (uint32_t index = 0; index < got.word[2]; index++) CHECK(part[index] == byte_at(at + index));
    at += got.word[2];
  }
  CHECK(tag_at(1) == 1 && at == size);
  input_drop(stream);
  CALL(get_data, box, S("a"), 1, 3);
  CHECK(ok());
  CALL(incoming_sync, (handle)got.word[1]);
  CHECK(ok() && got.word[2] == 3 && *(uint8_t *)got.word[1] == byte_at(1));
  CALL(get_data, box, S("a"), 0, 0);
  CHECK(ok());
  incoming_drop((handle)got.word[1]);
  CALL(get_data, box, S("b"), 0, 1);
  CHECK(!ok() && has("found no \"b\"", 1));

  CALL(copy_object, S("box"), S("a"), S("box"), S("b"));
  CHECK(ok());
  CALL(move_object, S("box"), S("a"), S("box"), S("c"));
  CHECK(ok());
  CALL(move_object, S("box"), S("a"), S("box"), S("c"));
  CHECK(!ok() && has("found no \"a\"", 1));
  CHECK(put(box, S("d"), 0));
  handle dropped = outgoing_new();
  CALL(write_data, box, S("e"), dropped);
  CHECK(ok());
  outgoing_drop(dropped);
  CALL(list_objects, box);
  CHECK(ok());
  handle names = (handle)got.word[1];
  CALL(names_skip, names, 1);
  CHECK(ok() && got.word[2] == 1 && got.word[3] == 0 && tag_at(4) == 0);
  CALL(names_read, names, 100);
  CHECK(ok() && got.word[2] == 2 && tag_at(3) == 1);
  CHECK(*((char **)got.word[1])[0] == 'c' && *((char **)got.word[1])[2] == 'd');
  names_drop(names);
  CALL(delete_object, box, S("b"));
  CHECK(ok());
  static const bytes some[] = {B("c"), B("x")};
  CALL(delete_objects, box, some, 2);
  CHECK(ok());
  CALL(has_object, box, S("c"));
  CHECK(ok() && tag_at(1) == 0);
  CALL(container_clear, box);
  CHECK(ok());
  CALL(has_object, box, S("d"));
  CHECK(ok() && tag_at(1) == 0);
  container_drop(box);
  CALL(delete_container, S("box"));
  CHECK(ok());
  CALL(delete_container, S("box"));
  CHECK(!ok());
  return say_text("ok");
}

EXPORT("fill") bytes *fill(void) {
  CALL(kv_open, S("fill"));
  CHECK(ok());
  handle bucket = (handle)got.word[1];
  for (int at = 0; at < 1000; at++) {
    char key[] = {(char)('0' + at / 100), (char)('0' + at / 10 % 10), (char)('0' + at % 10)};
    CALL(bucket_set, bucket, key, sizeof key, large, sizeof large);
    if (!ok()) return tag_at(1) == 2 ? say((text)got.word[2], got.word[3]) : wrong(__LINE__);
  }
  return wrong(__LINE__);
}

EXPORT("keep") bytes *keep(text name, size_t length) {
  static char copy[64];
  if (length > sizeof copy) __builtin_trap();
  memcpy(copy, name, length);
  CALL(create_container, copy, length);
  return ok() ? say_text("made") : say((text)got.word[1], got.word[2]);
}

EXPORT("denied") bytes *denied(void) {
  CALL(kv_open, S("default"));
  CHECK(!ok() && tag_at(1) == 1);
  CALL(create_container, S("box"));
  return ok() ? say_text("made") : say((text)got.word[1], got.word[2]);
}
