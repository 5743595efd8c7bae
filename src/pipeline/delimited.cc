#include "pipeline/delimited.h"

#include <algorithm>

namespace clew::pipeline {

std::string_view trimmed(std::string_view text, std::string_view bytes) {
  size_t begin = text.find_first_not_of(bytes);
  if (begin == std::string_view::npos) return bytes.empty() ? text : text.substr(0, 0);
  return text.substr(begin, text.find_last_not_of(bytes) - begin + 1);
}

std::string_view unquoted(std::string_view text) {
  bool quotes = text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quotes ? text.substr(1, text.size() - 2) : text;
}

namespace {

// Where a value that begins here ends: at the delimiter that is not within quotes.
size_t value_end(std::string_view text, std::string_view between) {
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == text.front()) {
        return std::min(text.find(between, i), text.size());
      }
    }
  }
  return std::min(text.find(between), text.size());
}

}  // namespace

void read_pairs(std::string_view text, std::string_view between, std::string_view equals,
                std::vector<std::pair<std::string_view, std::string_view>>& out) {
  while (!text.empty() && out.size() < kPairsMax) {
    if (text.starts_with(between)) {
      text.remove_prefix(between.size());
      continue;
    }
    size_t sign = text.find(equals);
    size_t stop = text.find(between);
    if (sign == std::string_view::npos) return;
    if (stop < sign) {
      text.remove_prefix(stop + between.size());
      continue;
    }
    std::string_view name = text.substr(0, sign);
    text.remove_prefix(sign + equals.size());
    size_t end = value_end(text, between);
    out.emplace_back(name, text.substr(0, end));
    text.remove_prefix(std::min(end + between.size(), text.size()));
  }
}

bool read_csv(std::string_view line, char separator, char quote, std::vector<CsvValue>& out) {
  size_t count = 0;
  auto next = [&]() -> CsvValue& {
    if (count == out.size()) out.emplace_back();
    out[count].escaped = false;
    return out[count++];
  };
  size_t at = 0;
  while (count < kColumnsMax) {
    CsvValue& value = next();
    if (at < line.size() && line[at] == quote) {
      size_t begin = ++at;
      value.own.clear();
      while (true) {
        size_t close = line.find(quote, at);
        if (close == std::string_view::npos) return false;
        bool doubled = close + 1 < line.size() && line[close + 1] == quote;
        value.own.append(line.substr(at, close - at + (doubled ? 1 : 0)));
        value.escaped = value.escaped || doubled;
        at = close + (doubled ? 2 : 1);
        if (doubled) continue;
        value.view = line.substr(begin, close - begin);
        break;
      }
      if (at < line.size() && line[at] != separator) return false;
    } else {
      size_t end = std::min(line.find(separator, at), line.size());
      value.view = line.substr(at, end - at);
      at = end;
    }
    if (at >= line.size()) break;
    ++at;  // the separator
  }
  out.resize(count);
  return true;
}

}  // namespace clew::pipeline
