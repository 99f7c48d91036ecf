/* Speech on standard input (WAV: 16 bit, mono, 16 kHz), the words in it on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sphinxbase/err.h>

#include <pocketsphinx.h>

/* Longest sound that is listened to, ten minutes: it is held in memory. */
#define MAX_BYTES (10 * 60 * 16000 * 2)

static unsigned little(const unsigned char *bytes, int count) {
  unsigned value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/* Where the samples begin, and how many bytes they are; 0 when this is no sound of the one kind that the model knows. */
static size_t samples(const unsigned char *wav, size_t length, size_t *bytes) {
  if (length < 12 || memcmp(wav, "RIFF", 4) != 0 || memcmp(wav + 8, "WAVE", 4) != 0) return 0;
  int known = 0;
  for (size_t at = 12; at + 8 <= length;) {
    size_t size = little(wav + at + 4, 4);
    const unsigned char *body = wav + at + 8;
    size_t left = length - at - 8;
    if (memcmp(wav + at, "fmt ", 4) == 0 && size >= 16 && left >= 16)
      known = little(body, 2) == 1 && little(body + 2, 2) == 1 && little(body + 4, 4) == 16000 && little(body + 14, 2) == 16;
    if (memcmp(wav + at, "data", 4) == 0) {
      *bytes = size < left ? size : left;
      return known ? at + 8 : 0;
    }
    if (size > left) return 0;
    at += 8 + size + (size & 1);
  }
  return 0;
}

int main(void) {
  static unsigned char sound[MAX_BYTES + 1];
  size_t length = fread(sound, 1, sizeof sound, stdin);
  size_t bytes = 0, at = length > MAX_BYTES ? 0 : samples(sound, length, &bytes);
  if (at == 0) {
    fprintf(stderr, "expected a WAV of 16 bit, mono, 16 kHz and at most ten minutes\n");
    return 1;
  }
  err_set_logfp(NULL);
  cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", "/model/en-us", "-lm", "/model/en-us.lm.bin", "-dict",
                                 "/model/cmudict-en-us.dict", "-mmap", "no", "-cmn", "batch", NULL);
  ps_decoder_t *decoder = config == NULL ? NULL : ps_init(config);
  if (decoder == NULL) {
    fprintf(stderr, "expected the model in /model\n");
    return 1;
  }
  /* Where they lie, they need not be aligned. */
  int16 *aligned = malloc(bytes);
  if (aligned == NULL) return 1;
  memcpy(aligned, sound + at, bytes);
  ps_start_utt(decoder);
  ps_process_raw(decoder, aligned, bytes / sizeof *aligned, FALSE, TRUE);
  ps_end_utt(decoder);
  int32 score;
  const char *words = ps_get_hyp(decoder, &score);
  printf("%s\n", words == NULL ? "" : words);
  return fflush(stdout) != 0;
}
