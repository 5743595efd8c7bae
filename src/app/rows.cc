#include "app/rows.h"

#include <unistd.h>

#include <algorithm>

#include "text/utf8.h"
#include "text/valid_utf8.h"

namespace clew::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kRowsLooked = 100;      // whose cells decide the widths of a table's columns
constexpr uint32_t kCellsMin = 6;        // a column is not cut below this
constexpr uint32_t kCellsReadable = 12;  // columns that would all be cut below this make lines instead of a table
constexpr std::string_view kGap = "  ";
// Where JSON or a table is asked for, bytes that are no UTF-8 become U+FFFD.
std::string readable(std::string_view row) { return text::valid_utf8(std::string(row)); }

// Each byte as the character of its number, and back: carries any bytes through a JSON parser that wants UTF-8.
std::string widened(std::string_view bytes) {
  std::string out;
  for (char c : bytes) text::append_utf8(static_cast<unsigned char>(c), out);
  return out;
}

std::string narrowed(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    text::Decoded decoded = text::decode_utf8(text, at);
    out += static_cast<char>(decoded.c);
    at += decoded.bytes;
  }
  return out;
}

Json parse_row(std::string_view row) { return Json::parse(readable(row), nullptr, false); }

const Json* find_cell(const Json& row, const std::string& name) {
  if (!row.is_object()) return nullptr;
  auto found = row.find(name);
  return found == row.end() ? nullptr : &*found;
}

Color color_of_level(std::string_view name, std::string_view text) {
  if (name != "level") return Color::kNone;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.starts_with("err") || lower == "fatal" || lower.starts_with("crit")) return Color::kRed;
  if (lower.starts_with("warn")) return Color::kYellow;
  if (lower == "info") return Color::kGreen;
  return Color::kNone;
}

class NdjsonPrinter final : public RowPrinter {
 public:
  explicit NdjsonPrinter(Out out) : out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>&) override { return true; }
  bool row(std::string_view row) override {
    // JSON text has its control characters escaped, so that it is safe on terminals as it is.
    std::string line = readable(row);
    line += '\n';
    return out_(line);
  }
  bool finish() override { return true; }

 private:
  Out out_;
};

class JsonPrinter final : public RowPrinter {
 public:
  explicit JsonPrinter(Out out) : out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>&) override { return true; }
  bool row(std::string_view row) override {
    std::string text = rows_++ == 0 ? "[\n" : ",\n";
    text += readable(row);
    return out_(text);
  }
  bool finish() override { return out_(rows_ == 0 ? "[]\n" : "\n]\n"); }

 private:
  Out out_;
  uint64_t rows_ = 0;
};

std::string quoted_csv(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string csv_cell(std::string text) {
  // A spreadsheet takes such a cell as a formula; log data is nobody's formula.
  bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
  bool number = formula && text[0] == '-' && text.find_first_not_of("0123456789.eE+-", 1) == std::string::npos;
  if (formula && !number) text.insert(0, "'");
  return quoted_csv(text);
}

class CsvPrinter final : public RowPrinter {
 public:
  CsvPrinter(const Terminal& terminal, Out out) : terminal_(terminal), out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>& columns) override {
    columns_ = columns;
    std::string line;
    for (const RowColumn& column : columns_) line += (line.empty() ? "" : ",") + quoted_csv(column.name);
    return columns_.empty() || out_(line + "\n");
  }
  bool row(std::string_view row) override {
    Json json = parse_row(row);
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Json* value = find_cell(json, columns_[i].name);
      std::string text = value == nullptr ? std::string() : cell_text(*value);
      if (i > 0) line += ',';
      line += csv_cell(terminal_.is_terminal ? without_controls(text) : std::move(text));
    }
    return out_(line + "\n");
  }
  bool finish() override { return true; }

 private:
  const Terminal terminal_;
  Out out_;
  std::vector<RowColumn> columns_;
};

