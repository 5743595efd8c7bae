#include "query/ppl/makeresults.h"

#include <algorithm>

#include "expr/print.h"
#include "query/exec/json_value.h"
#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr int64_t kRowsMax = 5'000;
constexpr size_t kCellsMax = 5'000;

struct Table {
  std::vector<std::string> names;
  std::vector<std::string> casts;  // type words of csv headers, empty: text
  std::vector<std::vector<Value>> columns;
};

// One record of csv: cells may stand in double quotes, doubled inside.
std::vector<std::string> csv_cells(std::string_view text, size_t& at) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (quoted) {
      if (c != '"')
        cells.back().push_back(c);
      else if (at + 1 < text.size() && text[at + 1] == '"')
        cells.back().push_back(text[++at]);
      else
        quoted = false;
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  return cells;
}

// Line breaks may be written as `\\n`.
std::string with_line_breaks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escaped = text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n';
    out.push_back(escaped ? '\n' : text[i]);
    i += escaped ? 1 : 0;
  }
  return out;
}

Result<Table> table_of_csv(std::string_view written) {
  Table out;
  const std::string text = with_line_breaks(written);
  size_t at = 0;
  for (std::string& head : csv_cells(text, at)) {
    size_t colon = head.rfind(':');
    out.casts.push_back(colon == std::string::npos ? "" : head.substr(colon + 1));
    out.names.push_back(head.substr(0, colon));
  }
  out.columns.resize(out.names.size());
  while (at < text.size()) {
    std::vector<std::string> cells = csv_cells(text, at);
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (cells.size() > out.names.size())
      return Error(Code::kInvalid, "a row of the csv data has more cells than the header");
    for (size_t i = 0; i < out.columns.size(); ++i) {
      out.columns[i].push_back(i < cells.size() && !cells[i].empty() ? Value::string(cells[i]) : Value());
    }
  }
  return out;
}

// Objects and arrays inside are texts.
Value scalar_of(const Value& value) {
  if (value.type() != Type::kArray && value.type() != Type::kStruct) return value;
  std::string text;
  expr::append_json(value, text);
  return Value::string(std::move(text));
}

Result<Table> table_of_json(std::string_view text) {
  Result<Value> parsed = exec::parse_json(text);
  if (!parsed.ok()) return parsed.error();
  model::Values rows;
  if (parsed->type() == Type::kArray)
    rows = parsed->items();
  else
    rows.push_back(*parsed);
  Table out;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].type() != Type::kStruct) return Error(Code::kInvalid, "the json data is an array of objects");
    for (const auto& [name, value] : rows[row].members()) {
      auto known = std::find(out.names.begin(), out.names.end(), name);
      auto column = static_cast<size_t>(known - out.names.begin());
      if (known == out.names.end()) {
        out.names.push_back(name);
        out.casts.emplace_back();
        out.columns.emplace_back();
      }
      out.columns[column].resize(row + 1);
      out.columns[column][row] = scalar_of(value);
    }
  }
  for (std::vector<Value>& column : out.columns) column.resize(rows.size());
  return out;
}

Type type_of(const std::vector<Value>& column) {
  Type type = Type::kNull;
  for (const Value& value : column) {
    if (!value.is_null()) type = type == Type::kNull || type == value.type() ? value.type() : Type::kMixed;
  }
  return type == Type::kNull ? Type::kString : type;
}

class Makeresults final : public Command {
 public:
  Makeresults(int64_t count, std::string format, std::string data)
      : count_(count), format_(std::move(format)), data_(std::move(data)) {}
  bool leads() const override { return true; }
  std::string print() const override {
    if (format_.empty()) return "makeresults count=" + std::to_string(count_);
    return "makeresults format=" + format_ + " data=" + expr::print_string(data_);
  }

