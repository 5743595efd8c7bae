#include "process/json_splitter.h"

#include "wire/json_scan.h"

namespace clew::process {
namespace {

constexpr size_t kWrapperHeadMax = 32;  // bytes in which `{"Records":[` may stand

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

void JsonSplitter::feed(std::string_view bytes, const Emit& emit) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (depth_ == 0) {
      outside(bytes[at++], emit);
      continue;
    }
    if (in_string_ && !escaped_) {
      // Most bytes of an object lie in strings; go from mark to mark.
      size_t mark = bytes.find_first_of("\"\\", at);
      size_t stop = mark == std::string_view::npos ? bytes.size() : mark;
      held_.append(bytes.substr(at, stop - at));
      at = stop;
      if (at == bytes.size()) break;
    }
    inside(bytes[at++], emit);
  }
  if (held_.size() > kObjectBytesMax) give_up(emit);
}

// Between objects.
void JsonSplitter::outside(char c, const Emit& emit) {
  if (c == '{' && held_.empty()) {
    held_.push_back(c);
    depth_ = 1;
    return;
  }
  bool separator = c == ',' || c == '[' || c == ']' || (c == '}' && unwrapped_);
  if (held_.empty() && (is_blank(c) || separator)) {
    if (c == '}') unwrapped_ = false;
    return;
  }
  if (c != '\n') {
    held_.push_back(c);
    return;
  }
  emit(Piece::kText, held_);
  held_.clear();
}

void JsonSplitter::inside(char c, const Emit& emit) {
  held_.push_back(c);
  if (escaped_) {
    escaped_ = false;
  } else if (in_string_) {
    if (c == '\\') escaped_ = true;
    if (c == '"') in_string_ = false;
  } else if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
    if (c == '[' && depth_ == 2 && is_wrapper()) {
      held_.clear();
      depth_ = 0;
      unwrapped_ = true;
    }
  } else if (c == '}' || c == ']') {
    if (--depth_ > 0) return;
    emit(Piece::kObject, held_);
    held_.clear();
  }
}

bool JsonSplitter::is_wrapper() const {
  if (held_.size() > kWrapperHeadMax) return false;
  std::string compact;
  wire::append_compact(held_, compact);
  return compact == "{\"Records\":[" || compact == "{\"records\":[";
}

// Too long, or the end came inside an object.
void JsonSplitter::give_up(const Emit& emit) {
  std::string_view rest = held_;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.empty()) emit(Piece::kText, line);
  }
  held_.clear();
  depth_ = 0;
  in_string_ = escaped_ = false;
}

void JsonSplitter::finish(const Emit& emit) { give_up(emit); }

}  // namespace clew::process
