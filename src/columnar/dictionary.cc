#include "columnar/dictionary.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "codec/compress.h"
#include "codec/ints.h"
#include "columnar/directory.h"

namespace clew::columnar {
namespace {

constexpr size_t kFirstSlots = 256;

uint64_t load8(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

uint64_t load4(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

// A text of up to 16 bytes is its own key; a longer one is known by its hash. Lives in memory only.
DictionaryBuilder::Key DictionaryBuilder::key_of(std::string_view text) {
  constexpr uint64_t kOne = 0x9e3779b97f4a7c15ull;
  constexpr uint64_t kTwo = 0xd6e8feb86659fd93ull;
  const char* p = text.data();
  size_t n = text.size();
  Key key;
  if (n > 16) {
    uint64_t h = n;
    for (size_t i = 0; i + 16 < n; i += 16) h = fold(load8(p + i) ^ kOne ^ h, load8(p + i + 8) ^ kTwo);
    key.low = fold(load8(p + n - 16) ^ kOne ^ h, load8(p + n - 8) ^ kTwo);
    key.high = 0;
  } else if (n >= 8) {
    key.low = load8(p);
    key.high = load8(p + n - 8);
  } else if (n >= 4) {
    key.low = load4(p);
    key.high = load4(p + n - 4);
  } else if (n > 0) {
    key.low = static_cast<uint8_t>(p[0]);
    key.high = static_cast<uint64_t>(static_cast<uint8_t>(p[n / 2])) << 8 | static_cast<uint8_t>(p[n - 1]);
  }
  key.bytes = static_cast<uint32_t>(n);
  key.hash = fold(key.low ^ kOne, key.high ^ kTwo ^ n);
  return key;
}

bool DictionaryBuilder::same(const Slot& slot, const Key& key, std::string_view text) const {
  if (slot.low != key.low || slot.high != key.high || slot.bytes != key.bytes) return false;
  return key.bytes <= 16 || entries_[slot.code - 1] == text;
}

void DictionaryBuilder::reset(uint32_t entries_max) {
  if (slots_.size() > 4 * kFirstSlots || slots_.empty()) {
    slots_.assign(kFirstSlots, {});
  } else {
    std::fill(slots_.begin(), slots_.end(), Slot{});
  }
  entries_.clear();
  entries_max_ = entries_max;
  text_bytes_ = 0;
}

uint32_t DictionaryBuilder::code(std::string_view text) {
  Key key = key_of(text);
  size_t mask = slots_.size() - 1;
  size_t at = key.hash & mask;
  for (; slots_[at].code != 0; at = (at + 1) & mask) {
    if (same(slots_[at], key, text)) return slots_[at].code - 1;
  }
  if (entries_.size() == entries_max_) return kFullCode;
  entries_.push_back(text);
  text_bytes_ += text.size();
  slots_[at] = {key.low, key.high, key.bytes, static_cast<uint32_t>(entries_.size())};
  if (entries_.size() * 2 > slots_.size()) grow();
  return static_cast<uint32_t>(entries_.size() - 1);
}

uint32_t DictionaryBuilder::find(std::string_view text) const {
  Key key = key_of(text);
  size_t mask = slots_.size() - 1;
  for (size_t at = key.hash & mask; slots_[at].code != 0; at = (at + 1) & mask) {
    if (same(slots_[at], key, text)) return slots_[at].code - 1;
  }
  return kFullCode;
}

void DictionaryBuilder::grow() {
  slots_.assign(slots_.size() * 4, {});
  size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Key key = key_of(entries_[i]);
    size_t at = key.hash & mask;
    while (slots_[at].code != 0) at = (at + 1) & mask;
    slots_[at] = {key.low, key.high, key.bytes, i + 1};
  }
}

void write_dictionary(const std::vector<std::string_view>& entries, bool full_effort, std::string& out) {
  std::vector<int64_t> lengths(entries.size());
  std::string bytes;
  for (size_t i = 0; i < entries.size(); ++i) {
    lengths[i] = static_cast<int64_t>(entries[i].size());
    bytes.append(entries[i]);
  }
  codec::IntEncoder().encode(lengths, full_effort ? codec::Effort::kFull : codec::Effort::kFast, out);
  codec::write_packed(bytes, full_effort ? codec::Method::kZstd : codec::Method::kLz4, out);
}

Result<DictionaryPtr> read_dictionary(std::string_view bytes, uint32_t entries) {
  base::Reader in(bytes);
  auto dictionary = std::make_shared<Dictionary>();
  std::vector<int64_t> lengths(entries);
  CLEW_TRY(codec::decode_ints(in, entries, lengths.data()));
  CLEW_TRY(codec::read_packed(in, dictionary->bytes));
  CLEW_TRY(in.finish());
  std::string_view left = dictionary->bytes;
  dictionary->entries.reserve(entries);
  for (int64_t length : lengths) {
    if (length < 0 || static_cast<uint64_t>(length) > left.size()) return Error(Code::kCorrupt, "entries too long");
    dictionary->entries.push_back(left.substr(0, static_cast<size_t>(length)));
    left.remove_prefix(static_cast<size_t>(length));
  }
  if (!left.empty()) return Error(Code::kCorrupt, "entries too short");
  return DictionaryPtr(std::move(dictionary));
}

}  // namespace clew::columnar
