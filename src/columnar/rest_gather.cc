#include "columnar/rest_gather.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "model/batch.h"
#include "model/rest.h"

namespace clew::columnar {
namespace {

model::RestField field_of(const ColumnView& view, uint32_t row) {
  model::RestField field;
  uint8_t kind = view.kind_at(row);
  field.name = view.name;
  field.kind = static_cast<model::Kind>(kind);
  if (lane_is_int(kind)) field.lane = view.ints[row];
  if (field.kind == model::Kind::kDecimal) field.scale = view.scales ? view.scales[row] : view.scale;
  if (lane_is_text(kind)) field.text = view.text_at(row);
  return field;
}

}  // namespace

Result<std::vector<RestName>> rest_names_of(const ColumnView& rest) {
  absl::flat_hash_map<std::string_view, uint16_t> found;  // the texts outlive it
  for (uint32_t row = 0; row < rest.rows; ++row) {
    if (!lane_is_text(rest.kind_at(row))) continue;
    model::RestReader reader(rest.text_at(row));
    model::RestField field;
    while (reader.next(field)) found[field.name] |= static_cast<uint16_t>(1u << static_cast<unsigned>(field.kind));
    CLEW_TRY(reader.status());
  }
  std::vector<RestName> names;
  names.reserve(found.size());
  for (const auto& [name, kinds] : found) names.push_back({std::string(name), kinds});
  std::sort(names.begin(), names.end(), [](const RestName& a, const RestName& b) { return a.name < b.name; });
  return names;
}

void set_rest_names(const std::vector<RestName>& names, codec::Method method, Directory& directory) {
  if (names.empty()) return;
  std::vector<uint32_t>& hashes = directory.rest_names;
  hashes.clear();
  for (const RestName& rest : names) hashes.push_back(static_cast<uint32_t>(base::hash64(rest.name)));
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  write_rest_table(names, method, directory.rest_table);
}

Result<RestColumn> gather_rest(Gatherer& gatherer, const std::vector<std::string>& beyond, uint32_t rows) {
  RestColumn rest;
  ColumnView old = CLEW_TRY(gatherer.gather(model::kRestField));
  if (beyond.empty() && !old.kinds && old.kind == kAbsent) return rest;
  rest.rows.resize(rows);
  bool any = false;
  for (uint32_t row = 0; row < rows; ++row) {
    if (lane_is_text(old.kind_at(row))) rest.rows[row] = old.text_at(row);
    any = any || !rest.rows[row].empty();
  }
  for (const std::string& name : beyond) {
    ColumnView view = CLEW_TRY(gatherer.gather(name));
    for (uint32_t row = 0; row < rows; ++row) {
      if (view.kind_at(row) == kAbsent) continue;
      model::append_rest(field_of(view, row), rest.rows[row]);
      any = true;
    }
  }
  if (!any) return rest;
  rest.kinds.assign(rows, kAbsent);
  rest.texts.resize(rows);
  for (uint32_t row = 0; row < rows; ++row) {
    rest.texts[row] = rest.rows[row];
    if (!rest.rows[row].empty()) rest.kinds[row] = static_cast<uint8_t>(model::Kind::kString);
  }
  rest.view.name = model::kRestField;
  rest.view.rows = rows;
  rest.view.kinds = rest.kinds.data();
  rest.view.texts = rest.texts.data();
  rest.names = CLEW_TRY(rest_names_of(rest.view));
  return rest;
}

}  // namespace clew::columnar
