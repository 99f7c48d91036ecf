/* A smaller picture: each new pixel is the mean of the area that it covers, taken in linear light and weighted by alpha. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>

static float linear_of[256];

static void prepare(void) {
  for (int i = 0; i < 256; i++) {
    double s = i / 255.0;
    linear_of[i] = (float)(s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4));
  }
}

static uint8_t to_srgb(double linear) {
  double s = linear <= 0.0031308 ? linear * 12.92 : 1.055 * pow(linear, 1 / 2.4) - 0.055;
  return (uint8_t)(s * 255 + 0.5);
}

/* Part of the source pixel at `at` that lies between `from` and `to`. */
static double overlap(uint32_t at, double from, double to) {
  double low = at > from ? at : from, high = at + 1.0 < to ? at + 1.0 : to;
  return high - low;
}

static void mean(const picture_t *picture, double left, double right, double top, double bottom, uint8_t *pixel) {
  double red = 0, green = 0, blue = 0, alpha = 0, area = 0;
  for (uint32_t y = (uint32_t)top; y < picture->height && y < bottom; y++) {
    double rows = overlap(y, top, bottom);
    for (uint32_t x = (uint32_t)left; x < picture->width && x < right; x++) {
      const uint8_t *source = picture->pixels + ((size_t)y * picture->width + x) * CHANNELS;
      double part = rows * overlap(x, left, right), weight = part * source[3];
      red += weight * linear_of[source[0]];
      green += weight * linear_of[source[1]];
      blue += weight * linear_of[source[2]];
      alpha += weight;
      area += part;
    }
  }
  if (alpha > 0) {
    pixel[0] = to_srgb(red / alpha);
    pixel[1] = to_srgb(green / alpha);
    pixel[2] = to_srgb(blue / alpha);
  }
  pixel[3] = (uint8_t)(alpha / area + 0.5);
}

static failure_t shrink(const picture_t *picture, uint32_t width, picture_t *small) {
  double scale = (double)picture->width / width;
  uint32_t height = (uint32_t)lround(picture->height / scale);
  if (height == 0) height = 1;
  double scale_y = (double)picture->height / height;
  *small = (picture_t){calloc((size_t)width * height, CHANNELS), width, height, picture->format};
  if (small->pixels == NULL) return "there is not enough memory for the thumbnail; ask for a smaller one";
  prepare();
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      mean(picture, x * scale, (x + 1) * scale, y * scale_y, (y + 1) * scale_y, small->pixels + ((size_t)y * width + x) * CHANNELS);
    }
  }
  return NULL;
}

failure_t thumbnail(const uint8_t *data, size_t length, uint32_t width, bytes_t *encoded) {
  picture_t picture, small;
  if (width == 0) return "expected a width of at least 1 pixel, got 0";
  failure_t failure = picture_decode(data, length, &picture);
  if (failure != NULL) return failure;
  if (width >= picture.width) {
    failure = picture_encode(&picture, CHANNELS, picture.format, encoded);
  } else {
    failure = shrink(&picture, width, &small);
    if (failure == NULL) {
      failure = picture_encode(&small, CHANNELS, small.format, encoded);
      picture_free(&small);
    }
  }
  picture_free(&picture);
  return failure;
}
