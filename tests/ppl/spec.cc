#include "spec.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "expr/print.h"
#include "logstore/test_store.h"

namespace clew::query::testing {

Result<std::vector<SpecItem>> read_spec(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error(Code::kNotFound, path);
  std::vector<SpecItem> out;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("  ")) {
      if (out.empty()) return Error(Code::kInvalid, path + ": an indented line begins the file");
      out.back().lines.push_back(line.substr(2));
      continue;
    }
    SpecItem item;
    item.line = number;
    item.text = line;
    for (auto [word, kind] :
         {std::pair{"feed", SpecItem::Kind::kFeed}, {"ask", SpecItem::Kind::kAsk}, {"deny", SpecItem::Kind::kDeny}}) {
      std::string begin = word;
      if (line != begin && !line.starts_with(begin + " ")) continue;
      item.kind = kind;
      item.text = line.size() > begin.size() ? line.substr(begin.size() + 1) : "";
    }
    if (item.kind == SpecItem::Kind::kComment && !line.empty() && line[0] != '#') {
      return Error(Code::kInvalid, path + ":" + std::to_string(number) + ": expected feed, ask or deny");
    }
    out.push_back(std::move(item));
  }
  return out;
}

Status write_spec(const std::string& path, const std::vector<SpecItem>& items) {
  std::ofstream file(path);
  for (const SpecItem& item : items) {
    switch (item.kind) {
      case SpecItem::Kind::kComment: break;
      case SpecItem::Kind::kFeed: file << (item.text.empty() ? "feed" : "feed "); break;
      case SpecItem::Kind::kAsk: file << "ask "; break;
      case SpecItem::Kind::kDeny: file << "deny "; break;
    }
    file << item.text << "\n";
    for (const std::string& line : item.lines) file << "  " << line << "\n";
  }
  if (!file) return Error(Code::kIo, path);
  return {};
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < line.size()) {
    size_t end = std::min(line.find("  ", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(' ', end);
    if (at == std::string::npos) break;
  }
  return out;
}

std::vector<std::string> table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::string with_times(std::string line) {
  constexpr std::string_view kMark = "\"t\":\"";
  size_t at = line.find(kMark);
  if (at == std::string::npos) return line;
  size_t begin = at + kMark.size();
  size_t end = line.find('"', begin);
  char unit = line[end - 1];
  int64_t seconds = std::atoll(line.c_str() + begin) * (unit == 'm' ? 60 : unit == 'h' ? 3600 : 1);
  std::string time = expr::print_timestamp(logstore::testing::kStart + seconds * 1'000'000'000);
  time[10] = 'T';
  return line.substr(0, at) + "\"@timestamp\":\"" + time + "Z" + line.substr(end);
}

}  // namespace clew::query::testing