// The values of a row and nothing else; of `_raw` alone, the line as it came.
class RawPrinter final : public RowPrinter {
 public:
  explicit RawPrinter(Out out) : out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>& columns) override {
    columns_ = columns;
    return true;
  }
  bool row(std::string_view row) override {
    bool as_bytes = !text::is_valid_utf8(row);
    Json json = Json::parse(as_bytes ? widened(row) : std::string(row), nullptr, false);
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Json* value = find_cell(json, columns_[i].name);
      if (i > 0) line += '\t';
      if (value != nullptr) line += as_bytes ? narrowed(cell_text(*value)) : cell_text(*value);
    }
    return out_(line + "\n");
  }
  bool finish() override { return true; }

 private:
  Out out_;
  std::vector<RowColumn> columns_;
};

// One event as a line: its time, its level, its message, then its other fields.
class EventLine {
 public:
  explicit EventLine(const Terminal& terminal) : terminal_(terminal) {}

  void add(const std::string& name, const std::string& cell) {
    if (cell.empty()) return;
    if (name == "@timestamp") {
      time_ = painted(cell, Color::kDim, terminal_);
    } else if (name == "level") {
      level_ = painted(cell, color_of_level(name, cell), terminal_);
    } else if (name == "message") {
      message_ = cell;
    } else {
      fields_ += (fields_.empty() ? "" : " ") + painted(name + "=", Color::kDim, terminal_) + cell;
    }
  }
  std::string text() const {
    std::string out;
    for (const std::string* part : {&time_, &level_, &message_, &fields_}) {
      if (!part->empty()) out += (out.empty() ? "" : std::string(kGap)) + *part;
    }
    return out + "\n";
  }

 private:
  const Terminal& terminal_;
  std::string time_;
  std::string level_;
  std::string message_;
  std::string fields_;
};

// A table whose columns are as wide as the first rows need, or, where a terminal is too narrow for all columns, each
// event as a time, its message and its other fields.
class TablePrinter final : public RowPrinter {
 public:
  TablePrinter(const Terminal& terminal, Out out) : terminal_(terminal), out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>& columns) override {
    columns_ = columns;
    return true;
  }
  bool row(std::string_view row) override {
    Json json = parse_row(row);
    std::vector<std::string> cells(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Json* value = find_cell(json, columns_[i].name);
      if (value != nullptr) cells[i] = without_controls(cell_text(*value));
    }
    if (laid_out_) return print(cells);
    looked_.push_back(std::move(cells));
    return looked_.size() < kRowsLooked || lay_out();
  }
  bool finish() override { return laid_out_ || lay_out(); }

 private:
  bool lay_out();
  void narrow(uint32_t room);
  bool print(const std::vector<std::string>& cells) { return as_lines_ ? print_lines(cells) : print_row(cells); }
  bool print_row(const std::vector<std::string>& cells);
  bool print_lines(const std::vector<std::string>& cells);
  bool print_header();

  const Terminal terminal_;
  Out out_;
  std::vector<RowColumn> columns_;
  std::vector<uint32_t> widths_;
  std::vector<std::vector<std::string>> looked_;
  bool laid_out_ = false;
  bool as_lines_ = false;
};

bool TablePrinter::lay_out() {
  laid_out_ = true;
  if (columns_.empty()) return true;
  uint32_t sum = 0;
  uint32_t readable = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    uint32_t width = cells_of(without_controls(columns_[i].name));
    for (const auto& cells : looked_) width = std::max(width, cells_of(cells[i]));
    widths_.push_back(width);
    sum += width + static_cast<uint32_t>(kGap.size());
    readable += std::min(width, kCellsReadable) + static_cast<uint32_t>(kGap.size());
  }
  bool narrow_terminal = terminal_.width > 0 && sum > terminal_.width + kGap.size();
  if (narrow_terminal) {
    as_lines_ = readable > terminal_.width;
    if (!as_lines_) narrow(terminal_.width);
  }
  if (!as_lines_ && !print_header()) return false;
  for (const auto& cells : looked_) {
    if (!print(cells)) return false;
  }
  looked_.clear();
  return true;
}

