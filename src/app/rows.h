// Prints the rows of an answer, as they come, in one of the formats of --format.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/terminal.h"

namespace clew::app {

enum class RowFormat : uint8_t { kTable, kNdjson, kJson, kCsv, kRaw, kLines };
// Errors are the flag parser's: `name` is one of row_format_names().
RowFormat row_format(std::string_view name);
const std::vector<std::string>& row_format_names();

struct RowColumn {
  std::string name;
  bool is_number = false;
};

// Threads: one. Takes the columns, then rows, then finish().
class RowPrinter {
 public:
  // Takes text to print; false ends the command (a closed pipe).
  using Out = std::function<bool(std::string_view)>;
  virtual ~RowPrinter() = default;

  virtual bool begin(const std::vector<RowColumn>& columns) = 0;
  // `row` is a JSON object on one line; columns that are null may be absent.
  virtual bool row(std::string_view row) = 0;
  virtual bool finish() = 0;
};

// `terminal` is where the text goes; escapes in data are removed when it is a terminal, but with kRaw.
std::unique_ptr<RowPrinter> make_row_printer(RowFormat format, const Terminal& terminal, RowPrinter::Out out);

// A RowPrinter::Out for standard output.
bool print_to_stdout(std::string_view text);
// Prints a list of JSON objects as rows; `format` empty: a table on a terminal, else NDJSON.
void print_list(const nlohmann::ordered_json& list, const std::vector<RowColumn>& columns, std::string format);

// A value as the text of a cell: strings bare, null empty, the rest as JSON.
std::string cell_text(const nlohmann::ordered_json& value);

}  // namespace clew::app
