// end to end
import { suite } from 'uvu';
import { tryCounter, tryTally } from '../../../support/importing-world.ts';
import { tryLowering } from '../../../support/lowered-world.ts';

const imports = suite('what a function in C imports');

const COUNTER = `#include "counter.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

counter_result_s64_string_t counter_count(counter_string_t key) {
  counter_result_option_string_config_store_error_t step = counter_config_store_get(counter_string("step"));
  if (step.is_err || !step.of.ok.is_some) return counter_result_s64_string_err(counter_string("no step"));
  char digits[32] = {0};
  memcpy(digits, step.of.ok.value.data, step.of.ok.value.length);
  counter_result_bucket_keyvalue_store_error_t opened = counter_keyvalue_store_open(counter_string("default"));
  if (opened.is_err) return counter_result_s64_string_err(counter_string("no store"));
  counter_bucket_t bucket = opened.of.ok;
  counter_result_s64_keyvalue_store_error_t sum = counter_keyvalue_atomics_increment(bucket, key, atoi(digits));
  counter_bucket_drop(bucket);
  return sum.is_err ? counter_result_s64_string_err(counter_string("not counted")) : counter_result_s64_string_ok(sum.of.ok);
}

counter_result_option_list_u8_string_t counter_swap(counter_string_t key, counter_list_u8_t value) {
  counter_bucket_t bucket = counter_keyvalue_store_open(counter_string("default")).of.ok;
  counter_cas_t cas = counter_cas_new(bucket, key).of.ok;
  counter_option_list_u8_t before = counter_cas_current(cas).of.ok;
  for (;;) {
    counter_result_none_cas_error_t swapped = counter_keyvalue_atomics_swap(cas, value);
    if (!swapped.is_err) break;
    if (swapped.of.err.tag != COUNTER_CAS_ERROR_CAS_FAILED)
      return counter_result_option_list_u8_string_err(counter_string("not swapped"));
    cas = swapped.of.err.of.cas_failed;
  }
  counter_bucket_drop(bucket);
  return counter_result_option_list_u8_string_ok(before);
}

counter_result_list_string_string_t counter_fill(uint32_t n) {
  counter_bucket_t bucket = counter_keyvalue_store_open(counter_string("default")).of.ok;
  counter_tuple_string_list_u8_t *pairs = counter_allocate(n * sizeof *pairs);
  counter_string_t *keys = counter_allocate(n * sizeof *keys);
  for (uint32_t at = 0; at < n; at++) {
    char *name = counter_allocate(16);
    keys[at] = (counter_string_t){name, (size_t)snprintf(name, 16, "k%u", (unsigned)at)};
    pairs[at] = (counter_tuple_string_list_u8_t){keys[at], {(uint8_t *)name, keys[at].length}};
  }
  if (counter_keyvalue_batch_set_many(bucket, (counter_list_tuple_string_list_u8_t){pairs, n}).is_err) abort();
  counter_list_option_tuple_string_list_u8_t all =
      counter_keyvalue_batch_get_many(bucket, (counter_list_string_t){keys, n}).of.ok;
  counter_logging_logging_log(COUNTER_LEVEL_INFO, counter_string("fill"), counter_string("done"));
  if (!counter_bucket_exists(bucket, keys[0]).of.ok) abort();
  if (counter_bucket_get(bucket, counter_string("nope")).of.ok.is_some) abort();
  size_t mark = counter_mark();
  if (counter_bucket_list_keys(bucket, counter_option_string_none()).of.ok.keys.length < n) abort();
  counter_release(mark);
  counter_list_string_t found = {counter_allocate(n * sizeof(counter_string_t)), n};
  for (size_t at = 0; at < all.length; at++) {
    counter_tuple_string_list_u8_t pair = all.data[at].value;
    char *text = counter_allocate(64);
    int length = snprintf(text, 64, "%.*s=%.*s", (int)pair.f0.length, pair.f0.data, (int)pair.f1.length, (char *)pair.f1.data);
    found.data[at] = (counter_string_t){text, (size_t)length};
  }
  counter_bucket_drop(bucket);
  return counter_result_list_string_string_ok(found);
}

counter_list_u32_t counter_ready(void) {
  counter_pollable_t soon = counter_clocks_monotonic_clock_subscribe_duration(1);
  counter_pollable_t both[] = {counter_clocks_monotonic_clock_subscribe_duration(60000000000), soon};
  counter_list_u32_t answer = counter_io_poll_poll((counter_list_pollable_t){both, 2});
  counter_pollable_drop(both[0]);
  counter_pollable_drop(soon);
  return answer;
}
`;

