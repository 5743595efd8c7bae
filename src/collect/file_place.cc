#include "collect/file_place.h"

#include <charconv>
#include <optional>

namespace clew::collect {
namespace {

constexpr size_t kDateDigits = 8;

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Without what rotation puts at the end of a name.
std::string_view without_rotation(std::string_view path) {
  for (std::string_view ending : {".gz", ".zst"}) {
    if (path.ends_with(ending)) path.remove_suffix(ending.size());
  }
  while (true) {
    size_t mark = path.find_last_of(".-_");
    if (mark == std::string_view::npos || mark == 0 || !all_digits(path.substr(mark + 1))) return path;
    if (path[mark] != '.' && path.size() - mark - 1 < kDateDigits) return path;  // worker-1 is no worker-2
    path = path.substr(0, mark);
  }
}

}  // namespace

std::string print_place(const FilePlace& place) {
  std::string text;
  for (uint64_t number : {place.id.device, place.id.inode, place.offset, uint64_t{place.tail_bytes}, place.tail_hash,
                          uint64_t{place.head_bytes}, place.head_hash}) {
    text += std::to_string(number) + ' ';
  }
  return text + std::to_string(place.ended_nanos) + ' ' + place.path;
}

Result<FilePlace> parse_place(std::string_view text) {
  FilePlace place;
  std::string_view rest = text;
  bool whole = take_number(rest, place.id.device) && take_number(rest, place.id.inode) &&
               take_number(rest, place.offset) && take_number(rest, place.tail_bytes) &&
               take_number(rest, place.tail_hash) && take_number(rest, place.head_bytes) &&
               take_number(rest, place.head_hash) && take_number(rest, place.ended_nanos) &&
               place.head_bytes <= kTailBytes && place.head_bytes <= place.offset && place.tail_bytes <= kTailBytes &&
               place.tail_bytes <= place.offset && place.ended_nanos >= 0;
  if (!whole) return Error(Code::kCorrupt, "no place of a file: " + quoted(text));
  place.path = rest;
  return place;
}

bool may_be_rotated(std::string_view name, std::string_view of) {
  return without_rotation(name) == without_rotation(of);
}

bool may_be_later_name(std::string_view name, std::string_view of) {
  return name.size() > of.size() && may_be_rotated(name, of);
}

}  // namespace clew::collect
