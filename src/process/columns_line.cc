#include "process/columns_line.h"

#include <algorithm>
#include <charconv>

namespace clew::process {
namespace {

constexpr size_t kCsvColumnsMin = 3;
constexpr size_t kNameBytesMax = 100;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// cs(User-Agent) and sc-status as cs_user_agent and sc_status.
std::string w3c_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == ')') continue;
    out += is_letter(c) || is_digit(c) || c == '.' ? lower(c) : '_';
  }
  return out;
}

}  // namespace

bool split_csv(std::string_view line, std::vector<ColumnValue>& out) {
  size_t count = 0;
  size_t at = 0;
  while (count < kLineColumnsMax) {
    if (count == out.size()) out.emplace_back();
    ColumnValue& value = out[count++];
    value.escaped = false;
    if (at < line.size() && line[at] == '"') {
      size_t begin = ++at;
      value.own.clear();
      while (true) {
        size_t close = line.find('"', at);
        if (close == std::string_view::npos) return false;
        bool doubled = close + 1 < line.size() && line[close + 1] == '"';
        value.own.append(line.substr(at, close - at + (doubled ? 1 : 0)));
        value.escaped = value.escaped || doubled;
        at = close + (doubled ? 2 : 1);
        if (doubled) continue;
        value.text = line.substr(begin, close - begin);
        break;
      }
      if (at < line.size() && line[at] != ',') return false;
    } else {
      size_t end = std::min(line.find(',', at), line.size());
      value.text = line.substr(at, end - at);
      at = end;
    }
    if (at >= line.size()) break;
    ++at;
  }
  out.resize(count);
  return true;
}

bool is_csv_header(std::string_view line) {
  std::vector<ColumnValue> names;
  if (!split_csv(line, names) || names.size() < kCsvColumnsMin) return false;
  return std::all_of(names.begin(), names.end(), [](const ColumnValue& name) {
    std::string_view text = name.view();
    if (text.empty() || text.size() > kNameBytesMax || !is_letter(text[0])) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; });
  });
}

bool ColumnsLine::w3c_header(std::string_view line) {
  if (!line.starts_with('#')) return false;
  constexpr std::string_view kFields = "#Fields:";
  if (!line.starts_with(kFields)) return true;
  names_.clear();
  for (std::string_view rest = line.substr(kFields.size()); !rest.empty();) {
    size_t end = std::min(rest.find_first_of(" \t\r"), rest.size());
    if (end > 0 && names_.size() < kLineColumnsMax) names_.push_back(w3c_name(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

bool ColumnsLine::zeek_header(std::string_view line) {
  if (!line.starts_with('#')) return false;
  auto value_of = [&](std::string_view key) {
    if (!line.starts_with(key) || line.size() <= key.size()) return std::string_view();
    return line.substr(key.size() + 1);
  };
  if (std::string_view text = value_of("#separator"); text.starts_with("\\x") && text.size() >= 4) {
    int byte = 0;
    std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
    separator_ = static_cast<char>(byte);
  } else if (std::string_view unset = value_of("#unset_field"); !unset.empty()) {
    unset_ = std::string(unset);
  } else if (std::string_view none = value_of("#empty_field"); !none.empty()) {
    empty_ = std::string(none);
  } else if (std::string_view names = value_of("#fields"); !names.empty()) {
    names_.clear();
    for (std::string_view rest = names; !rest.empty() && names_.size() < kLineColumnsMax;) {
      size_t end = std::min(rest.find(separator_), rest.size());
      names_.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return true;
}

bool ColumnsLine::header(std::string_view line) {
  if (kind_ == ColumnsKind::kW3c) return w3c_header(line);
  if (kind_ == ColumnsKind::kZeek) {
    if (separator_ == ' ') separator_ = '\t';
    return zeek_header(line);
  }
  if (!names_.empty() || !is_csv_header(line) || !split_csv(line, values_)) return false;
  for (const ColumnValue& value : values_) names_.emplace_back(value.view());
  return true;
}

bool ColumnsLine::read(std::string_view line) {
  if (names_.empty()) return false;
  if (kind_ == ColumnsKind::kCsv) return split_csv(line, values_) && values_.size() == names_.size();
  size_t count = 0;
  while (count < kLineColumnsMax) {
    size_t end = std::min(line.find(separator_), line.size());
    if (count == values_.size()) values_.emplace_back();
    ColumnValue& value = values_[count++];
    value.escaped = false;
    value.text = line.substr(0, end);
    if (value.text == unset_ || value.text == empty_) value.text = {};
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  values_.resize(count);
  return count == names_.size();
}

}  // namespace clew::process
