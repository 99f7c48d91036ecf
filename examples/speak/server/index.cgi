#!/bin/sh
# POST a text, get it spoken as WAV; ?voice=awb, rms or slt.
if [ "$REQUEST_METHOD" != POST ]; then
  printf 'Content-Type: text/plain\r\n\r\nspeak: POST a text; ?voice=awb, rms or slt\n'
  exit
fi
case "$QUERY_STRING" in
  '' | voice=slt) voice=slt ;;
  voice=awb) voice=awb ;;
  voice=rms) voice=rms ;;
  *)
    printf 'HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nexpected ?voice=awb, rms or slt\n'
    exit
    ;;
esac
sound=/tmp/speak.$$
trap 'rm -f "$sound"' EXIT
flite -voice $voice -t "$(head -c 65536)" -o "$sound"
printf 'Content-Type: audio/wav\r\nContent-Length: %s\r\n\r\n' "$(stat -c %s "$sound")"
cat "$sound"
