// Pairs and columns with delimiters and quotes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::pipeline {

constexpr size_t kPairsMax = 2000;    // of one text
constexpr size_t kColumnsMax = 2000;  // of one line

std::string_view trimmed(std::string_view text, std::string_view bytes);
// Without the quotes around it, " or '.
std::string_view unquoted(std::string_view text);

// `key EQUALS value BETWEEN key EQUALS value`; a value in quotes may hold the delimiters; what is no pair is passed
// over. Values keep their quotes.
void read_pairs(std::string_view text, std::string_view between, std::string_view equals,
                std::vector<std::pair<std::string_view, std::string_view>>& out);

struct CsvValue {
  std::string_view view;
  std::string own;       // where `escaped`
  bool escaped = false;  // it held a doubled quote
  std::string_view text() const { return escaped ? std::string_view(own) : view; }
};
// One line, which may hold newlines within quotes. False for a quote that is not closed, or stands within a value.
bool read_csv(std::string_view line, char separator, char quote, std::vector<CsvValue>& out);

}  // namespace clew::pipeline
