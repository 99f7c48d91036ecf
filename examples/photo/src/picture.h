/* A picture in memory, and the ways in and out of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Red, green, blue, alpha; 8 bits each; rows from the top. */
enum { CHANNELS = 4 };

typedef enum { FORMAT_PNG, FORMAT_JPEG } format_t;

typedef struct {
  uint8_t *pixels; /* from malloc */
  uint32_t width, height;
  format_t format;
} picture_t;

/* Bytes from malloc. */
typedef struct {
  uint8_t *data;
  size_t length;
} bytes_t;

/* A function that can fail gives NULL, or a sentence for people that stays valid until the next call. */
typedef const char *failure_t;

/* Decodes a PNG or JPEG and turns it upright. */
failure_t picture_decode(const uint8_t *data, size_t length, picture_t *picture);

/* Encodes pixels of 1 (grey) or 4 channels. JPEG drops alpha. */
failure_t picture_encode(const picture_t *picture, int channels, format_t format, bytes_t *encoded);

void picture_free(picture_t *picture);

/* Orientation of a JPEG by its EXIF block: 1 (upright) to 8. 1 when it says nothing valid. */
int jpeg_orientation(const uint8_t *data, size_t length);

/* Turns a picture that was taken at an orientation upright, in place. */
failure_t picture_turn(picture_t *picture, int orientation);

/* The two jobs: from encoded bytes to encoded bytes. */
failure_t thumbnail(const uint8_t *data, size_t length, uint32_t width, bytes_t *encoded);
failure_t edges(const uint8_t *data, size_t length, bytes_t *encoded);
