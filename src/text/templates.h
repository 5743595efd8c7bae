// Templates of messages: the words that stay, and `<*>` where something varies.
//
// Two ways. `simple_template` looks at one text alone: every run of letters and digits varies. `TemplateMiner` looks at
// many texts, as the Brain algorithm does (Yu et al., IEEE TSC 2023): numbers, addresses and times are variables at
// once; then the words of a text that are equally frequent in their places, the longest such combination, say which
// group the text belongs to, and a word outside of it stays only if its place holds few different words in the group.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace clew::text {

constexpr std::string_view kVariable = "<*>";

// "user 17 in" becomes "<*> <*> <*>".
std::string simple_template(std::string_view text);

// Blank-separated words of a text in which addresses, times, ids and numbers have become variables.
std::vector<std::string> template_words(std::string_view text);

// Threads: one.
class TemplateMiner {
 public:
  struct Options {
    uint32_t variable_count = 5;   // so many different words in a place make it a variable
    double frequency_share = 0.3;  // of the highest frequency: below it words say nothing of the group
  };
  explicit TemplateMiner(Options options) : options_(options) {}

  void add(std::string_view text);
  // After the last add(): the template of the i-th text added.
  std::string template_of(size_t i);
  // Bytes held.
  size_t memory_bytes() const { return bytes_; }

 private:
  struct Text {
    std::vector<uint32_t> words;  // numbers of (place, word)
    uint64_t frequency = 0;       // of the combination that says its group
    uint32_t length = 0;          // words in that combination
  };
  using GroupPlace = std::string;

  uint32_t number_of(size_t place, std::string_view word);
  void find_groups();
  GroupPlace key(const Text& text, size_t place) const;

  const Options options_;
  std::vector<Text> texts_;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<std::string> words_;
  std::vector<uint64_t> frequencies_;
  std::unordered_map<GroupPlace, std::set<uint32_t>> places_;  // different words of a place of a group
  bool grouped_ = false;
  size_t bytes_ = 0;
};

// What stood where a template has its variables, in order; false when the text is not of the template. Blanks of the
// template stand for any run of blanks and commas.
bool template_values(std::string_view text, std::string_view pattern, std::vector<std::string_view>& values);
// `<*>`, `<*IP*>` .. become `<token1>`, `<token2>` ..; gives how many.
uint32_t number_variables(std::string_view pattern, std::string& numbered);

}  // namespace clew::text
