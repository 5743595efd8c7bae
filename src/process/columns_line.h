// Lines of columns that a header names: W3C (IIS) and Zeek logs, CSV with a first line of names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::process {

constexpr size_t kLineColumnsMax = 1000;

enum class ColumnsKind : uint8_t { kW3c, kZeek, kCsv };

struct ColumnValue {
  std::string_view text;
  std::string own;  // where a quoted value held doubled quotes
  bool escaped = false;
  std::string_view view() const { return escaped ? std::string_view(own) : text; }
};

// Threads: one.
class ColumnsLine {
 public:
  explicit ColumnsLine(ColumnsKind kind) : kind_(kind) {}

  // Whether the line is one of the header: names, separators, remarks. Reads it.
  bool header(std::string_view line);
  // The values of a line, as many as there are names. False when it has no names yet, or other columns.
  bool read(std::string_view line);

  // As fields are called: `cs(User-Agent)` is cs_user_agent, Zeek's id.orig_h stays.
  const std::vector<std::string>& names() const { return names_; }
  // Of the last line; an empty view where the log has its mark for nothing.
  const std::vector<ColumnValue>& values() const { return values_; }

 private:
  bool w3c_header(std::string_view line);
  bool zeek_header(std::string_view line);

  const ColumnsKind kind_;
  char separator_ = ' ';
  std::string unset_ = "-";
  std::string empty_ = "(empty)";
  std::vector<std::string> names_;
  std::vector<ColumnValue> values_;
};

// Whether a first line is names of CSV columns: at least three of them, words without blanks that are no numbers.
bool is_csv_header(std::string_view line);
// One line of CSV. False for a quote that does not close.
bool split_csv(std::string_view line, std::vector<ColumnValue>& out);

}  // namespace clew::process
