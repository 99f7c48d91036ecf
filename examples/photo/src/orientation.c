/* Phones store a photograph as the sensor saw it, and in its EXIF block how it was held. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *data;
  size_t length;
  int big_endian;
} tiff_t;

/* Reads a number of 2 or 4 bytes; 0 beyond the end, which is no valid tag, count or orientation. */
static uint32_t number(const tiff_t *tiff, size_t at, size_t size) {
  uint32_t value = 0;
  if (at > tiff->length || tiff->length - at < size) return 0;
  for (size_t i = 0; i < size; i++) value = value << 8 | tiff->data[tiff->big_endian ? at + i : at + size - 1 - i];
  return value;
}

static int tiff_orientation(tiff_t tiff) {
  enum { ORIENTATION = 0x0112, ENTRY_SIZE = 12 };
  if (tiff.length < 8) return 1;
  tiff.big_endian = tiff.data[0] == 'M';
  size_t directory = number(&tiff, 4, 4);
  uint32_t entries = number(&tiff, directory, 2);
  for (uint32_t i = 0; i < entries; i++) {
    size_t entry = directory + 2 + (size_t)i * ENTRY_SIZE;
    if (number(&tiff, entry, 2) != ORIENTATION) continue;
    uint32_t value = number(&tiff, entry + 8, 2);
    return value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

int jpeg_orientation(const uint8_t *data, size_t length) {
  enum { APP1 = 0xe1, START_OF_SCAN = 0xda };
  static const char EXIF[] = "Exif\0";
  size_t at = 2;
  while (at + 4 <= length && data[at] == 0xff && data[at + 1] != START_OF_SCAN) {
    size_t size = (size_t)data[at + 2] << 8 | data[at + 3];
    if (size < 2 || length - at - 2 < size) return 1;
    const uint8_t *segment = data + at + 4;
    if (data[at + 1] == APP1 && size > 2 + sizeof EXIF && !memcmp(segment, EXIF, sizeof EXIF)) {
      return tiff_orientation((tiff_t){segment + sizeof EXIF, size - 2 - sizeof EXIF, 0});
    }
    at += 2 + size;
  }
  return 1;
}

failure_t picture_turn(picture_t *picture, int orientation) {
  if (orientation == 1) return NULL;
  uint32_t width = picture->width, height = picture->height;
  /* 5 to 8 lie on their side; of each four, two run backwards in x, two in y. */
  int sideways = orientation >= 5;
  int back_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  int back_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  uint32_t new_width = sideways ? height : width, new_height = sideways ? width : height;
  uint8_t *turned = malloc((size_t)width * height * CHANNELS);
  if (turned == NULL) return "there is not enough memory to turn the picture upright; send a smaller one";
  for (uint32_t y = 0; y < new_height; y++) {
    for (uint32_t x = 0; x < new_width; x++) {
      uint32_t from_x = sideways ? y : x, from_y = sideways ? x : y;
      if (back_x) from_x = width - 1 - from_x;
      if (back_y) from_y = height - 1 - from_y;
      memcpy(turned + ((size_t)y * new_width + x) * CHANNELS, picture->pixels + ((size_t)from_y * width + from_x) * CHANNELS,
             CHANNELS);
    }
  }
  free(picture->pixels);
  picture->pixels = turned;
  picture->width = new_width;
  picture->height = new_height;
  return NULL;
}
