#include "columnar/word_set.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "columnar/to_vector.h"
#include "columnar/typed_text.h"
#include "model/batch.h"
#include "model/json_text.h"
#include "model/rest.h"
#include "text/words.h"

namespace clew::columnar {
namespace {

using model::Kind;

constexpr std::string_view kMonths = "jan feb mar apr may jun jul aug sep oct nov dec";

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void add_value_words(const model::Value& value, WordSet& words) {
  if (value.type() == model::Type::kString) words.add_text(value.text());
  if (value.type() == model::Type::kArray) {
    for (const model::Value& item : value.items()) add_value_words(item, words);
  }
  if (value.type() == model::Type::kStruct) {
    for (const auto& [name, item] : value.members()) add_value_words(item, words);
  }
}

}  // namespace

bool indexable(std::string_view word) {
  if (word.size() == 4 && std::all_of(word.begin(), word.end(), is_hex)) return false;
  if (!is_digit(word[0])) return true;
  size_t others = 0;
  for (char c : word) {
    if (!is_digit(c) && ++others > 1) return true;
  }
  return false;
}

uint64_t index_hash(std::string_view word) { return text::word_hash(word) >> (64 - kIndexHashBits); }

uint64_t index_hash_of_name(std::string_view name) { return base::hash64(name, 0x6e616d65) >> (64 - kIndexHashBits); }

void WordSet::add_text(std::string_view text) {
  text::for_each_word(text, [this](std::string_view word) {
    if (indexable(word)) add_hash(index_hash(word));
  });
}

void WordSet::add_array(std::string_view json) {
  add_text(json);
  if (json.find('\\') == std::string_view::npos) return;
  for (const model::Value& item : array_items(json)) add_value_words(item, *this);
}

void WordSet::add_kind(Kind kind) {
  if (kind == Kind::kBool) {
    add_text("true");
    add_text("false");
  }
  if (kind == Kind::kFloat || kind == Kind::kNumberText) add_text("nan inf infinity");
}

void WordSet::add_kind_text(Kind kind, std::string_view text) {
  if (kind == Kind::kArray) {
    add_array(text);
  } else if (kind == Kind::kBytes) {
    std::string shown;
    model::append_base64(text, shown);
    add_text(shown);
    add_text(text);
  } else {
    add_text(text);
  }
}

void WordSet::add_rest(std::string_view rest) {
  model::RestReader reader(rest);
  model::RestField field;
  while (reader.next(field)) {
    add_name(field.name);
    add_kind(field.kind);
    if (model::kind_has_text(field.kind)) add_kind_text(field.kind, field.text);
  }
}

bool has_indexed_words(std::string_view column) {
  return !column.starts_with('_') || column == model::kRawField || column == model::kRestField;
}

// The texts of a block have one layout: they differ in digits and in the names of months. Words that begin with digits
// are not indexed.
void WordSet::add_times(const ColumnView& column) {
  for (uint32_t begin = 0; begin < column.rows; begin += kBlockRows) {
    uint32_t row = begin;
    while (row < column.rows && row < begin + kBlockRows && !lane_is_text(column.kind_at(row))) ++row;
    if (row < column.rows && row < begin + kBlockRows) add_text(column.text_at(row));
  }
  add_text(kMonths);
}

// Each is one word and folded already.
void WordSet::add_hex(const ColumnView& column) {
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    std::string_view text = column.text_at(row);
    if (indexable(text)) hashes_.push_back(index_hash(text));
  }
}

void WordSet::add_column(const ColumnView& column, TextForm form) {
  if (form == TextForm::kIp4) return;  // numbers
  if (form == TextForm::kTime) return add_times(column);
  if (form == TextForm::kHex) return add_hex(column);
  bool rest = column.name == model::kRestField;
  for (uint32_t row = 0; row < column.rows; ++row) {
    uint8_t kind = column.kind_at(row);
    if (!lane_is_text(kind)) continue;
    if (rest) {
      add_rest(column.text_at(row));
    } else {
      add_kind_text(static_cast<Kind>(kind), column.text_at(row));
    }
  }
}

void WordSet::add_typed(const ColumnView& column) {
  const TypedLane& lane = *column.typed;
  if (lane.form == TextForm::kIp4) return;  // numbers
  std::string text(typed_chars_max(lane.form, *lane.values), '\0');
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    print_typed(lane.form, *lane.values, row, text.data());
    if (lane.form == TextForm::kTime) {  // as add_times(), the layout being one
      add_text(text);
      add_text(kMonths);
      return;
    }
    if (lane.form == TextForm::kUuid) {
      add_text(text);
    } else if (indexable(text)) {
      hashes_.push_back(index_hash(text));
    }
  }
}

void WordSet::add_templates(const ColumnView& column, const TemplateSet& set) {
  for (const Template& shape : set.parsed().list) {
    for (const Template::Slot& slot : shape.slots) add_text(slot.before);
    add_text(shape.after);
  }
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    uint32_t code = set.code(row);
    if (code == TemplateSet::kWhole) {
      add_kind_text(static_cast<Kind>(column.kind_at(row)), column.text_at(row));
      continue;
    }
    const Template& shape = set.parsed().list[code];
    const Variable* variables = set.variables(row);
    for (size_t s = 0; s < shape.slots.size(); ++s) {
      if (shape.slots[s].kind == kWord) add_text(variables[s].word());
    }
  }
}

// Least significant digits first, 10 bits a pass.
void WordSet::sort() {
  constexpr int kBits = 10;
  constexpr size_t kBuckets = 1u << kBits;
  if (hashes_.size() < 4096) {
    std::sort(hashes_.begin(), hashes_.end());
    return;
  }
  sorted_.resize(hashes_.size());
  for (int shift = 0; shift < kIndexHashBits; shift += kBits) {
    std::array<uint32_t, kBuckets> begins{};
    for (uint64_t h : hashes_) ++begins[h >> shift & (kBuckets - 1)];
    uint32_t at = 0;
    for (uint32_t& b : begins) {
      uint32_t count = b;
      b = at;
      at += count;
    }
    for (uint64_t h : hashes_) sorted_[begins[h >> shift & (kBuckets - 1)]++] = h;
    hashes_.swap(sorted_);
  }
}

GroupWords WordSet::take() {
  sort();
  GroupWords taken;
  taken.hash_bits = kIndexHashBits;
  base::Writer w(taken.gaps);
  uint64_t last = UINT64_MAX;
  for (uint64_t h : hashes_) {
    if (h == last) continue;
    w.varint(last == UINT64_MAX ? h : h - last);
    last = h;
    ++taken.count;
  }
  hashes_.clear();
  recent_.fill(0);
  return taken;
}

}  // namespace clew::columnar
