/* A service of WASI 0.3 by the canonical ABI itself: answers each request with six bytes by a stream, and no trailers. */
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define TYPES "wasi:http/types@0.3.0"
#define NEW "[static]response.new"

IMPORT(TYPES, "[resource-drop]request") void request_drop(int32_t request);
IMPORT(TYPES, "[constructor]fields") int32_t fields_new(void);
IMPORT(TYPES, "[method]fields.append")
void fields_append(int32_t fields, const char *name, int32_t name_len, const char *value, int32_t value_len, void *result);
IMPORT(TYPES, NEW)
void response_new(int32_t headers, int32_t has_contents, int32_t contents, int32_t trailers, int32_t *result);
IMPORT(TYPES, "[stream-new-0]" NEW) int64_t stream_new(void);
IMPORT(TYPES, "[async-lower][stream-write-0]" NEW) int32_t stream_write(int32_t stream, const void *bytes, int32_t len);
IMPORT(TYPES, "[stream-drop-writable-0]" NEW) void stream_drop_writable(int32_t stream);
IMPORT(TYPES, "[future-new-1]" NEW) int64_t future_new(void);
IMPORT(TYPES, "[async-lower][future-write-1]" NEW) int32_t future_write(int32_t future, const void *value);
IMPORT(TYPES, "[future-drop-writable-1]" NEW) void future_drop_writable(int32_t future);
IMPORT(TYPES, "[future-drop-readable-2]" NEW) void sent_drop_readable(int32_t future);
/* result<response, error-code>, flat. */
IMPORT("[export]wasi:http/handler@0.3.0", "[task-return]handle")
void task_return(int32_t is_error, int32_t response, int32_t a, int64_t b, int32_t c, int32_t d, int32_t e, int32_t f);
IMPORT("$root", "[waitable-set-new]") int32_t set_new(void);
IMPORT("$root", "[waitable-join]") void join(int32_t waitable, int32_t set);
IMPORT("$root", "[waitable-set-drop]") void set_drop(int32_t set);
IMPORT("$root", "[context-get-0]") int32_t context_get(void);
IMPORT("$root", "[context-set-0]") void context_set(int32_t value);

enum { EXIT = 0, WAIT = 2, BLOCKED = -1 };
enum { MOST = 64 };

static const char body[] = "hello\n";
/* ok(none) as `result<option<trailers>, error-code>`, which is aligned as the largest of its cases. */
static const uint64_t no_trailers[8];

/* Nothing is asked for that would be put into its memory. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t size) {
  (void)old, (void)old_size, (void)align, (void)size;
  __builtin_trap();
}

/* What a request has under way. */
static struct task {
  int32_t used, set, stream, trailers;
} tasks[MOST];

static int32_t wait_for(struct task *task, int32_t waitable) {
  if (task->set == 0) task->set = set_new();
  join(waitable, task->set);
  return WAIT | task->set << 4;
}

static int32_t finish(struct task *task) {
  if (task->trailers != 0) {
    join(task->trailers, 0);
    future_drop_writable(task->trailers);
  }
  if (task->set != 0) set_drop(task->set);
  task->used = 0;
  return EXIT;
}

static int32_t write_trailers(struct task *task) {
  join(task->stream, 0);
  stream_drop_writable(task->stream);
  task->stream = 0;
  if (future_write(task->trailers, no_trailers) == BLOCKED) return wait_for(task, task->trailers);
  return finish(task);
}

EXPORT("[async-lift]wasi:http/handler@0.3.0#handle") int32_t handle(int32_t request) {
  struct task *task = tasks;
  while (task->used) if (++task == tasks + MOST) __builtin_trap();
  *task = (struct task){.used = 1};
  context_set((int32_t)(task - tasks));
  request_drop(request);
  int32_t headers = fields_new();
  int32_t made[4];
  fields_append(headers, "content-type", 12, "text/plain", 10, made);
  int64_t contents = stream_new(), trailers = future_new();
  task->stream = (int32_t)(contents >> 32);
  task->trailers = (int32_t)(trailers >> 32);
  int32_t response[2];
  response_new(headers, 1, (int32_t)contents, (int32_t)trailers, response);
  sent_drop_readable(response[1]);
  task_return(0, response[0], 0, 0, 0, 0, 0, 0);
  if (stream_write(task->stream, body, sizeof body - 1) == BLOCKED) return wait_for(task, task->stream);
  return write_trailers(task);
}

EXPORT("[callback][async-lift]wasi:http/handler@0.3.0#handle")
int32_t heard(int32_t event, int32_t waitable, int32_t result) {
  (void)event, (void)result;
  struct task *task = tasks + context_get();
  return waitable == task->stream ? write_trailers(task) : finish(task);
}
