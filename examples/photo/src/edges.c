/* The outlines of a picture: how steeply its brightness changes at each pixel (Sobel), white where it is steep. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>

static void luma(const picture_t *picture, uint8_t *grey) {
  for (size_t i = 0; i < (size_t)picture->width * picture->height; i++) {
    const uint8_t *pixel = picture->pixels + i * CHANNELS;
    grey[i] = (uint8_t)((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
  }
}

/* Beyond its border a picture goes on as its last pixel. */
static int at(const uint8_t *grey, const picture_t *picture, int64_t x, int64_t y) {
  if (x < 0) x = 0;
  if (y < 0) y = 0;
  if (x >= picture->width) x = picture->width - 1;
  if (y >= picture->height) y = picture->height - 1;
  return grey[(size_t)y * picture->width + (size_t)x];
}

static uint8_t steepness(const uint8_t *grey, const picture_t *picture, int64_t x, int64_t y) {
#define AT(dx, dy) at(grey, picture, x + (dx), y + (dy))
  int across = AT(1, -1) + 2 * AT(1, 0) + AT(1, 1) - AT(-1, -1) - 2 * AT(-1, 0) - AT(-1, 1);
  int down = AT(-1, 1) + 2 * AT(0, 1) + AT(1, 1) - AT(-1, -1) - 2 * AT(0, -1) - AT(1, -1);
#undef AT
  double steep = sqrt((double)across * across + (double)down * down) / 2;
  return steep >= 255 ? 255 : (uint8_t)(steep + 0.5);
}

failure_t edges(const uint8_t *data, size_t length, bytes_t *encoded) {
  picture_t picture;
  failure_t failure = picture_decode(data, length, &picture);
  if (failure != NULL) return failure;
  size_t pixels = (size_t)picture.width * picture.height;
  uint8_t *grey = malloc(pixels), *outline = malloc(pixels);
  if (grey == NULL || outline == NULL) {
    failure = "there is not enough memory for the edges; send a smaller picture";
  } else {
    luma(&picture, grey);
    for (uint32_t y = 0; y < picture.height; y++) {
      for (uint32_t x = 0; x < picture.width; x++) outline[(size_t)y * picture.width + x] = steepness(grey, &picture, x, y);
    }
    picture_t outlines = {outline, picture.width, picture.height, FORMAT_PNG};
    failure = picture_encode(&outlines, 1, FORMAT_PNG, encoded);
  }
  free(grey);
  free(outline);
  picture_free(&picture);
  return failure;
}
