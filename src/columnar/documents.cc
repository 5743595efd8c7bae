#include "columnar/documents.h"

#include <map>

#include "columnar/to_vector.h"
#include "model/batch.h"
#include "model/json_text.h"
#include "model/shape.h"

namespace clew::columnar {
namespace {

// Decoded columns of one block, each read when it is first asked for.
class BlockFields {
 public:
  BlockFields(const Fields& fields, uint32_t block, contract::ScanStats& stats)
      : fields_(fields), block_(block), stats_(stats) {}

  Result<const BlockValues*> values(std::string_view name) {
    auto it = known_.find(name);
    if (it == known_.end()) {
      BlockValues read = CLEW_TRY(fields_.values(name, block_, stats_));
      it = known_.emplace(std::string(name), std::move(read)).first;
    }
    return &it->second;
  }

 private:
  const Fields& fields_;
  uint32_t block_;
  contract::ScanStats& stats_;
  std::map<std::string, BlockValues, std::less<>> known_;
};

Status append_shaped(std::string_view shape, BlockFields& fields, uint32_t row, std::string& out) {
  Status failed;
  Status built = model::rebuild_document(
      shape,
      [&](std::string_view column, std::string& to) {
        Result<const BlockValues*> values = fields.values(column);
        if (!values.ok()) failed = values.error();
        if (!values.ok() || (*values)->kind_at(row) == kAbsent) return false;
        model::append_json_value(field_at(**values, row), to);
        return true;
      },
      out);
  CLEW_TRY(failed);
  return built;
}

Status append_flat(const std::vector<std::string>& names, BlockFields& fields, uint32_t row, std::string& out) {
  out.push_back('{');
  bool first = true;
  for (const std::string& name : names) {
    const BlockValues* values = CLEW_TRY(fields.values(name));
    if (values->kind_at(row) == kAbsent) continue;
    if (!first) out.push_back(',');
    first = false;
    model::append_json_string(name, out);
    out.push_back(':');
    model::append_json_value(field_at(*values, row), out);
  }
  out.push_back('}');
  return {};
}

}  // namespace

Result<std::vector<std::string>> documents_of(const Fields& fields, uint32_t block, const model::Selection& rows,
                                              contract::ScanStats& stats) {
  BlockFields known(fields, block, stats);
  const BlockValues* raw = CLEW_TRY(known.values(model::kRawField));
  const BlockValues* shapes = CLEW_TRY(known.values(model::kShapeField));
  std::vector<std::string> names;
  std::vector<std::string> documents;
  documents.reserve(rows.size());
  for (uint32_t position : rows) {
    uint32_t row = position - block * kBlockRows;
    std::string out;
    if (lane_is_text(raw->kind_at(row))) {
      out = raw->text_at(row);
    } else if (lane_is_text(shapes->kind_at(row))) {
      CLEW_TRY(append_shaped(shapes->text_at(row), known, row, out));
    } else {
      if (names.empty()) names = CLEW_TRY(fields.group().names().public_names());
      CLEW_TRY(append_flat(names, known, row, out));
    }
    documents.push_back(std::move(out));
  }
  return documents;
}

}  // namespace clew::columnar
