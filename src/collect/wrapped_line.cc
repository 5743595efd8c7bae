#include "collect/wrapped_line.h"

#include "text/time_format.h"
#include "wire/json_cursor.h"

namespace clew::collect {
namespace {

constexpr size_t kDepthMax = 8;  // of Docker's "attrs"

std::optional<int64_t> parse_time(std::string_view text) {
  static thread_local text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {});
  if (!time || time->out_of_range || time->assumed_year) return std::nullopt;
  return time->unix_nanos;
}

std::optional<WrappedLine> unwrap_docker(std::string_view line, std::string& buffer) {
  if (!line.starts_with('{') || !wire::check_json(line, kDepthMax).ok()) return std::nullopt;
  WrappedLine got;
  bool text = false;
  std::optional<int64_t> time;
  std::string other;
  wire::JsonCursor cursor(line);
  (void)cursor.peek();
  cursor.enter();
  while (cursor.more()) {
    std::string_view key = cursor.key();
    if (!cursor.is_scalar() || (key != "log" && key != "stream" && key != "time")) {
      cursor.skip();
      continue;
    }
    wire::JsonCursor::Token token = cursor.token(key == "log" ? buffer : other);
    if (!token.quoted) return std::nullopt;
    if (key == "log") {
      got.text = token.text;
      text = true;
    } else if (key == "stream") {
      got.stream = token.text == "stderr" ? "stderr" : "stdout";
    } else {
      time = parse_time(token.text);
    }
  }
  if (!text || !time) return std::nullopt;
  got.unix_nanos = *time;
  got.partial = !got.text.ends_with('\n');
  if (!got.partial) got.text.remove_suffix(1);
  return got;
}

std::string_view take_word(std::string_view& line) {
  size_t blank = line.find(' ');
  std::string_view word = line.substr(0, blank);
  line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  return word;
}

std::optional<WrappedLine> unwrap_cri(std::string_view line) {
  std::optional<int64_t> time = parse_time(take_word(line));
  if (!time) return std::nullopt;
  WrappedLine got;
  got.unix_nanos = *time;
  got.stream = take_word(line);
  if (got.stream != "stdout" && got.stream != "stderr") return std::nullopt;
  std::string_view tags = take_word(line);  // the first of them, before a colon, is P or F
  tags = tags.substr(0, tags.find(':'));
  if (tags != "P" && tags != "F") return std::nullopt;
  got.partial = tags == "P";
  got.text = line;
  return got;
}

}  // namespace

std::optional<WrappedLine> unwrap_line(Wrapping wrapping, std::string_view line, std::string& buffer) {
  switch (wrapping) {
    case Wrapping::kDocker: return unwrap_docker(line, buffer);
    case Wrapping::kCri: return unwrap_cri(line);
    case Wrapping::kNone: break;
  }
  return std::nullopt;
}

Wrapping wrapping_of(std::string_view begin) {
  std::string_view line = begin.substr(0, begin.find('\n'));
  std::string buffer;
  if (unwrap_docker(line, buffer)) return Wrapping::kDocker;
  return unwrap_cri(line) ? Wrapping::kCri : Wrapping::kNone;
}

}  // namespace clew::collect
