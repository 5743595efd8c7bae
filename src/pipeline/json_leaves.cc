#include "pipeline/json_leaves.h"

#include "wire/json_scan.h"

namespace clew::pipeline {
namespace {

using wire::Grammar;
using wire::Newlines;

class LeafReader {
 public:
  LeafReader(std::string_view text, std::vector<JsonLeaf>& out) : end_(text.data() + text.size()), out_(out) {}

  // The value at `p`; null when it is none.
  const char* value(const char* p, const std::string& path, int depth, bool top) {
    if (out_.size() >= kLeavesMax || depth > kLeafDepthMax) return nullptr;
    p = blanks(p);
    if (p == end_) return nullptr;
    wire::SkipInfo info;
    const char* after = wire::skip_value(p, end_, Grammar::kIngest, Newlines::kBlank, info);
    if (after == nullptr) return nullptr;
    if (*p == '{') return members(p + 1, path, depth);
    if (*p == '[' && top) return elements(p + 1, path, depth);
    std::string_view token(p, static_cast<size_t>(after - p));
    if (*p == '[') {
      out_.push_back({path, JsonLeaf::Kind::kArray, std::string(token)});
    } else if (*p == '"') {
      out_.push_back({path, JsonLeaf::Kind::kText, unescaped(token.substr(1, token.size() - 2))});
    } else if (*p == 't' || *p == 'f') {
      out_.push_back({path, JsonLeaf::Kind::kBool, std::string(token)});
    } else if (*p == 'n') {
      out_.push_back({path, JsonLeaf::Kind::kNull, {}});
    } else {
      out_.push_back({path, JsonLeaf::Kind::kNumber, std::string(token)});
    }
    return after;
  }

 private:
  const char* blanks(const char* p) const { return wire::scan::blanks<Newlines::kBlank>(p, end_); }

  const char* members(const char* p, const std::string& path, int depth) {
    p = blanks(p);
    if (p != end_ && *p == '}') return p + 1;
    while (p != end_ && *p == '"') {
      wire::SkipInfo info;
      const char* after = wire::skip_value(p, end_, Grammar::kIngest, Newlines::kBlank, info);
      if (after == nullptr) return nullptr;
      std::string key = unescaped({p + 1, static_cast<size_t>(after - p) - 2});
      p = blanks(after);
      if (p == end_ || *p != ':') return nullptr;
      p = value(p + 1, path.empty() ? key : path + "." + key, depth + 1, false);
      if (p == nullptr) return nullptr;
      p = blanks(p);
      if (p != end_ && *p == '}') return p + 1;
      if (p == end_ || *p != ',') return nullptr;
      p = blanks(p + 1);
    }
    return nullptr;
  }

  const char* elements(const char* p, const std::string& path, int depth) {
    p = blanks(p);
    if (p != end_ && *p == ']') return p + 1;
    for (size_t i = 0;; ++i) {
      std::string index = std::to_string(i);
      p = value(p, path.empty() ? index : path + "." + index, depth + 1, false);
      if (p == nullptr) return nullptr;
      p = blanks(p);
      if (p != end_ && *p == ']') return p + 1;
      if (p == end_ || *p != ',') return nullptr;
      ++p;
    }
  }

  static std::string unescaped(std::string_view raw) {
    std::string out;
    (void)wire::append_unescaped(raw, out);
    return out;
  }

  const char* end_;
  std::vector<JsonLeaf>& out_;
};

}  // namespace

bool read_json_leaves(std::string_view text, const std::string& prefix, std::vector<JsonLeaf>& out) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || (text[begin] != '{' && text[begin] != '[')) return false;
  LeafReader reader(text, out);
  const char* after = reader.value(text.data(), prefix, 0, true);
  if (after == nullptr) return false;
  std::string_view rest(after, static_cast<size_t>(text.data() + text.size() - after));
  return rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_number(std::string_view text) {
  return !text.empty() && wire::scan::number_end(text.data(), text.data() + text.size()) == text.data() + text.size();
}

}  // namespace clew::pipeline
