// The functions of wit/world.wit. Their types and prototypes are in anagrams.h, which the build writes.
#include "anagrams.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {

using Words = std::vector<anagrams_string_t>;

// Memory for the answer comes from the function's world, and is freed after the answer was read.
template <typename List>
List list_of(size_t length) {
  using Item = std::remove_pointer_t<decltype(List::data)>;
  return {static_cast<Item *>(anagrams_allocate(length * sizeof(Item))), length};
}

}  // namespace

anagrams_result_list_list_string_string_t anagrams_groups(anagrams_list_string_t words) {
  std::map<std::string, Words> by_letters;
  for (size_t i = 0; i < words.length; i++) {
    std::string letters(words.data[i].data, words.data[i].length);
    if (letters.empty()) return anagrams_result_list_list_string_string_err(anagrams_string("a word is empty"));
    std::ranges::sort(letters);
    by_letters[letters].push_back(words.data[i]);
  }
  std::erase_if(by_letters, [](const auto &group) { return group.second.size() < 2; });

  auto answer = list_of<anagrams_list_list_string_t>(by_letters.size());
  auto *next = answer.data;
  for (const auto &[letters, group] : by_letters) {
    *next = list_of<anagrams_list_string_t>(group.size());
    std::ranges::copy(group, next++->data);
  }
  return anagrams_result_list_list_string_string_ok(answer);
}
