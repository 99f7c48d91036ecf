/* The typed door: the functions of wit/photo.wit. */
#include "photo.h"
#include "picture.h"

static photo_result_list_u8_string_t answer(failure_t failure, bytes_t encoded) {
  if (failure != NULL) return photo_result_list_u8_string_err(photo_string(failure));
  return photo_result_list_u8_string_ok((photo_list_u8_t){photo_adopt(encoded.data), encoded.length});
}

photo_result_list_u8_string_t photo_thumbnail(photo_list_u8_t image, uint32_t width) {
  bytes_t encoded = {0};
  failure_t failure = thumbnail(image.data, image.length, width, &encoded);
  return answer(failure, encoded);
}

photo_result_list_u8_string_t photo_edges(photo_list_u8_t image) {
  bytes_t encoded = {0};
  failure_t failure = edges(image.data, image.length, &encoded);
  return answer(failure, encoded);
}
