/* The functions of wit/typed.wit. The types and prototypes are in typed.h, which the build writes. */
#include <math.h>
#include <string.h>

#include "typed.h"

/* A function that gives back what it was given. */
#define BACK(name, type) \
  type typed_values_##name(type value) { return value; }

BACK(bool_back, bool)
BACK(s8_back, int8_t)
BACK(u8_back, uint8_t)
BACK(s16_back, int16_t)
BACK(u16_back, uint16_t)
BACK(s32_back, int32_t)
BACK(u32_back, uint32_t)
BACK(s64_back, int64_t)
BACK(u64_back, uint64_t)
BACK(f32_back, float)
BACK(f64_back, double)
BACK(char_back, uint32_t)
BACK(string_back, typed_string_t)
BACK(bytes_back, typed_list_u8_t)
BACK(strings_back, typed_list_string_t)
BACK(numbers_back, typed_list_s64_t)
BACK(color_back, typed_color_t)
BACK(permissions_back, typed_permissions_t)
BACK(point_back, typed_point_t)
BACK(item_back, typed_item_t)
BACK(items_back, typed_list_item_t)
BACK(shape_back, typed_shape_t)
BACK(wide_back, typed_wide_t)
BACK(option_back, typed_option_u32_t)
BACK(nested_option_back, typed_option_option_string_t)
BACK(result_back, typed_result_u64_string_t)
BACK(empty_result_back, typed_result_none_none_t)
BACK(pair_back, typed_tuple_u8_string_t)

typed_result_s64_string_t typed_divide(int64_t dividend, int64_t divisor) {
  if (divisor == 0) return typed_result_s64_string_err(typed_string("division by zero"));
  if (dividend == INT64_MIN && divisor == -1) return typed_result_s64_string_err(typed_string("the quotient does not fit s64"));
  return typed_result_s64_string_ok(dividend / divisor);
}

typed_string_t typed_greet(typed_string_t name) {
  static const char greeting[] = "hello, ";
  size_t length = sizeof greeting - 1 + name.length;
  char *text = typed_allocate(length);
  memcpy(text, greeting, sizeof greeting - 1);
  memcpy(text + sizeof greeting - 1, name.data, name.length);
  return (typed_string_t){text, length};
}

double typed_area(typed_list_tuple_f64_f64_t corners) {
  double twice = 0;
  for (size_t i = 0; i < corners.length; i++) {
    typed_tuple_f64_f64_t a = corners.data[i], b = corners.data[(i + 1) % corners.length];
    twice += a.f0 * b.f1 - b.f0 * a.f1;
  }
  return fabs(twice) / 2;
}

void typed_nothing(void) {}
