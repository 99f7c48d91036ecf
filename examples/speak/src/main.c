/* Text on standard input, spoken on standard output as WAV. Its one argument chooses a voice: awb, rms or slt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flite.h"

cst_lexicon *cmu_lex_init(void);
void usenglish_init(cst_voice *voice);

/* Longest text that is spoken: an hour of it, more or less. */
#define MAX_TEXT (64 * 1024)

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "slt";
  if (argc > 2 || (strcmp(name, "awb") != 0 && strcmp(name, "rms") != 0 && strcmp(name, "slt") != 0)) {
    fprintf(stderr, "expected one of the voices awb, rms, slt\n");
    return 2;
  }
  static char text[MAX_TEXT + 1];
  size_t length = fread(text, 1, sizeof text, stdin);
  if (length > MAX_TEXT || memchr(text, 0, length) != NULL) {
    fprintf(stderr, "expected at most %d bytes of text\n", MAX_TEXT);
    return 1;
  }
  char path[64];
  snprintf(path, sizeof path, "/voices/%s.flitevox", name);
  flite_init();
  flite_add_lang("eng", usenglish_init, cmu_lex_init);
  flite_add_lang("usenglish", usenglish_init, cmu_lex_init);
  cst_voice *voice = flite_voice_load(path);
  if (voice == NULL) {
    fprintf(stderr, "expected a voice in %s\n", path);
    return 1;
  }
  cst_wave *wave = flite_text_to_wave(text, voice);
  if (wave == NULL || cst_wave_save_riff_fd(wave, stdout) < 0) return 1;
  return fflush(stdout) != 0;
}
