#!/bin/sh
# POST an image (PBM, PGM or PPM), get the text in it.
if [ "$REQUEST_METHOD" != POST ]; then
  printf 'Content-Type: text/plain\r\n\r\nocr: POST an image of text, as PBM, PGM or PPM\n'
  exit
fi
text=$(gocr - 2>/tmp/ocr.$$)
status=$?
why=$(head -c 500 /tmp/ocr.$$ | tr -s '\n' ' ')
rm -f /tmp/ocr.$$
if [ $status != 0 ] || [ -n "$why" ]; then
  printf 'HTTP/1.0 422 Unprocessable Content\r\nContent-Type: text/plain\r\n\r\n%s\n' "$why"
  exit
fi
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n%s\n' "$text"