  Status bind(Pipeline& pipeline) const override {
    if (!pipeline.plan.steps.empty() || pipeline.plan.scan) {
      return pipeline.fail(expr::kSemanticError, "makeresults begins a query");
    }
    if (format_.empty()) {
      Table table{{}, {}, {}};
      if (count_ > 0)
        add_rows(pipeline, table, static_cast<size_t>(count_), true);
      else
        pipeline.scope.replace({{"@timestamp", pipeline.context.new_slot(), Type::kTimestamp}});
      return {};
    }
    Result<Table> table = format_ == "csv" ? table_of_csv(data_) : table_of_json(data_);
    if (!table.ok()) return pipeline.fail(expr::kSemanticError, table.error().message());
    size_t rows = table->columns.empty() ? 0 : table->columns[0].size();
    if (rows * table->names.size() > kCellsMax) {
      return pipeline.fail(expr::kResourceLimitExceeded,
                           "makeresults takes at most " + std::to_string(kCellsMax) + " cells of data");
    }
    bool timed = std::find(table->names.begin(), table->names.end(), "@timestamp") != table->names.end();
    add_rows(pipeline, *table, rows, format_ == "json" && !timed);
    return cast_columns(pipeline, *table);
  }

 private:
  static void add_rows(Pipeline& pipeline, const Table& table, size_t rows, bool time) {
    exec::Block block;
    block.rows = static_cast<uint32_t>(rows);
    std::vector<Column> columns;
    if (time) {
      columns.push_back({"@timestamp", pipeline.context.new_slot(), Type::kTimestamp});
      block.set(columns[0].slot, exec::vector_of(std::vector<Value>(rows, Value::timestamp(pipeline.context.now()))));
    }
    for (size_t i = 0; i < table.names.size(); ++i) {
      columns.push_back({table.names[i], pipeline.context.new_slot(), type_of(table.columns[i])});
      block.set(columns.back().slot, exec::vector_of(table.columns[i]));
    }
    if (rows > 0) pipeline.plan.made.push_back(std::move(block));
    pipeline.scope.replace(std::move(columns));
  }

  static Status cast_columns(Pipeline& pipeline, const Table& table) {
    for (size_t i = 0; i < table.names.size(); ++i) {
      if (table.casts[i].empty()) continue;
      expr::Expr keyword;
      keyword.kind = expr::ExprKind::kKeyword;
      keyword.name = table.casts[i];
      for (char& c : keyword.name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      expr::ExprPtr cast = expr::make_call(
          "cast", {expr::make_field(table.names[i]), std::make_shared<const expr::Expr>(std::move(keyword))});
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*cast));
      Slot slot = pipeline.context.new_slot();
      Type type = bound->type;
      pipeline.add(std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{slot, std::move(bound)}}, "cast",
                                                       table.names[i]));
      pipeline.scope.set({table.names[i], slot, type});
    }
    return {};
  }

  int64_t count_;
  std::string format_;
  std::string data_;
};

}  // namespace

Result<CommandPtr> parse_makeresults(CommandParser& parser) {
  int64_t count = 1;
  std::string format;
  std::string data;
  while (!parser.at_end()) {
    if (auto n = CLEW_TRY(parser.int_option("count"))) {
      count = *n;
      if (count > kRowsMax) return parser.fail("makeresults makes at most " + std::to_string(kRowsMax) + " rows");
    } else if (auto text = CLEW_TRY(parser.option("format"))) {
      format = expr::to_lower_ascii(*text);
      if (format != "csv" && format != "json") return parser.fail("format is csv or json, not " + quoted(*text));
    } else if (auto literal = CLEW_TRY(parser.option("data"))) {
      data = *literal;
    } else {
      return parser.tokens.fail_expected("count=, format= or data=");
    }
  }
  if (format.empty() != data.empty()) return parser.fail("format= and data= go together");
  return CommandPtr(std::make_shared<Makeresults>(count, std::move(format), std::move(data)));
}

}  // namespace clew::query::ppl
