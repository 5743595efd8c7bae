#include "columnar/token_index.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "codec/bitpack.h"
#include "codec/ints.h"

namespace clew::columnar {
namespace {

constexpr int kSpareBits = 7;   // a lookup is wrongly answered "perhaps" about once in 128 segments
constexpr int kMergeBits = 3;   // more, so that eight segments of a size can be joined by copying their words
constexpr int kBucketBits = 8;  // hashes are merged in 256 ranges
constexpr int kGroupBits = 16;
static_assert(kRowGroupsMax == 1u << kGroupBits);
constexpr size_t kCommonFromGroups = 4;  // segments of fewer row groups list every word

// Cuts entries into pages. A hash never lies in two pages.
class PageWriter {
 public:
  PageWriter(IndexPlace& place, uint64_t offset, std::string& out) : place_(place), offset_(offset), out_(out) {}

  void add(uint64_t hash, uint32_t group) {
    if (hashes_.size() >= kIndexPageEntries && hash != static_cast<uint64_t>(hashes_.back())) flush();
    hashes_.push_back(static_cast<int64_t>(hash));
    groups_.push_back(group);
    ++place_.entries;
  }

  void flush() {
    if (hashes_.empty()) return;
    IndexPage page;
    page.first_hash = static_cast<uint64_t>(hashes_[0]);
    size_t begin = out_.size();
    page.offset = offset_ + begin;
    base::Writer w(out_);
    w.varint(hashes_.size());
    // Differences, so that the run needs no base beside the page's first hash.
    for (size_t i = hashes_.size() - 1; i > 0; --i) hashes_[i] -= hashes_[i - 1];
    hashes_[0] = 0;
    ints_.encode(hashes_, codec::Effort::kFull, out_);
    ints_.encode(groups_, codec::Effort::kFast, out_);
    w.u32(base::crc32c(std::string_view(out_).substr(begin)));
    page.bytes = static_cast<uint32_t>(out_.size() - begin);
    place_.pages.push_back(page);
    hashes_.clear();
    groups_.clear();
  }

 private:
  IndexPlace& place_;
  uint64_t offset_;
  std::string& out_;
  codec::IntEncoder ints_;
  std::vector<int64_t> hashes_;
  std::vector<int64_t> groups_;
};

// Reads the words of a row group in order, as hashes of `hash_bits`.
struct WordCursor {
  base::Reader in;
  int cut;
  uint64_t full = 0;
  uint64_t hash = 0;
  bool done = false;

