#include "columnar/gather_batch.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "columnar/gather.h"
#include "columnar/rest_gather.h"
#include "model/rest.h"

namespace clew::columnar {
namespace {

constexpr size_t kOwnColumns = 16;  // as many of clew's own a batch may have beside those of documents

using Groups = std::vector<std::shared_ptr<const RowGroup>>;

// clew's own columns first, then those that most rows have.
std::vector<std::string> names_of(const Groups& groups, std::span<const std::string_view> but) {
  std::map<std::string_view, uint64_t> counts;
  for (const auto& group : groups) {
    for (const Chunk& chunk : group->directory().chunks) counts[chunk.name] += chunk.values;
  }
  counts.erase(kSeqColumn);
  counts.erase(model::kRestField);
  counts.erase(model::kIdField);
  for (std::string_view name : but) counts.erase(name);
  std::vector<std::pair<std::string_view, uint64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    bool own_a = a.first.starts_with('_');
    bool own_b = b.first.starts_with('_');
    return own_a != own_b ? own_a : a.second > b.second;
  });
  std::vector<std::string> names;
  for (const auto& [name, count] : order) names.emplace_back(name);
  return names;
}

void add_value(const ColumnView& view, uint32_t row, model::Column& to, uint32_t to_row) {
  uint8_t kind = view.kind_at(row);
  model::RestField field{.name = {}, .kind = static_cast<model::Kind>(kind), .scale = 0, .lane = 0, .text = {}};
  if (lane_is_int(kind)) field.lane = view.ints[row];
  if (field.kind == model::Kind::kDecimal) field.scale = view.scales != nullptr ? view.scales[row] : view.scale;
  if (lane_is_text(kind)) field.text = view.text_at(row);
  model::add_value(to, to_row, field);
}

// Of rows without a value those get one that `ids`, when not empty, has.
void add_column(const ColumnView& view, std::string_view name, std::span<const std::string> ids,
                std::vector<model::Batch>& batches) {
  uint32_t begin = 0;
  for (model::Batch& batch : batches) {
    model::Column* column = nullptr;
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      bool has_value = view.kind_at(begin + row) != kAbsent;
      bool has_id = !has_value && !ids.empty() && !ids[begin + row].empty();
      if (!has_value && !has_id) continue;
      if (column == nullptr) {
        column = batch.column(name);
        column->note_origins(view.origins);
      }
      if (has_value) add_value(view, begin + row, *column, row);
      if (has_id) column->add_string(row, ids[begin + row]);
    }
    begin += batch.rows();
  }
}

}  // namespace

Result<std::vector<model::Batch>> gather_batches(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows,
                                                 std::span<const uint32_t> counts,
                                                 std::span<const std::string_view> but,
                                                 std::span<const std::string> ids) {
  CHECK(!rows.empty() && (ids.empty() || ids.size() == rows.size()), rows.size());
  Groups groups;
  for (const RowSourcePtr& source : sources) {
    groups.push_back(std::dynamic_pointer_cast<const RowGroup>(source));
    CHECK(groups.back() != nullptr);
  }
  std::vector<model::Batch> batches;
  uint64_t counted = 0;
  for (uint32_t count : counts) {
    batches.emplace_back(groups.front()->dataset());
    for (uint32_t i = 0; i < count; ++i) (void)batches.back().begin_row();
    counted += count;
  }
  CHECK(counted == rows.size(), counted, rows.size());
  Gatherer gatherer(groups, rows);
  std::vector<std::string> names = names_of(groups, but);
  std::vector<std::string> beyond;
  constexpr size_t kMost = model::kColumnsMax + kOwnColumns - 2;  // `_id` and `_rest` are apart
  if (names.size() > kMost) {
    beyond.assign(names.begin() + kMost, names.end());
    names.resize(kMost);
  }
  for (const std::string& name : names) {
    ColumnView view = CLEW_TRY(gatherer.gather(name));
    add_column(view, name, {}, batches);
  }
  ColumnView own_ids = CLEW_TRY(gatherer.gather(model::kIdField));
  add_column(own_ids, model::kIdField, ids, batches);
  RestColumn rest = CLEW_TRY(gather_rest(gatherer, beyond, static_cast<uint32_t>(rows.size())));
  if (rest.view.rows > 0) add_column(rest.view, model::kRestField, {}, batches);
  return batches;
}

}  // namespace clew::columnar