imports('counts in keyvalue, reads its configuration, and waits', () => tryCounter('f.c', COUNTER));

const LOWERING = `#include "w.h"
#include <stdlib.h>
#include <string.h>
#define CHECK(what) do { if (!(what)) abort(); } while (0)

static bool same(w_v_t a, w_v_t b) {
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case W_V_F: return a.of.f == b.of.f;
    case W_V_D: return a.of.d == b.of.d;
    case W_V_I: return a.of.i == b.of.i;
    case W_V_L: return a.of.l == b.of.l;
    case W_V_S: return b.of.s.length == a.of.s.length && memcmp(a.of.s.data, b.of.s.data, a.of.s.length) == 0;
    case W_V_P: return b.of.p.c == a.of.p.c && b.of.p.b.length == a.of.p.b.length && b.of.p.b.data[0] == -1;
    default: return true;
  }
}

w_string_t w_run(void) {
  int16_t numbers[] = {-1, 2};
  w_pair_t p = {w_string("ä"), {numbers, 2}, -0.5};
  w_v_t all[7];
  memset(all, 0x5a, sizeof all);
  for (uint8_t at = 0; at < 7; at++) all[at].tag = at;
  all[W_V_F].of.f = 1.5f;
  all[W_V_D].of.d = -2.25;
  all[W_V_I].of.i = -3;
  all[W_V_P].of.p = p;
  all[W_V_S].of.s = w_string("s");
  all[W_V_L].of.l = UINT64_MAX;
  char *text = w_allocate(10000);
  size_t length = 0;
  for (int at = 0; at < 7; at++) {
    w_v_t v = all[at];
    CHECK(same(w_b_e_few(-1, v, W_FL_X | W_FL_Z, W_EN_TWO), v));
    w_box_t box = w_box_new(v);
    CHECK(same(w_box_get(box), v));
    w_result_box_string_t other = w_result_box_string_ok(w_box_new(v));
    w_list_box_t eaten = w_b_e_eat(box, other);
    CHECK(eaten.length == 2 && same(w_box_get(eaten.data[1]), v));
    w_box_drop(eaten.data[0]);
    w_box_drop(eaten.data[1]);
    w_v_t two[] = {v, {.tag = W_V_I, .of = {.i = -1}}};
    w_string_t line = w_b_e_many(-1, UINT64_MAX, 0.5f, w_string("d"), w_option_string_some(w_string("e")), v, W_FL_Y, W_EN_ONE,
                                 0x1f600, (w_list_v_t){two, 2}, (w_tuple_bool_s64_t){true, -9}, p);
    if (length > 0) text[length++] = '\\n';
    memcpy(text + length, line.data, line.length);
    length += line.length;
  }
  CHECK(w_b_e_one(-1.5f) == -1.5f && w_b_e_neg(-2) == -2);
  w_tuple_pair_option_pair_t r = w_b_e_rec(p, w_option_pair_some(p));
  CHECK(r.f0.a.length == 2 && r.f1.is_some && r.f1.value.b.data[0] == -1 && r.f1.value.c == -0.5);
  CHECK(!w_b_e_rec(p, w_option_pair_none()).f1.is_some);
  return (w_string_t){text, length};
}
`;

imports('is given values of every shape', () => tryLowering('f.c', LOWERING));

const TALLY = `#include "tally.h"
#include <stdio.h>
#include <stdlib.h>

uint32_t tally_twice(uint32_t n) { return 2 * n; }

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  tally_string_t step = tally_config_store_get(tally_string("step")).of.ok.value;
  char digits[8] = "";
  snprintf(digits, sizeof digits, "%.*s", (int)step.length, step.data);
  tally_bucket_t bucket = tally_keyvalue_store_open(tally_string("default")).of.ok;
  int64_t sum = 0;
  for (int left = atoi(argv[2]); left > 0; left--) {
    size_t mark = tally_mark();
    sum = tally_keyvalue_atomics_increment(bucket, tally_string(argv[1]), atoi(digits)).of.ok;
    tally_release(mark);
  }
  tally_bucket_drop(bucket);
  printf("%s %lld\\n", argv[1], (long long)sum);
}
`;

for (const entry of ['main.c', 'main.cpp'])
  imports(`is there for a program, too (${entry})`, () => {
    // C++ has the functions of a world by their C names.
    const source = entry.endsWith('.c')
      ? TALLY
      : TALLY.replace('uint32_t tally_twice', 'extern "C" uint32_t tally_twice');
    return tryTally(entry, source);
  });

imports.run();
