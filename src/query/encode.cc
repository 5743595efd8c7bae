#include "query/encode.h"

#include "expr/print.h"
#include "model/value.h"

namespace clew::query {

using model::Type;

void append_json(const model::Value& value, std::string& out) { expr::append_json(value, out); }
void append_json_string(std::string_view text, std::string& out) { expr::append_json_string(text, out); }

void append_text(const model::Value& value, std::string& out) {
  if (!value.is_null()) out += expr::print_value(value);
}

void append_json_row(const std::vector<OutputColumn>& schema, const RowBatch& batch, uint32_t row, std::string& out) {
  out.push_back('{');
  bool first = true;
  for (size_t i = 0; i < schema.size(); ++i) {
    if (batch.columns[i]->is_null(row)) continue;
    if (!first) out.push_back(',');
    first = false;
    expr::append_json_string(schema[i].name, out);
    out.push_back(':');
    expr::append_json(*batch.columns[i], row, out);
  }
  out.push_back('}');
}

std::optional<Format> format_of_name(std::string_view name) {
  if (name == "jdbc" || name == "json" || name.empty()) return Format::kJdbc;
  if (name == "csv") return Format::kCsv;
  if (name == "raw") return Format::kRaw;
  if (name == "viz") return Format::kViz;
  return std::nullopt;
}

std::string_view format_content_type(Format format) {
  switch (format) {
    case Format::kCsv: return "text/csv; charset=UTF-8";
    case Format::kRaw: return "text/plain; charset=UTF-8";
    default: return "application/json; charset=UTF-8";
  }
}

namespace {

// Line breaks of a pretty body: one member a line, rows on one line each.
class JdbcBody final : public BodyReceiver {
 public:
  explicit JdbcBody(EncodeOptions options) : pretty_(options.pretty) {}

  Status begin(const std::vector<OutputColumn>& schema) override {
    schema_ = schema;
    return {};
  }

  Status rows(const RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      if (rows_++ != 0) data_.push_back(',');
      data_ += pretty_ ? "\n    [" : "[";
      for (size_t i = 0; i < batch.columns.size(); ++i) {
        if (i != 0) data_.push_back(',');
        expr::append_json(*batch.columns[i], row, data_);
      }
      data_.push_back(']');
    }
    return {};
  }

  std::string body() override {
    std::string out = pretty_ ? "{\n  \"schema\": [" : "{\"schema\":[";
    for (size_t i = 0; i < schema_.size(); ++i) {
      if (i != 0) out.push_back(',');
      out += pretty_ ? "\n    {\"name\":" : "{\"name\":";
      expr::append_json_string(schema_[i].name, out);
      out += ",\"type\":";
      expr::append_json_string(model::type_name(schema_[i].type), out);
      out.push_back('}');
    }
    std::string count = std::to_string(rows_);
    if (pretty_)
      return out + "\n  ],\n  \"datarows\": [" + data_ + "\n  ],\n  \"total\": " + count + ",\n  \"size\": " + count +
             "\n}";
    return out + "],\"datarows\":[" + data_ + "],\"total\":" + count + ",\"size\":" + count + "}";
  }

 private:
  const bool pretty_;
  std::vector<OutputColumn> schema_;
  std::string data_;
  uint64_t rows_ = 0;
};

class SeparatedBody final : public BodyReceiver {
 public:
  SeparatedBody(char separator, bool sanitize) : separator_(separator), sanitize_(sanitize) {}

  Status begin(const std::vector<OutputColumn>& schema) override {
    for (size_t i = 0; i < schema.size(); ++i) {
      if (i != 0) out_.push_back(separator_);
      append_cell(schema[i].name);
    }
    out_.push_back('\n');
    return {};
  }

  Status rows(const RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      for (size_t i = 0; i < batch.columns.size(); ++i) {
        if (i != 0) out_.push_back(separator_);
        cell_.clear();
        append_text(batch.columns[i]->value(row), cell_);
        append_cell(cell_);
      }
      out_.push_back('\n');
    }
    return {};
  }

  std::string body() override { return std::move(out_); }

