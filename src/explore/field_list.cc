#include "explore/field_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "expr/lexer.h"

namespace clew::explore {
namespace {

using query::Failure;
using query::FailureKind;

// Counts in which rows a column has a value, and which datasets the rows came from.
class Presence final : public query::Receiver {
 public:
  Status begin(const std::vector<query::OutputColumn>& schema) override {
    schema_ = schema;
    counts_.assign(schema.size(), 0);
    return {};
  }
  Status rows(const query::RowBatch& batch) override {
    rows_ += batch.rows;
    for (size_t i = 0; i < batch.columns.size(); ++i) {
      for (uint32_t row = 0; row < batch.rows; ++row) counts_[i] += batch.columns[i]->is_null(row) ? 0 : 1;
    }
    return {};
  }

  uint64_t rows_count() const { return rows_; }
  std::map<std::string, uint64_t> counts() const {
    std::map<std::string, uint64_t> out;
    for (size_t i = 0; i < schema_.size(); ++i) out[schema_[i].name] = counts_[i];
    return out;
  }

 private:
  std::vector<query::OutputColumn> schema_;
  std::vector<uint64_t> counts_;
  uint64_t rows_ = 0;
};

void join(const contract::FieldInfo& info, const std::string& dataset, ListedField& field) {
  bool fresh = field.datasets.empty();
  field.name = info.name;
  field.datasets.push_back(dataset);
  field.first_seen = fresh ? info.first_seen : std::min(field.first_seen, info.first_seen);
  field.last_seen = fresh ? info.last_seen : std::max(field.last_seen, info.last_seen);
  for (model::Type type : info.types) {
    if (std::find(field.types.begin(), field.types.end(), type) == field.types.end()) field.types.push_back(type);
  }
}

Failure failure_of(const Error& error) {
  Failure out;
  out.kind = error.code() == Code::kNotFound ? FailureKind::kDatasetNotFound : FailureKind::kInternal;
  out.reason = error.message();
  return out;
}

}  // namespace

bool has_words(std::string_view name, std::string_view words) {
  const std::string lower = expr::to_lower_ascii(name);
  const std::string wanted = expr::to_lower_ascii(words);
  size_t at = 0;
  while (at < wanted.size()) {
    size_t end = std::min(wanted.find(' ', at), wanted.size());
    if (lower.find(wanted.substr(at, end - at)) == std::string::npos) return false;
    at = end + 1;
  }
  return true;
}

Answer<FieldList> field_list(query::Engine& engine, contract::EventSource& source, const Question& question,
                             const FieldListRequest& request) {
  auto events = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&events)) return *failure;
  auto datasets = engine.datasets_of(question.query, question.access);
  if (auto* failure = std::get_if<Failure>(&datasets)) return *failure;
  std::map<std::string, ListedField> fields;
  for (const std::string& dataset : std::get<std::vector<std::string>>(datasets)) {
    Result<std::vector<contract::FieldInfo>> infos = source.fields(question.access, dataset);
    if (!infos.ok()) return failure_of(infos.error());
    for (const contract::FieldInfo& info : *infos) {
      if (info.name.starts_with('_') || !has_words(info.name, request.words)) continue;
      join(info, dataset, fields[info.name]);
    }
  }
  FieldList out;
  out.names = fields.size();
  std::map<std::string, uint64_t> counts;
  if (request.sample != 0) {
    Presence presence;
    std::string text =
        fmt::format("{} | head {}", std::get<std::string>(events), std::min(request.sample, kFieldSampleMax));
    if (auto failure = run(engine, question, text, presence, out.cost)) return *failure;
    out.sample = presence.rows_count();
    counts = presence.counts();
  }
  for (auto& [name, field] : fields) {
    auto found = counts.find(name);
    if (found != counts.end()) field.events = found->second;
    out.fields.push_back(std::move(field));
  }
  std::stable_sort(out.fields.begin(), out.fields.end(),
                   [](const ListedField& a, const ListedField& b) { return a.events > b.events; });
  if (out.fields.size() > request.limit) out.fields.resize(request.limit);
  return out;
}

}  // namespace clew::explore
