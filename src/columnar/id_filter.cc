#include "columnar/id_filter.h"

#include <algorithm>

#include "base/hash.h"

namespace clew::columnar {
namespace {

constexpr size_t kBitsPerId = 12;
constexpr size_t kBlockBits = 256;
constexpr uint32_t kSalts[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

size_t block_of(uint64_t hash, size_t blocks) { return static_cast<size_t>(((hash >> 32) * blocks) >> 32); }

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] == '-' ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

uint32_t bit_of(uint64_t hash, int word) { return 1u << ((static_cast<uint32_t>(hash) * kSalts[word]) >> 27); }

}  // namespace

void IdFilters::add(const ColumnView& column) {
  if (columns_.size() == kIdColumnsMax) return;
  Column& made = columns_.emplace_back();
  made.name = column.name;
  made.blocks.resize(column.rows * kBitsPerId / kBlockBits + 1);
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    made.uuids = made.uuids || column.text_at(row).find('-') != std::string_view::npos;
    uint64_t hash = base::hash64(column.text_at(row));
    Block& block = made.blocks[block_of(hash, made.blocks.size())];
    for (int w = 0; w < 8; ++w) block.words[w] |= bit_of(hash, w);
  }
}

const IdFilters::Column* IdFilters::find(std::string_view name) const {
  auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) { return c.name == name; });
  return found == columns_.end() ? nullptr : &*found;
}

bool IdFilters::may_have_phrase(std::string_view column, std::string_view phrase) const {
  const Column* found = find(column);
  if (found == nullptr) return true;
  bool digits = !phrase.empty() && std::all_of(phrase.begin(), phrase.end(), is_hex);
  bool whole = is_uuid(phrase) || (digits && !found->uuids);
  return !whole || may_have(column, phrase);
}

bool IdFilters::may_have(std::string_view column, std::string_view id) const {
  const Column* found = find(column);
  if (found == nullptr) return true;
  std::string lower(id);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  uint64_t hash = base::hash64(lower);
  const Block& block = found->blocks[block_of(hash, found->blocks.size())];
  for (int w = 0; w < 8; ++w) {
    if ((block.words[w] & bit_of(hash, w)) == 0) return false;
  }
  return true;
}

}  // namespace clew::columnar