// Takes cells from the widest columns until all fit into `room`.
void TablePrinter::narrow(uint32_t room) {
  uint32_t gaps = static_cast<uint32_t>(kGap.size() * (widths_.size() - 1));
  auto sum = [&] {
    uint32_t total = gaps;
    for (uint32_t width : widths_) total += width;
    return total;
  };
  for (uint32_t total = sum(); total > room; total = sum()) {
    auto widest = std::max_element(widths_.begin(), widths_.end());
    if (*widest <= kCellsMin) return;
    uint32_t second = 0;
    for (auto width = widths_.begin(); width != widths_.end(); ++width) {
      if (width != widest && *width < *widest) second = std::max(second, *width);
    }
    uint32_t cut = std::max(1u, std::min(total - room, *widest - std::max(second, kCellsMin)));
    *widest -= std::min(cut, *widest - kCellsMin);
  }
}

bool TablePrinter::print_header() {
  std::string line;
  for (size_t i = 0; i < columns_.size(); ++i) {
    bool last = i + 1 == columns_.size();
    Align align = columns_[i].is_number ? Align::kRight : Align::kLeft;
    std::string name = fit(without_controls(columns_[i].name), widths_[i], align);
    if (last && align == Align::kLeft) name.erase(name.find_last_not_of(' ') + 1);
    line += painted(name, Color::kBold, terminal_);
    if (!last) line += kGap;
  }
  return out_(line + "\n");
}

bool TablePrinter::print_row(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < columns_.size(); ++i) {
    bool last = i + 1 == columns_.size();
    bool cut = terminal_.width > 0;
    uint32_t width = cut ? widths_[i] : std::max(widths_[i], cells_of(cells[i]));
    std::string cell = fit(cells[i], width, columns_[i].is_number ? Align::kRight : Align::kLeft);
    if (last) cell.erase(cell.find_last_not_of(' ') + 1);
    line += painted(cell, color_of_level(columns_[i].name, cells[i]), terminal_);
    if (!last) line += kGap;
  }
  return out_(line + "\n");
}

bool TablePrinter::print_lines(const std::vector<std::string>& cells) {
  EventLine line(terminal_);
  for (size_t i = 0; i < columns_.size(); ++i) line.add(columns_[i].name, cells[i]);
  return out_(line.text());
}

// Events as lines, whatever fields each of them has.
class LinePrinter final : public RowPrinter {
 public:
  LinePrinter(const Terminal& terminal, Out out) : terminal_(terminal), out_(std::move(out)) {}
  bool begin(const std::vector<RowColumn>&) override { return true; }
  bool row(std::string_view row) override {
    Json json = parse_row(row);
    EventLine line(terminal_);
    for (const auto& member : json.items()) line.add(member.key(), without_controls(cell_text(member.value())));
    return out_(line.text());
  }
  bool finish() override { return true; }

 private:
  const Terminal terminal_;
  Out out_;
};

}  // namespace

const std::vector<std::string>& row_format_names() {
  static const std::vector<std::string> kNames = {"table", "ndjson", "json", "csv", "raw", "lines"};
  return kNames;
}

RowFormat row_format(std::string_view name) {
  const std::vector<std::string>& names = row_format_names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<RowFormat>(i);
  }
  return RowFormat::kNdjson;
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get_ref<const std::string&>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::unique_ptr<RowPrinter> make_row_printer(RowFormat format, const Terminal& terminal, RowPrinter::Out out) {
  switch (format) {
    case RowFormat::kTable: return std::make_unique<TablePrinter>(terminal, std::move(out));
    case RowFormat::kJson: return std::make_unique<JsonPrinter>(std::move(out));
    case RowFormat::kCsv: return std::make_unique<CsvPrinter>(terminal, std::move(out));
    case RowFormat::kRaw: return std::make_unique<RawPrinter>(std::move(out));
    case RowFormat::kLines: return std::make_unique<LinePrinter>(terminal, std::move(out));
    case RowFormat::kNdjson: break;
  }
  return std::make_unique<NdjsonPrinter>(std::move(out));
}

bool print_to_stdout(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

void print_list(const Json& list, const std::vector<RowColumn>& columns, std::string format) {
  Terminal out = terminal_of(STDOUT_FILENO);
  if (format.empty()) format = out.is_terminal ? "table" : "ndjson";
  std::unique_ptr<RowPrinter> rows = make_row_printer(row_format(format), out, print_to_stdout);
  rows->begin(columns);
  if (list.is_array()) {
    for (const Json& row : list) rows->row(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  rows->finish();
}

}  // namespace clew::app
