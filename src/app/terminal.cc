#include "app/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace clew::app {
namespace {

constexpr uint32_t kWidthMin = 20;
constexpr uint32_t kWidthDefault = 80;
constexpr std::string_view kEllipsis = "…";

struct Character {
  uint32_t code = 0;
  uint32_t bytes = 1;
};

// Not the C library's decoder: that one depends on the locale.
Character next_character(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  uint32_t length = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first >= 0xf8 || length > text.size()) return {0xfffd, 1};
  if (length == 1) return {first, 1};
  uint32_t code = first & (0x7fu >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0xfffd, 1};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  return {code, length};
}

struct CodeRange {
  uint32_t first, last;
};

bool in_ranges(uint32_t code, const CodeRange* ranges, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (code >= ranges[i].first && code <= ranges[i].last) return true;
  }
  return false;
}

// The blocks that matter: combining marks, joiners and selectors; East Asian wide forms and pictographs.
uint32_t cells_of_code(uint32_t code) {
  constexpr CodeRange kNone[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                 {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
                                 {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
  constexpr CodeRange kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                                 {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                 {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
  if (code < 0x300) return 1;
  if (in_ranges(code, kNone, std::size(kNone))) return 0;
  return in_ranges(code, kWide, std::size(kWide)) ? 2 : 1;
}

// The length of the escape sequence that begins at text[0] == ESC.
size_t escape_bytes(std::string_view text) {
  if (text.size() < 2) return text.size();
  char kind = text[1];
  size_t at = 2;
  if (kind == '[') {
    while (at < text.size() && text[at] >= 0x20 && text[at] <= 0x3f) ++at;
    return std::min(at + 1, text.size());
  }
  if (kind == ']' || kind == 'P' || kind == '_' || kind == '^' || kind == 'X') {
    // A string command ends at BEL or ESC backslash.
    while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
    if (at < text.size() && text[at] == '\x1b') ++at;
    return std::min(at + 1, text.size());
  }
  return 2;
}

}  // namespace

Terminal terminal_of(int fd) {
  Terminal terminal;
  terminal.is_terminal = isatty(fd) == 1;
  if (!terminal.is_terminal) return terminal;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  terminal.colors = (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view(term) != "dumb");
  winsize size{};
  const char* columns = std::getenv("COLUMNS");
  if (columns != nullptr && std::atoi(columns) > 0) {
    terminal.width = static_cast<uint32_t>(std::atoi(columns));
  } else if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
  } else {
    terminal.width = kWidthDefault;
  }
  terminal.width = std::max(terminal.width, kWidthMin);
  return terminal;
}

std::string without_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text[0] == '\x1b') {
      text.remove_prefix(escape_bytes(text));
      continue;
    }
    Character character = next_character(text);
    bool control = character.code < 0x20 || (character.code >= 0x7f && character.code < 0xa0);
    if (control) {
      out += ' ';
    } else if (character.code == 0xfffd) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text.substr(0, character.bytes));
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

uint32_t cells_of(std::string_view text) {
  uint32_t cells = 0;
  while (!text.empty()) {
    Character character = next_character(text);
    cells += cells_of_code(character.code);
    text.remove_prefix(character.bytes);
  }
  return cells;
}

std::string fit(std::string_view text, uint32_t cells, Align align) {
  uint32_t have = cells_of(text);
  if (have <= cells) {
    std::string padding(cells - have, ' ');
    return align == Align::kRight ? padding + std::string(text) : std::string(text) + padding;
  }
  if (cells == 0) return {};
  std::string out;
  uint32_t used = 0;
  while (!text.empty()) {
    Character character = next_character(text);
    uint32_t more = cells_of_code(character.code);
    if (used + more > cells - 1) break;
    out.append(text.substr(0, character.bytes));
    used += more;
    text.remove_prefix(character.bytes);
  }
  out += kEllipsis;
  return out + std::string(cells - 1 - used, ' ');
}

std::string painted(std::string_view text, Color color, const Terminal& terminal) {
  if (!terminal.colors || color == Color::kNone) return std::string(text);
  const char* code = "";
  switch (color) {
    case Color::kNone: break;
    case Color::kDim: code = "2"; break;
    case Color::kBold: code = "1"; break;
    case Color::kRed: code = "31"; break;
    case Color::kYellow: code = "33"; break;
    case Color::kGreen: code = "32"; break;
    case Color::kCyan: code = "36"; break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string human_bytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_millis(double millis) {
  if (millis < 10) return fmt::format("{:.1f} ms", millis);
  if (millis < 1000) return fmt::format("{:.0f} ms", millis);
  if (millis < 60'000) return fmt::format("{:.1f} s", millis / 1000);
  auto seconds = static_cast<uint64_t>(millis / 1000);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

}  // namespace clew::app
