/* The functions of wit/world.wit. Their types and prototypes are in statistics.h, which the build writes. */
#include "statistics.h"

statistics_result_summary_string_t statistics_summarise(statistics_list_f64_t numbers) {
  if (numbers.length == 0) return statistics_result_summary_string_err(statistics_string("there are no numbers"));
  statistics_summary_t summary = {.count = numbers.length, .largest = numbers.data[0]};
  for (size_t i = 0; i < numbers.length; i++) {
    summary.mean += numbers.data[i] / numbers.length;
    if (numbers.data[i] > summary.largest) summary.largest = numbers.data[i];
  }
  return statistics_result_summary_string_ok(summary);
}
