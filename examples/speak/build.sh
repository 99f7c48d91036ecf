#!/bin/sh
# Run by "npx cloudlet build examples/speak", whose compiler is $CC: flite's own build, without its voices and its programs.
set -e
node source.mjs
cd build/flite-2.2
./configure --with-audio=none
make -C include
make -C src
make -C lang VOXES=
cd ../..
$CC -O2 -I build/flite-2.2/include src/main.c -L build/flite-2.2/build/wasm32-wasi/lib \
  -lflite_usenglish -lflite_cmulex -lflite -o build/speak
