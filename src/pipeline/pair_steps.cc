// Steps that read pairs and columns: kv, csv.
#include <fmt/format.h>

#include "model/json_text.h"
#include "pipeline/delimited.h"
#include "pipeline/step.h"

namespace clew::pipeline {
namespace {

constexpr size_t kPairsCompared = 100;  // of texts with more pairs the last value of a name holds

struct PairOptions {
  std::string field = "message";
  std::string between = " ";  // pairs
  std::string equals = "=";
  std::string target;
  std::string trim;
  bool optional = false;
};

class PairStep final : public Step {
 public:
  explicit PairStep(PairOptions options) : o_(std::move(options)) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(o_.field);
    for (uint32_t row : on) {
      pairs_.clear();
      if (texts[row].data() != nullptr) read_pairs(texts[row], o_.between, o_.equals, pairs_);
      if (pairs_.empty()) {
        if (!o_.optional) fail(batch, row, counts);
        continue;
      }
      for (auto& [name, value] : pairs_) {
        name = trimmed(name, " \t");
        value = trimmed(unquoted(trimmed(value, " \t")), o_.trim);
      }
      for (size_t i = 0; i < pairs_.size(); ++i) {
        if (!pairs_[i].first.empty()) set(batch, row, i);
      }
    }
  }

 private:
  // A name that stands more than once has all its values.
  void set(Rows& batch, uint32_t row, size_t i) {
    std::string_view name = pairs_[i].first;
    if (!repeated(name, i)) return batch.set(field_of(batch, name), row, Cell::string(pairs_[i].second));
    std::string array = "[";
    for (auto& [other, value] : pairs_) {
      if (other != name) continue;
      if (array.size() > 1) array += ',';
      model::append_json_string(value, array);
      if (&other != &pairs_[i].first) other = {};
    }
    batch.set(field_of(batch, name), row, Cell::string(batch.keep(array + "]"), model::Kind::kArray));
  }
  bool repeated(std::string_view name, size_t i) const {
    if (pairs_.size() > kPairsCompared) return false;
    for (size_t j = i + 1; j < pairs_.size(); ++j) {
      if (pairs_[j].first == name) return true;
    }
    return false;
  }

  Field& field_of(Rows& batch, std::string_view name) {
    if (o_.target.empty()) return batch.make_named(name);
    path_ = o_.target;
    path_.push_back('.');
    path_.append(name);
    return batch.make_named(path_);
  }

  const PairOptions o_;
  std::vector<std::pair<std::string_view, std::string_view>> pairs_;
  std::string path_;
};

StepPtr make_pairs(Options& options, StepContext&) {
  PairOptions out;
  if (!options.tree().is_null()) {
    out.field = options.text("field", "message");
    out.between = options.text("between", " ");
    out.equals = options.text("equals", "=");
    out.target = options.text("target");
    out.trim = options.text("trim");
    out.optional = options.yes("optional");
    if (out.between.empty() || out.equals.empty()) options.blame("between and equals may not be empty");
    if (!out.target.empty()) check_target(options, options.line(), out.target);
  }
  return std::make_unique<PairStep>(std::move(out));
}

struct CsvOptions {
  std::string field = "message";
  std::vector<std::string> columns;  // "-" passes one over
  char separator = ',';
  char quote = '"';
  bool optional = false;
};

class CsvStep final : public Step {
 public:
  explicit CsvStep(CsvOptions options) : o_(std::move(options)) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(o_.field);
    fields_.clear();
    for (const std::string& name : o_.columns) fields_.push_back(name == "-" ? nullptr : &batch.make_named(name));
    for (uint32_t row : on) {
      bool read = texts[row].data() != nullptr && read_csv(texts[row], o_.separator, o_.quote, values_);
      if (!read || values_.size() < fields_.size()) {
        if (!o_.optional) fail(batch, row, counts);
        if (!read) continue;
      }
      for (size_t i = 0; i < fields_.size() && i < values_.size(); ++i) {
        const CsvValue& value = values_[i];
        if (fields_[i] == nullptr || value.text().empty()) continue;
        batch.set(*fields_[i], row, Cell::string(value.escaped ? batch.keep(value.text()) : value.text()));
      }
    }
  }

 private:
  const CsvOptions o_;
  std::vector<Field*> fields_;
  std::vector<CsvValue> values_;
};

StepPtr make_csv(Options& options, StepContext&) {
  CsvOptions out;
  out.field = options.text("field", "message");
  out.columns = options.list("columns");
  std::string separator = options.text("separator", ",");
  std::string quote = options.text("quote", "\"");
  if (separator == "\\t" || separator == "tab") separator.assign(1, '\t');
  out.optional = options.yes("optional");
  if (out.columns.empty()) options.blame("lacks columns: write csv: {columns: [time, user, -, status]}");
  for (const std::string& name : out.columns) {
    if (name != "-") check_target(options, options.line(), name);
  }
  if (separator.size() != 1 || quote.size() != 1) {
    options.blame("separator and quote are one character each");
  } else {
    out.separator = separator[0];
    out.quote = quote[0];
  }
  return std::make_unique<CsvStep>(std::move(out));
}

constexpr StepKind kKinds[] = {
    {"kv", "write kv: {field: message, between: '&', equals: '='}", make_pairs, true},
    {"csv", "write csv: {field: message, columns: [time, user, status]}", make_csv, true},
};

}  // namespace

std::span<const StepKind> pair_steps() { return kKinds; }

}  // namespace clew::pipeline
