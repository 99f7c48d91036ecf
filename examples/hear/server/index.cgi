#!/bin/sh
# POST speech as WAV (16 bit, mono, 16 kHz), get the words in it. GET answers as soon as the recogniser does.

# One recogniser serves all, one after the other: a name goes in, a line "words (name score)" comes out.
hear() {
  flock /run/hear/lock sh -c 'echo "$1" >/run/hear/in; timeout 300 head -n 1 /run/hear/out' hear "$1"
}

if [ "$REQUEST_METHOD" != POST ]; then
  hear silence >/dev/null
  printf 'Content-Type: text/plain\r\n\r\nhear: POST speech as WAV: 16 bit, mono, 16 kHz\n'
  exit
fi
sound=/run/hear/$$.wav
trap 'rm -f "$sound"' EXIT
head -c 19200044 >"$sound"
kind=$(od -A n -t x1 -j 20 -N 16 "$sound" | tr -d ' \n')
if [ "$(head -c 4 "$sound")" != RIFF ] || [ "$kind" != 01000100803e0000007d000002001000 ]; then
  printf 'HTTP/1.0 422 Unprocessable Content\r\nContent-Type: text/plain\r\n\r\nexpected a WAV of 16 bit, mono, 16 kHz\n'
  exit
fi
words=$(hear $$)
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n%s\n' "${words% (*}"
