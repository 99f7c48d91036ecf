#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STBI_NO_STDIO
#include <stb_image.h>
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

/* A picture takes four bytes a pixel, and a turned copy as many again; refusing is kinder than trapping without memory. */
static const uint64_t MAX_PIXELS = 24u * 1000 * 1000;

static const int JPEG_QUALITY = 85;

static failure_t decoder_failure(void) {
  static char sentence[128];
  snprintf(sentence, sizeof sentence, "the image cannot be decoded (%s); expected a whole PNG or JPEG", stbi_failure_reason());
  return sentence;
}

failure_t picture_decode(const uint8_t *data, size_t length, picture_t *picture) {
  static char sentence[128];
  static const uint8_t JPEG_START[] = {0xff, 0xd8, 0xff};
  int width, height, channels;
  *picture = (picture_t){0};
  if (length == 0) return "expected a PNG or JPEG image, got nothing";
  if (length > INT32_MAX || !stbi_info_from_memory(data, (int)length, &width, &height, &channels)) {
    return "expected a PNG or JPEG image, got something else";
  }
  if ((uint64_t)width * (uint64_t)height > MAX_PIXELS) {
    snprintf(sentence, sizeof sentence, "expected at most %u million pixels, got %d x %d; send a smaller picture",
             (unsigned)(MAX_PIXELS / 1000000), width, height);
    return sentence;
  }
  picture->pixels = stbi_load_from_memory(data, (int)length, &width, &height, &channels, CHANNELS);
  if (picture->pixels == NULL) return decoder_failure();
  picture->width = (uint32_t)width;
  picture->height = (uint32_t)height;
  picture->format = length > sizeof JPEG_START && !memcmp(data, JPEG_START, sizeof JPEG_START) ? FORMAT_JPEG : FORMAT_PNG;
  if (picture->format == FORMAT_PNG) return NULL;
  failure_t failure = picture_turn(picture, jpeg_orientation(data, length));
  if (failure != NULL) picture_free(picture);
  return failure;
}

typedef struct {
  bytes_t bytes;
  size_t capacity;
  int failed;
} growing_t;

static void append(void *context, void *data, int size) {
  growing_t *growing = context;
  size_t needed = growing->bytes.length + (size_t)size;
  if (growing->failed) return;
  if (needed > growing->capacity) {
    size_t capacity = needed * 2;
    uint8_t *grown = realloc(growing->bytes.data, capacity);
    if (grown == NULL) {
      growing->failed = 1;
      return;
    }
    growing->bytes.data = grown;
    growing->capacity = capacity;
  }
  memcpy(growing->bytes.data + growing->bytes.length, data, (size_t)size);
  growing->bytes.length = needed;
}

failure_t picture_encode(const picture_t *picture, int channels, format_t format, bytes_t *encoded) {
  growing_t growing = {0};
  int width = (int)picture->width, height = (int)picture->height;
  int done = format == FORMAT_JPEG
                 ? stbi_write_jpg_to_func(append, &growing, width, height, channels, picture->pixels, JPEG_QUALITY)
                 : stbi_write_png_to_func(append, &growing, width, height, channels, picture->pixels, width * channels);
  if (!done || growing.failed) {
    free(growing.bytes.data);
    return "there is not enough memory for the result; send a smaller picture";
  }
  *encoded = growing.bytes;
  return NULL;
}

void picture_free(picture_t *picture) {
  free(picture->pixels);
  *picture = (picture_t){0};
}
