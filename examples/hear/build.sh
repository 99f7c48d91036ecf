#!/bin/sh
# Run by "npx cloudlet build examples/hear", whose compiler is $CC: the libraries by their own builds, and the program with them.
set -e
node source.mjs
cd build/sphinxbase-5prealpha
# What bison would make is in the archive.
./configure --disable-shared --without-python --without-lapack ac_cv_prog_YACC=:
touch src/libsphinxbase/lm/jsgf_parser.[ch]
make -C src/libsphinxbase
cd ../pocketsphinx-5prealpha
./configure --disable-shared --without-python --with-sphinxbase="$PWD/../sphinxbase-5prealpha"
make -C src/libpocketsphinx
cd ../..
BASE=build/sphinxbase-5prealpha SPHINX=build/pocketsphinx-5prealpha
$CC -O2 -I $BASE/include -I $SPHINX/include src/main.c $SPHINX/src/libpocketsphinx/.libs/libpocketsphinx.a \
  $BASE/src/libsphinxbase/.libs/libsphinxbase.a -lm -o build/hear
