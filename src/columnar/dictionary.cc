#include "columnar/dictionary.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "codec/compress.h"
#include "codec/ints.h"
#include "columnar/directory.h"

namespace clew::columnar {
namespace {

constexpr size_t kFirstSlots = 256;

// Faster than hash64 for the short texts that dictionaries are made of; lives in memory only.
uint64_t short_hash(std::string_view text) {
  size_t n = text.size();
  if (n > 32) return base::hash64(text);
  uint64_t a = 0;
  uint64_t b = 0;
  if (n >= 8) {
    std::memcpy(&a, text.data(), 8);
    std::memcpy(&b, text.data() + n - 8, 8);
    if (n > 16) {
      uint64_t c;
      uint64_t d;
      std::memcpy(&c, text.data() + 8, 8);
      std::memcpy(&d, text.data() + n - 16, 8);
      a = base::hash_mix(a, c);
      b = base::hash_mix(b, d);
    }
  } else if (n >= 4) {
    uint32_t low;
    uint32_t high;
    std::memcpy(&low, text.data(), 4);
    std::memcpy(&high, text.data() + n - 4, 4);
    a = low;
    b = high;
  } else if (n > 0) {
    a = static_cast<uint8_t>(text[0]);
    b = static_cast<uint64_t>(static_cast<uint8_t>(text[n / 2])) << 8 | static_cast<uint8_t>(text[n - 1]);
  }
  return base::hash_mix(a + n, b);
}

}  // namespace

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
  uint64_t hash = short_hash(text);
  auto tag = static_cast<uint32_t>(hash >> 32);
  size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at].code != 0; at = (at + 1) & mask) {
    if (slots_[at].tag == tag && entries_[slots_[at].code - 1] == text) return slots_[at].code - 1;
  }
  if (entries_.size() == entries_max_) return kFullCode;
  entries_.push_back(text);
  text_bytes_ += text.size();
  slots_[at] = {tag, static_cast<uint32_t>(entries_.size())};
  if (entries_.size() * 2 > slots_.size()) grow();
  return static_cast<uint32_t>(entries_.size() - 1);
}

uint32_t DictionaryBuilder::find(std::string_view text) const {
  uint64_t hash = short_hash(text);
  auto tag = static_cast<uint32_t>(hash >> 32);
  size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask; slots_[at].code != 0; at = (at + 1) & mask) {
    if (slots_[at].tag == tag && entries_[slots_[at].code - 1] == text) return slots_[at].code - 1;
  }
  return kFullCode;
}

void DictionaryBuilder::grow() {
  slots_.assign(slots_.size() * 4, {});
  size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    uint64_t hash = short_hash(entries_[i]);
    size_t at = hash & mask;
    while (slots_[at].code != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), i + 1};
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
