#include "explore/table.h"

#include <algorithm>

namespace clew::explore {

using model::Type;
using model::Value;

void Cost::add(const query::Outcome& outcome) {
  if (exactness.kind == query::Exactness::Kind::kExact) exactness = outcome.exactness;
  const query::QueryStats& more = outcome.stats;
  stats.rows_scanned += more.rows_scanned;
  stats.rows_matched += more.rows_matched;
  stats.rows_returned += more.rows_returned;
  stats.granules_total += more.granules_total;
  stats.granules_read += more.granules_read;
  stats.granules_pruned_by_time += more.granules_pruned_by_time;
  stats.granules_pruned_by_stats += more.granules_pruned_by_stats;
  stats.granules_pruned_by_index += more.granules_pruned_by_index;
  stats.granules_from_counts += more.granules_from_counts;
  stats.bytes_read += more.bytes_read;
  stats.column_reads += more.column_reads;
  stats.index_reads += more.index_reads;
  stats.blocks_decoded += more.blocks_decoded;
  stats.memory_bytes_peak = std::max(stats.memory_bytes_peak, more.memory_bytes_peak);
  stats.nanos += more.nanos;
}

Status Table::begin(const std::vector<query::OutputColumn>& schema) {
  schema_ = schema;
  return {};
}

Status Table::rows(const query::RowBatch& batch) {
  for (uint32_t row = 0; row < batch.rows; ++row) {
    std::vector<Value> values;
    values.reserve(batch.columns.size());
    for (const model::VectorPtr& column : batch.columns) values.push_back(column->value(row));
    rows_.push_back(std::move(values));
  }
  return {};
}

const Value& Table::only(size_t column) const {
  static const Value kNull;
  return rows_.empty() || column >= rows_[0].size() ? kNull : rows_[0][column];
}

uint64_t count_of(const Value& value) {
  bool integer = value.type() == Type::kInt || value.type() == Type::kLong || value.type() == Type::kULong;
  if (integer) return value.i64() > 0 ? static_cast<uint64_t>(value.i64()) : 0;
  return value.type() == Type::kDouble && value.f64() > 0 ? static_cast<uint64_t>(value.f64()) : 0;
}

std::optional<query::Failure> run(query::Engine& engine, const Question& question, const std::string& text,
                                  query::Receiver& receiver, Cost& cost) {
  query::Request request;
  request.text = text;
  request.access = question.access;
  request.range = question.range;
  request.limits = question.limits;
  request.leaves = true;
  request.newest_first = true;
  query::Outcome outcome = engine.run(request, receiver, question.stop);
  cost.add(outcome);
  return std::move(outcome.failure);
}

}  // namespace clew::explore
