/*
 * Hand-written canonical ABI: independent of the project's own generator, so that a mistake there cannot hide here.
 * A list or string of length 0 comes with a pointer that is not from malloc: it is never freed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define SHAPES "test:typed/shapes@1.0.0#"
#define POST(name) EXPORT("cabi_post_" name)

typedef struct {
  uint8_t *data;
  uint32_t length;
} bytes_t;

typedef struct {
  bytes_t *data;
  uint32_t length;
} strings_t;

typedef struct {
  double x, y;
  struct {
    uint8_t some;
    bytes_t value;
  } label;
} point_t;

typedef struct {
  uint32_t id;
  bytes_t name;
  strings_t tags;
  point_t at;
  uint8_t color, perms;
} item_t;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)align;
  void *block = realloc(old, size);
  if (!block) __builtin_trap();
  return block;
}

static void release(bytes_t bytes) {
  if (bytes.length) free(bytes.data);
}

static bytes_t returned;

/* ---- the world's own functions */

EXPORT("add") int32_t add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

EXPORT("greet") bytes_t *greet(uint8_t *name, uint32_t length) {
  returned.length = 7 + length + 1;
  returned.data = malloc(returned.length);
  if (!returned.data) __builtin_trap();
  memcpy(returned.data, "hello, ", 7);
  memcpy(returned.data + 7, name, length);
  returned.data[7 + length] = '!';
  release((bytes_t){name, length});
  return &returned;
}
POST("greet") void greet_post(bytes_t *result) { release(*result); }

EXPORT("echo") bytes_t *echo(uint8_t *data, uint32_t length) {
  returned = (bytes_t){data, length};
  return &returned;
}
POST("echo") void echo_post(bytes_t *result) { release(*result); }

EXPORT("count") uint32_t count(void) {
  static uint32_t calls;
  return ++calls;
}

EXPORT("nothing") void nothing(void) {}

/* ---- shapes */

static item_t item;
EXPORT(SHAPES "item-back")
item_t *item_back(uint32_t id, uint8_t *name, uint32_t name_length, bytes_t *tags, uint32_t tags_length, double x, double y,
                  uint32_t labelled, uint8_t *label, uint32_t label_length, uint32_t color, uint32_t perms) {
  item.id = id;
  item.name = (bytes_t){name, name_length};
  item.tags = (strings_t){tags, tags_length};
  item.at.x = x;
  item.at.y = y;
  item.at.label.some = (uint8_t)labelled;
  item.at.label.value = (bytes_t){label, label_length};
  item.color = (uint8_t)color;
  item.perms = (uint8_t)perms;
  return &item;
}
POST(SHAPES "item-back") void item_back_post(item_t *result) {
  release(result->name);
  for (uint32_t i = 0; i < result->tags.length; i++) release(result->tags.data[i]);
  if (result->tags.length) free(result->tags.data);
  if (result->at.label.some) release(result->at.label.value);
}

static struct {
  uint8_t tag;
  union {
    double circle;
    struct {
      double width, height;
    } rect;
    bytes_t named;
  } of;
} shape;
/* The flat form joins f64, f64 and string to two i64. */
EXPORT(SHAPES "shape-back") void *shape_back(uint32_t tag, uint64_t first, uint64_t second) {
  shape.tag = (uint8_t)tag;
  if (tag == 2) {
    shape.of.named = (bytes_t){(uint8_t *)(uintptr_t)(uint32_t)first, (uint32_t)second};
  } else {
    memcpy(&shape.of.rect.width, &first, sizeof first);
    memcpy(&shape.of.rect.height, &second, sizeof second);
  }
  return &shape;
}
POST(SHAPES "shape-back") void shape_back_post(void *result) {
  (void)result;
  if (shape.tag == 2) release(shape.of.named);
}

EXPORT(SHAPES "color-back") uint32_t color_back(uint32_t v) { return v; }
EXPORT(SHAPES "perms-back") uint32_t perms_back(uint32_t v) { return v; }

static struct {
  uint8_t some;
  uint32_t value;
} option;
EXPORT(SHAPES "option-back") void *option_back(uint32_t some, uint32_t value) {
  option.some = (uint8_t)some;
  option.value = value;
  return &option;
}

static struct {
  uint8_t err;
  union {
    int32_t quotient;
    bytes_t reason;
  } of;
} quotient;
EXPORT(SHAPES "divide") void *divide(int32_t a, int32_t b) {
  static const char by_zero[] = "division by zero";
  quotient.err = b == 0;
  if (b == 0) {
    quotient.of.reason = (bytes_t){(uint8_t *)by_zero, sizeof by_zero - 1};
  } else {
    quotient.of.quotient = b == -1 ? (int32_t)(0u - (uint32_t)a) : a / b;
  }
  return &quotient;
}

static struct {
  bytes_t text;
  uint32_t number;
} swapped;
EXPORT(SHAPES "swap") void *swap(uint32_t number, uint8_t *text, uint32_t length) {
  swapped.text = (bytes_t){text, length};
  swapped.number = number;
  return &swapped;
}
POST(SHAPES "swap") void swap_post(void *result) {
  (void)result;
  release(swapped.text);
}

EXPORT(SHAPES "bool-back") uint32_t bool_back(uint32_t v) { return v; }
EXPORT(SHAPES "s8-back") int32_t s8_back(int32_t v) { return v; }
EXPORT(SHAPES "u8-back") uint32_t u8_back(uint32_t v) { return v; }
EXPORT(SHAPES "s16-back") int32_t s16_back(int32_t v) { return v; }
EXPORT(SHAPES "u16-back") uint32_t u16_back(uint32_t v) { return v; }
EXPORT(SHAPES "s32-back") int32_t s32_back(int32_t v) { return v; }
EXPORT(SHAPES "u32-back") uint32_t u32_back(uint32_t v) { return v; }
EXPORT(SHAPES "s64-back") int64_t s64_back(int64_t v) { return v; }
EXPORT(SHAPES "u64-back") uint64_t u64_back(uint64_t v) { return v; }
EXPORT(SHAPES "f32-back") float f32_back(float v) { return v; }
EXPORT(SHAPES "f64-back") double f64_back(double v) { return v; }
EXPORT(SHAPES "char-back") uint32_t char_back(uint32_t v) { return v; }

EXPORT(SHAPES "sum") int64_t sum(int64_t *values, uint32_t length) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < length; i++) total += (uint64_t)values[i];
  if (length) free(values);
  return (int64_t)total;
}
