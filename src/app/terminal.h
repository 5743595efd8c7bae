// What a terminal needs of text: its width in cells, no control sequences out of log data, colours where wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::app {

enum class Color : uint8_t { kNone, kDim, kBold, kRed, kYellow, kGreen, kCyan };

struct Terminal {
  bool is_terminal = false;
  bool colors = false;
  uint32_t width = 0;  // cells; 0: unlimited
};

// Of standard output (1) or standard error (2). Honours NO_COLOR, TERM=dumb and COLUMNS.
Terminal terminal_of(int fd);

// Removes escape sequences; other control characters become a space (tab and newline too).
std::string without_controls(std::string_view text);

// Cells that the text takes: wide characters two, combining ones none; each byte that is no UTF-8 one.
uint32_t cells_of(std::string_view text);

// Exactly `cells` wide: padded on the side away from its alignment, or cut with an ellipsis.
enum class Align : uint8_t { kLeft, kRight };
std::string fit(std::string_view text, uint32_t cells, Align align);

std::string painted(std::string_view text, Color color, const Terminal& terminal);

// 1234567 -> "1,234,567"; 5033164 -> "4.8 MiB"; 83000 ms -> "1m23s".
std::string grouped(uint64_t number);
std::string human_bytes(uint64_t bytes);
std::string human_millis(double millis);

}  // namespace clew::app
