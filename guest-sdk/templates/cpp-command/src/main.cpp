// Standard input to standard output; what is wrong goes to standard error, and makes the exit status other than 0.
#include <iostream>
#include <map>
#include <string>

int main(int argc, char **argv) {
  if (argc > 2 || (argc == 2 && std::string(argv[1]) != "--lengths")) {
    std::cerr << "expected no argument or --lengths\n";
    return 2;
  }
  std::map<std::string, int> counts;
  for (std::string word; std::cin >> word;) counts[word]++;
  for (const auto &[word, count] : counts) {
    std::cout << count << ' ' << word;
    if (argc == 2) std::cout << ' ' << word.size();
    std::cout << '\n';
  }
  std::cout.flush();
  return std::cout.good() ? 0 : 1;
}
