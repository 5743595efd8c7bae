// The forms that one column takes between its bytes and its users: ColumnView goes into encoders, BlockValues comes out
// of decoders. Both hold one entry per row, whether the row has a value or not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/time_layout.h"
#include "model/column.h"
#include "model/vector.h"

namespace clew::columnar {

constexpr uint8_t kAbsent = 0xff;  // in place of a model::Kind: the row lacks the field

// Distinct texts of a column in one row group. Frozen once made.
struct Dictionary {
  std::string bytes;
  std::vector<std::string_view> entries;  // into `bytes`
};
using DictionaryPtr = std::shared_ptr<const Dictionary>;

struct ChunkStats;              // directory.h
enum class TextForm : uint8_t;  // directory.h
struct Variable;                // templates.h

constexpr uint32_t kWholeText = UINT32_MAX;  // in place of a template: the text is kept whole

// Texts that came as templates and variables, from a column that was written so (templates.h).
struct TemplateLane {
  const std::vector<std::string_view>* entries = nullptr;
  const uint32_t* codes = nullptr;             // per row, into `entries`; kWholeText where the view's `texts` have it
  const Variable* const* variables = nullptr;  // per row, as many as its template has slots
  const ChunkStats* bounds = nullptr;          // of all texts
};

// Texts of a block as templates and variables, in the block's own codes.
struct TemplateRows {
  std::vector<uint32_t> codes;             // per row; kWholeText where `texts` has it
  std::vector<const Variable*> variables;  // per row, into `storage`
  std::vector<std::string_view> texts;     // per row; empty when no text is whole
  std::shared_ptr<const void> storage;
};

// Texts as what they are (typed_text.h): hex digits, UUIDs, addresses or times. Where `rows` are meant, those without
// a text have zeros.
struct TypedValues {
  size_t each = 0;                          // of kHex and kUuid: bytes of one text's digits
  std::string bytes;                        // of kHex and kUuid: the digits, `each` bytes apiece
  std::vector<int64_t> numbers;             // of kIp4 and kTime: an address or Unix nanoseconds apiece
  std::optional<codec::TimeLayout> layout;  // of kTime
};

// Texts that came so, from a column in which all were of one form.
struct TypedLane {
  TextForm form{};
  TypedValues* values = nullptr;       // by row; a layout remembers what it printed last
  const ChunkStats* bounds = nullptr;  // of all texts
};

// Lifetime: everything pointed to outlives the view.
struct ColumnView {
  std::string_view name;
  uint32_t rows = 0;
  model::Origins origins = model::bit(model::Origin::kRecord);
  const uint8_t* kinds = nullptr;  // Kind or kAbsent per row; null when every row has `kind`
  uint8_t kind = kAbsent;
  const int64_t* ints = nullptr;    // per row, where a kind has ints
  const uint8_t* scales = nullptr;  // per row; null when every decimal has `scale`
  uint8_t scale = 0;
  const std::string_view* texts = nullptr;  // per row, where a kind has text; null when `codes` are given instead
  const uint32_t* codes = nullptr;          // per row, into `entries`
  const std::vector<std::string_view>* entries = nullptr;
  const TemplateLane* templates = nullptr;  // with texts that are there for its whole rows only
  const TypedLane* typed = nullptr;         // instead of texts

  uint8_t kind_at(uint32_t row) const { return kinds ? kinds[row] : kind; }
  std::string_view text_at(uint32_t row) const { return texts ? texts[row] : (*entries)[codes[row]]; }
};

// Values of some rows in row order; lanes that no value needs are empty.
struct BlockValues {
  uint32_t rows = 0;
  uint8_t kind = kAbsent;               // of all rows when `kinds` is empty
  std::vector<uint8_t> kinds;           // per row
  std::vector<int64_t> ints;            // per row
  uint8_t scale = 0;                    // of all decimals when `scales` is empty
  std::vector<uint8_t> scales;          // per row
  std::vector<std::string_view> texts;  // per row; empty when `dictionary` is there
  std::vector<uint32_t> codes;          // per row, into `dictionary`
  DictionaryPtr dictionary;
  std::shared_ptr<const TemplateRows> templates;    // instead of `texts`, when asked for
  std::shared_ptr<const TypedValues> typed;         // instead of `texts`, when asked for; by row
  std::vector<std::shared_ptr<const void>> owners;  // of `texts`

  uint8_t kind_at(uint32_t row) const { return kinds.empty() ? kind : kinds[row]; }
  uint8_t scale_at(uint32_t row) const { return scales.empty() ? scale : scales[row]; }
  std::string_view text_at(uint32_t row) const { return dictionary ? dictionary->entries[codes[row]] : texts[row]; }
};

// Lifetime: as long as `values` and `name`.
inline ColumnView view_of(std::string_view name, const BlockValues& values) {
  ColumnView view{.name = name, .rows = values.rows};
  view.kinds = values.kinds.empty() ? nullptr : values.kinds.data();
  view.kind = values.kind;
  view.ints = values.ints.empty() ? nullptr : values.ints.data();
  view.scales = values.scales.empty() ? nullptr : values.scales.data();
  view.scale = values.scale;
  view.texts = values.texts.empty() ? nullptr : values.texts.data();
  view.codes = values.codes.empty() ? nullptr : values.codes.data();
  view.entries = values.dictionary ? &values.dictionary->entries : nullptr;
  return view;
}

constexpr bool lane_is_int(uint8_t kind) {
  return kind != kAbsent && model::kind_has_int(static_cast<model::Kind>(kind));
}
constexpr bool lane_is_text(uint8_t kind) {
  return kind != kAbsent && model::kind_has_text(static_cast<model::Kind>(kind));
}

}  // namespace clew::columnar
