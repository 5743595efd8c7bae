#include "pipeline/dissect.h"

#include <algorithm>
#include <charconv>

namespace clew::pipeline {

Result<Dissect::Key> Dissect::parse_key(std::string_view inside) {
  Key key;
  if (inside.ends_with("->")) {
    key.padded = true;
    inside.remove_suffix(2);
  }
  if (size_t bar = inside.find('|'); bar != std::string_view::npos) {
    std::string_view type = inside.substr(bar + 1);
    if (type != "int" && type != "integer" && type != "long" && type != "float" && type != "double") {
      return Error(Code::kInvalid, "the type " + quoted(type) + " is unknown: write int or float");
    }
    key.number = true;
    inside = inside.substr(0, bar);
  }
  char mark = inside.empty() ? '?' : inside[0];
  if (mark == '?' || mark == '+' || mark == '*' || mark == '&') {
    key.use = mark == '?' ? Use::kSkip : mark == '+' ? Use::kAppend : mark == '*' ? Use::kName : Use::kValue;
    if (!inside.empty()) inside.remove_prefix(1);
  }
  size_t slash = key.use == Use::kAppend ? inside.rfind('/') : std::string_view::npos;
  if (slash != std::string_view::npos) {
    std::string_view digits = inside.substr(slash + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), key.order);
    if (error != std::errc()) return Error(Code::kInvalid, "%{+name/N} takes a number for N");
    inside = inside.substr(0, slash);
  }
  key.name = std::string(inside);
  if (key.name.empty() && key.use != Use::kSkip) return Error(Code::kInvalid, "a key has no name");
  return key;
}

Result<Dissect> Dissect::make(std::string_view pattern) {
  Dissect out;
  std::string delimiter;
  while (!pattern.empty()) {
    size_t open = std::min(pattern.find("%{"), pattern.size());
    delimiter = std::string(pattern.substr(0, open));
    if (!out.keys_.empty()) out.keys_.back().after = delimiter;
    if (open == pattern.size()) break;
    size_t close = pattern.find('}', open);
    if (close == std::string_view::npos) return Error(Code::kInvalid, "a %{ is not closed");
    if (!out.keys_.empty() && delimiter.empty()) {
      return Error(Code::kInvalid, "two keys stand without a delimiter between them");
    }
    Key key = CLEW_TRY(parse_key(pattern.substr(open + 2, close - open - 2)));
    key.before = delimiter;
    if (out.keys_.empty()) out.start_ = delimiter;
    out.keys_.push_back(std::move(key));
    pattern.remove_prefix(close + 1);
  }
  if (out.keys_.empty()) return Error(Code::kInvalid, "it has no key: write %{name}");
  if (out.keys_.size() > kDissectKeysMax) return Error(Code::kTooLarge, "it has too many keys");
  return out;
}

std::vector<std::string> Dissect::names() const {
  std::vector<std::string> out;
  for (const Key& key : keys_) {
    if (key.use == Use::kField || key.use == Use::kAppend) out.push_back(key.name);
  }
  return out;
}

bool Dissect::read(std::string_view text, std::vector<Value>& out) const {
  out.clear();
  if (!text.starts_with(start_)) return false;
  text.remove_prefix(start_.size());
  std::vector<std::string_view> parts;
  parts.reserve(keys_.size());
  for (const Key& key : keys_) {
    size_t end = key.after.empty() ? text.size() : text.find(key.after);
    if (end == std::string_view::npos) return false;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + key.after.size(), text.size()));
    while (key.padded && !key.after.empty() && text.starts_with(key.after)) text.remove_prefix(key.after.size());
  }
  join(parts, out);
  return true;
}

void Dissect::join(std::vector<std::string_view>& parts, std::vector<Value>& out) const {
  for (size_t i = 0; i < keys_.size(); ++i) {
    const Key& key = keys_[i];
    if (key.use == Use::kField) {
      out.push_back({.name = key.name, .view = parts[i], .text = {}, .joined = false, .number = key.number});
    } else if (key.use == Use::kName) {
      for (size_t j = 0; j < keys_.size(); ++j) {
        bool mine = keys_[j].use == Use::kValue && keys_[j].name == key.name && !parts[i].empty();
        if (mine) out.push_back({.name = parts[i], .view = parts[j], .text = {}, .joined = false, .number = false});
      }
    }
  }
  std::vector<size_t> appends;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].use == Use::kAppend) appends.push_back(i);
  }
  std::stable_sort(appends.begin(), appends.end(), [&](size_t a, size_t b) { return keys_[a].order < keys_[b].order; });
  for (size_t i : appends) {
    auto whole = std::find_if(out.begin(), out.end(), [&](const Value& v) { return v.name == keys_[i].name; });
    if (whole == out.end()) {
      out.push_back({.name = keys_[i].name, .view = parts[i], .text = {}, .joined = false, .number = false});
      continue;
    }
    if (!whole->joined) {
      whole->text = std::string(whole->view);
      whole->joined = true;
    }
    whole->text.append(keys_[i].before).append(parts[i]);
  }
}

}  // namespace clew::pipeline
