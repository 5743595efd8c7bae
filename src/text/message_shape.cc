#include "text/message_shape.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace clew::text {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<bool, 256> word_bytes() {
  std::array<bool, 256> in{};
  for (size_t c = 0; c < 256; ++c) in[c] = c >= 0x80;
  for (char c = '0'; c <= '9'; ++c) in[static_cast<size_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) in[static_cast<size_t>(c)] = in[static_cast<size_t>(c - 'a' + 'A')] = true;
  for (char c : std::string_view("._:-@+%")) in[static_cast<size_t>(c)] = true;
  return in;
}
constexpr std::array<bool, 256> kInWord = word_bytes();

// Bytes of a word in which a digit makes a variable of the whole; bytes above ASCII are letters.
bool in_word(char c) { return kInWord[static_cast<uint8_t>(c)]; }

// The end of a quoted part that begins at `at`, or `at` when it does not end in this line.
size_t quote_end(std::string_view text, size_t at) {
  size_t end = text.find_first_of(text[at] == '"' ? "\"\n" : "'\n", at + 1);
  return end != std::string_view::npos && text[end] == text[at] ? end : at;
}

// An apostrophe inside a word quotes nothing: don't.
bool opens_quote(std::string_view text, size_t at) {
  if (text[at] == '"') return true;
  bool inside = at > 0 && in_word(text[at - 1]);
  return text[at] == '\'' && !inside;
}

// The shape of a text; of more than `bytes_enough` bytes only the beginning.
std::string shape_of(std::string_view text, size_t bytes_enough) {
  std::string out;
  out.reserve(std::min(text.size(), bytes_enough));
  for (size_t at = 0; at < text.size() && out.size() <= bytes_enough;) {
    char c = text[at];
    if (opens_quote(text, at)) {
      size_t end = quote_end(text, at);
      if (end > at) {
        out.append(1, c).append(kVariable).append(1, c);
        at = end + 1;
        continue;
      }
    }
    if (!in_word(c)) {
      out.push_back(c);
      ++at;
      continue;
    }
    size_t end = at;
    bool variable = false;
    for (; end < text.size() && in_word(text[end]); ++end) variable = variable || is_digit(text[end]);
    std::string_view word = text.substr(at, end - at);
    // The full stop or colon behind a variable belongs to the sentence.
    std::string_view tail;
    while (variable && (word.ends_with('.') || word.ends_with(':') || word.ends_with('-'))) word.remove_suffix(1);
    tail = text.substr(at + word.size(), end - at - word.size());
    out.append(variable ? kVariable : word).append(tail);
    at = end;
  }
  return out;
}

std::string_view first_line_rest(std::string_view& text) {
  size_t newline = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, newline);
  text.remove_prefix(std::min(newline + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view line) {
  size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  return line.substr(begin);
}

// `  File "app/x.py", line 3, in run` gives `app/x.py run`.
std::string python_frame(std::string_view line) {
  size_t close = line.find('"', 6);
  size_t name = line.rfind(", in ");
  if (close == std::string_view::npos) return {};
  std::string out(line.substr(6, close - 6));
  if (name != std::string_view::npos) out += " " + std::string(line.substr(name + 5));
  return out;
}

// `at com.shop.Cart.add(Cart.java:17)` and `at add (cart.js:1:2)` without what is in brackets.
std::string at_frame(std::string_view line) {
  std::string_view call = line.substr(3);
  size_t bracket = call.find('(');
  bool named = bracket != std::string_view::npos && bracket > 0;
  std::string_view name = named ? call.substr(0, bracket) : call;
  while (name.ends_with(' ')) name.remove_suffix(1);
  return message_shape(name);
}

// Go prints a call and below it, after a tab, its file.
bool is_go_file(std::string_view next) { return next.starts_with('\t') && next.find(".go:") != std::string_view::npos; }

// `from app/cart.rb:17:in 'add'`.
std::string ruby_frame(std::string_view line) { return message_shape(line.substr(5)); }

}  // namespace

std::string message_shape(std::string_view message) { return shape_of(message.substr(0, kShapeBytesMax), SIZE_MAX); }

std::string message_pattern(std::string_view text) {
  std::string out = shape_of(text, kPatternBytesMax);
  if (out.size() <= kPatternBytesMax) return out;
  size_t end = kPatternBytesMax;
  while (end > 0 && (out[end] & 0xc0) == 0x80) --end;  // inside a character
  out.resize(end);
  return out;
}

std::vector<std::string> stack_frames(std::string_view stack) {
  std::vector<std::string> frames;
  bool newest_last = false;
  std::string_view rest = stack;
  while (!rest.empty()) {
    std::string_view line = first_line_rest(rest);
    std::string_view text = trimmed(line);
    std::string frame;
    if (text.starts_with("File \"")) {
      frame = python_frame(text);
      newest_last = true;
    } else if (text.starts_with("at ")) {
      frame = at_frame(text);
    } else if (text.starts_with("from ") && text.find(":in ") != std::string_view::npos) {
      frame = ruby_frame(text);
    } else if (text.ends_with(')') && is_go_file(rest)) {
      frame = message_shape(text.substr(0, text.rfind('(')));
    }
    if (!frame.empty()) frames.push_back(std::move(frame));
  }
  if (newest_last) std::reverse(frames.begin(), frames.end());
  if (frames.size() > kFramesMax) frames.resize(kFramesMax);
  return frames;
}

}  // namespace clew::text