  WordCursor(const GroupWords& words, int hash_bits) : in(words.gaps), cut(words.hash_bits - hash_bits) { next(); }
  void next() {
    done = in.remaining() == 0;
    if (done) return;
    full += in.varint();
    hash = full >> cut;
  }
};

// An entry while it is sorted: the hash above, the row group in the lowest bits.
uint64_t entry_of(uint64_t hash, uint64_t group) { return hash << kGroupBits | group; }

// By the hash's lowest `bits`; entries of one hash keep their order. Least significant digits first.
void sort_entries(std::vector<uint64_t>& entries, std::vector<uint64_t>& other, int bits) {
  constexpr int kDigitBits = 11;
  constexpr size_t kDigits = size_t{1} << kDigitBits;
  other.resize(entries.size());
  std::vector<uint32_t> begins(kDigits);
  for (int shift = kGroupBits; shift < kGroupBits + bits; shift += kDigitBits) {
    uint64_t mask = kDigits - 1;
    if (kGroupBits + bits - shift < kDigitBits) mask = (uint64_t{1} << (kGroupBits + bits - shift)) - 1;
    std::fill(begins.begin(), begins.end(), 0);
    for (uint64_t e : entries) ++begins[e >> shift & mask];
    uint32_t at = 0;
    for (uint32_t& b : begins) at += std::exchange(b, at);
    for (uint64_t e : entries) other[begins[e >> shift & mask]++] = e;
    entries.swap(other);
  }
}

}  // namespace

IndexPlace IndexBuilder::finish(uint64_t offset, std::string& out) {
  IndexPlace place;
  uint64_t total = 0;
  int bits = kIndexHashBits;
  for (const GroupWords& group : groups_) {
    total += group.count;
    bits = std::min<int>(bits, group.hash_bits);
  }
  // At least so many that a bucket is a whole number of hashes.
  bits = std::max(kBucketBits, std::min(bits, codec::bits_of(total) + kSpareBits + kMergeBits));
  place.hash_bits = static_cast<uint8_t>(bits);
  std::vector<WordCursor> cursors;
  for (const GroupWords& group : groups_) cursors.emplace_back(group, bits);
  PageWriter pages(place, offset, out);
  std::vector<uint64_t> entries;
  std::vector<uint64_t> other;
  auto all = static_cast<uint32_t>(groups_.size());
  for (uint64_t bucket = 0; bucket < (1u << kBucketBits); ++bucket) {
    uint64_t end = (bucket + 1) << (bits - kBucketBits);
    entries.clear();
    for (uint32_t g = 0; g < cursors.size(); ++g) {
      uint64_t last = UINT64_MAX;
      for (; !cursors[g].done && cursors[g].hash < end; cursors[g].next()) {
        if (cursors[g].hash != last) entries.push_back(entry_of(cursors[g].hash, g));
        last = cursors[g].hash;
      }
    }
    sort_entries(entries, other, bits - kBucketBits);
    for (size_t i = 0; i < entries.size();) {
      uint64_t hash = entries[i] >> kGroupBits;
      size_t next = i;
      while (next < entries.size() && entries[next] >> kGroupBits == hash) ++next;
      if (groups_.size() >= kCommonFromGroups && (next - i) * 2 > groups_.size()) {
        pages.add(hash, all);
        i = next;
      }
      for (; i < next; ++i) pages.add(hash, static_cast<uint32_t>(entries[i] & (kRowGroupsMax - 1)));
    }
  }
  pages.flush();
  return place;
}

namespace {

struct PageEntries {
  std::vector<int64_t> hashes;
  std::vector<int64_t> groups;
};

Result<PageEntries> read_page(const os::File& file, const IndexPage& page) {
  std::string bytes = CLEW_TRY(file.read_at(page.offset, page.bytes));
  if (bytes.size() < 4) return Error(Code::kCorrupt, "an index page without its checksum");
  std::string_view body = std::string_view(bytes).substr(0, bytes.size() - 4);
  base::Reader crc(std::string_view(bytes).substr(body.size()));
  if (base::crc32c(body) != crc.u32()) return Error(Code::kCorrupt, "checksum of an index page");
  base::Reader in(body);
  uint64_t count = in.varint_max(codec::kIntRunMax);
  PageEntries entries;
  entries.hashes.resize(count);
  entries.groups.resize(count);
  CLEW_TRY(codec::decode_ints(in, count, entries.hashes.data()));
  CLEW_TRY(codec::decode_ints(in, count, entries.groups.data()));
  CLEW_TRY(in.finish());
  uint64_t hash = page.first_hash;
  for (int64_t& h : entries.hashes) h = static_cast<int64_t>(hash += static_cast<uint64_t>(h));
  return entries;
}

}  // namespace

Result<std::vector<bool>> look_up(const os::File& file, const IndexPlace& index, uint64_t hash, size_t row_groups,
                                  contract::ScanStats& stats) {
  std::vector<bool> found(row_groups, false);
  uint64_t wanted = hash >> (kIndexHashBits - index.hash_bits);
  auto page = std::upper_bound(index.pages.begin(), index.pages.end(), wanted,
                               [](uint64_t h, const IndexPage& p) { return h < p.first_hash; });
  if (page == index.pages.begin()) return found;
  stats.index_reads.fetch_add(1, std::memory_order_relaxed);
  PageEntries entries = CLEW_TRY(read_page(file, *std::prev(page)));
  auto [from, to] = std::equal_range(entries.hashes.begin(), entries.hashes.end(), static_cast<int64_t>(wanted));
  for (auto it = from; it != to; ++it) {
    auto group = static_cast<uint64_t>(entries.groups[static_cast<size_t>(it - entries.hashes.begin())]);
    if (group == row_groups) return std::vector<bool>(row_groups, true);
    if (group > row_groups) return Error(Code::kCorrupt, "an index entry of no row group");
    found[group] = true;
  }
  return found;
}

Result<std::vector<GroupWords>> words_of_groups(const os::File& file, const IndexPlace& index, size_t row_groups) {
  if (index.hash_bits < kBucketBits) return Error(Code::kNotFound, "no token index to join with others");
  std::vector<GroupWords> groups(row_groups);
  std::vector<uint64_t> last(row_groups, 0);
  for (GroupWords& words : groups) words.hash_bits = index.hash_bits;
  auto add = [&](size_t g, uint64_t hash) {
    base::Writer(groups[g].gaps).varint(hash - last[g]);
    last[g] = hash;
    ++groups[g].count;
  };
  for (const IndexPage& page : index.pages) {
    PageEntries entries = CLEW_TRY(read_page(file, page));
    for (size_t i = 0; i < entries.hashes.size(); ++i) {
      auto hash = static_cast<uint64_t>(entries.hashes[i]);
      auto group = static_cast<uint64_t>(entries.groups[i]);
      if (group > row_groups) return Error(Code::kCorrupt, "an index entry of no row group");
      if (hash >> index.hash_bits != 0) return Error(Code::kCorrupt, "a hash of more bits than the index has");
      bool all = group == row_groups;
      for (size_t g = all ? 0 : group; g < (all ? row_groups : group + 1); ++g) {
        if (hash < last[g]) return Error(Code::kCorrupt, "index entries out of order");
        add(g, hash);
      }
    }
  }
  return groups;
}

Status verify_index(const os::File& file, const IndexPlace& index, size_t row_groups) {
  uint64_t last = 0;
  uint64_t entries = 0;
  for (const IndexPage& page : index.pages) {
    PageEntries read = CLEW_TRY(read_page(file, page));
    for (size_t i = 0; i < read.hashes.size(); ++i) {
      if (static_cast<uint64_t>(read.hashes[i]) < last) return Error(Code::kCorrupt, "index entries out of order");
      last = static_cast<uint64_t>(read.hashes[i]);
      if (static_cast<uint64_t>(read.groups[i]) > row_groups)
        return Error(Code::kCorrupt, "an index entry of no row group");
    }
    entries += read.hashes.size();
  }
  if (entries != index.entries) return Error(Code::kCorrupt, "index pages have other entries than the tail says");
  return {};
}

}  // namespace clew::columnar