 private:
  void append_cell(std::string_view cell) {
    bool formula = sanitize_ && !cell.empty() && std::string_view("=+-@").find(cell[0]) != std::string_view::npos;
    std::string text = (formula ? "'" : "") + std::string(cell);
    bool quote = separator_ == ',' && text.find_first_of(",\"\n\r") != std::string::npos;
    if (!quote) {
      out_ += text;
      return;
    }
    out_.push_back('"');
    for (char c : text) {
      if (c == '"') out_.push_back('"');
      out_.push_back(c);
    }
    out_.push_back('"');
  }

  const char separator_;
  const bool sanitize_;
  std::string out_;
  std::string cell_;
};

// Columns beside each other: {"data":{name:[..]},"metadata":{"fields":[..]},"size":n,"status":200}.
class VizBody final : public BodyReceiver {
 public:
  Status begin(const std::vector<OutputColumn>& schema) override {
    schema_ = schema;
    columns_.resize(schema.size());
    return {};
  }

  Status rows(const RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row, ++rows_) {
      for (size_t i = 0; i < batch.columns.size(); ++i) {
        if (rows_ != 0) columns_[i].push_back(',');
        expr::append_json(*batch.columns[i], row, columns_[i]);
      }
    }
    return {};
  }

  std::string body() override {
    std::string out = "{\"data\":{";
    for (size_t i = 0; i < schema_.size(); ++i) {
      if (i != 0) out.push_back(',');
      expr::append_json_string(schema_[i].name, out);
      out += ":[" + columns_[i] + "]";
    }
    out += "},\"metadata\":{\"fields\":[";
    for (size_t i = 0; i < schema_.size(); ++i) {
      out += i == 0 ? "{\"name\":" : ",{\"name\":";
      expr::append_json_string(schema_[i].name, out);
      out += ",\"type\":";
      expr::append_json_string(model::type_name(schema_[i].type), out);
      out.push_back('}');
    }
    return out + "]},\"size\":" + std::to_string(rows_) + ",\"status\":200}";
  }

 private:
  std::vector<OutputColumn> schema_;
  std::vector<std::string> columns_;
  uint64_t rows_ = 0;
};

std::string_view exception_name(FailureKind kind) {
  switch (kind) {
    case FailureKind::kSyntax: return "SyntaxCheckException";
    case FailureKind::kFieldNotFound: return "IllegalArgumentException";
    case FailureKind::kSemantic:
    case FailureKind::kType: return "SemanticCheckException";
    case FailureKind::kUnsupported: return "UnsupportedOperationException";
    case FailureKind::kDatasetNotFound: return "IndexNotFoundException";
    case FailureKind::kForbidden: return "SecurityException";
    case FailureKind::kEvaluation: return "ExpressionEvaluationException";
    case FailureKind::kResourceLimit: return "ResourceLimitExceededException";
    case FailureKind::kCancelled: return "TaskCancelledException";
    case FailureKind::kInternal: return "IllegalStateException";
  }
  return "Exception";
}

}  // namespace

std::unique_ptr<BodyReceiver> make_body_receiver(Format format, EncodeOptions options) {
  switch (format) {
    case Format::kCsv: return std::make_unique<SeparatedBody>(',', options.sanitize);
    case Format::kRaw: return std::make_unique<SeparatedBody>('|', false);
    case Format::kViz: return std::make_unique<VizBody>();
    case Format::kJdbc: break;
  }
  return std::make_unique<JdbcBody>(options);
}

std::string failure_body(const Failure& failure) {
  std::string details = failure.reason;
  if (failure.line != 0) details = std::to_string(failure.line) + ":" + std::to_string(failure.column) + " " + details;
  for (const std::string& suggestion : failure.suggestions) details += "; " + suggestion;
  std::string out = "{\"error\":{\"type\":";
  expr::append_json_string(exception_name(failure.kind), out);
  out += ",\"code\":";
  expr::append_json_string(failure_code(failure.kind), out);
  out += ",\"reason\":";
  expr::append_json_string(failure.reason, out);
  out += ",\"details\":";
  expr::append_json_string(details, out);
  if (failure.line != 0) {
    out += ",\"context\":{\"query_pos\":{\"line\":" + std::to_string(failure.line) +
           ",\"column\":" + std::to_string(failure.column) + ",\"length\":" + std::to_string(failure.length) + "}}";
    out += ",\"location\":[\"" + std::to_string(failure.line) + ":" + std::to_string(failure.column) + "\"]";
  }
  return out + "},\"status\":" + std::to_string(failure_status(failure.kind)) + "}";
}

}  // namespace clew::query
