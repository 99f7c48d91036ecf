#!/bin/sh
# Run by "npx cloudlet build examples/words": mecab's own build, told where the function has its settings.
set -e
node source.mjs
cd build/mecab-0.996
./configure --sysconfdir=/dictionary
make -C src mecab
