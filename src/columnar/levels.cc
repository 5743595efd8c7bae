#include "columnar/levels.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <unordered_map>

#include "columnar/fields.h"
#include "model/canonical.h"

namespace clew::columnar {
namespace {

constexpr int64_t kMinuteNs = 60'000'000'000;
constexpr int kLevels = 8;
constexpr int64_t kMinutesFlatMax = 1 << 16;

int64_t minute_of(int64_t time) {
  int64_t m = time / kMinuteNs;
  return m * kMinuteNs > time ? m - 1 : m;
}

// Rank of every row's canonical level.
uint8_t rank_of(const model::Vector& v, uint32_t row) {
  if (v.is_null(row)) return 0;
  model::Value value = v.value(row);
  return value.type() == model::Type::kString ? static_cast<uint8_t>(model::level_rank(value.text())) : uint8_t{0};
}

void append_ranks(const model::Vector& v, std::vector<uint8_t>& ranks) {
  if (v.layout == model::Layout::kDict) {
    std::vector<uint8_t> by_code(v.dict->size);
    for (uint32_t c = 0; c < v.dict->size; ++c) by_code[c] = rank_of(*v.dict, c);
    for (uint32_t i = 0; i < v.size; ++i) ranks.push_back(v.is_null(i) ? uint8_t{0} : by_code[v.codes[i]]);
    return;
  }
  for (uint32_t i = 0; i < v.size; ++i) ranks.push_back(rank_of(v, i));
}

Result<std::vector<uint8_t>> level_ranks(const RowGroup& group) {
  Fields fields(group);
  contract::ScanStats stats;
  std::vector<uint8_t> ranks;
  ranks.reserve(group.rows());
  auto steps = CLEW_TRY(group.names().steps("level"));
  if (steps->empty()) {
    ranks.assign(group.rows(), 0);
    return ranks;
  }
  for (uint32_t b = 0; b < blocks_of(group.rows()); ++b) {
    model::Selection all(block_rows(group.rows(), b));
    std::iota(all.begin(), all.end(), b * kBlockRows);
    model::VectorPtr levels = CLEW_TRY(fields.column("level", b, all, stats));
    append_ranks(*levels, ranks);
  }
  return ranks;
}

}  // namespace

Result<std::vector<contract::MinuteCount>> count_minutes(std::span<const std::shared_ptr<const RowGroup>> groups,
                                                         std::span<const RowRef> rows,
                                                         const std::vector<int64_t>& times) {
  std::vector<std::vector<uint8_t>> ranks(groups.size());
  for (size_t s = 0; s < groups.size(); ++s) ranks[s] = CLEW_TRY(level_ranks(*groups[s]));
  std::map<int64_t, std::array<uint64_t, kLevels>> counts;
  int64_t last_minute = INT64_MIN;
  std::array<uint64_t, kLevels>* last = nullptr;
  int64_t last_begin = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    // Neighbours mostly share the minute.
    if (!last || times[i] < last_begin || times[i] - last_begin >= kMinuteNs) {
      last_minute = minute_of(times[i]);
      last_begin = last_minute * kMinuteNs;
      last = &counts[last_minute];
    }
    ++(*last)[ranks[rows[i].source][rows[i].row]];
  }
  std::vector<contract::MinuteCount> out;
  for (const auto& [minute, by_level] : counts) {
    for (int rank = 0; rank < kLevels; ++rank) {
      uint64_t count = by_level[static_cast<size_t>(rank)];
      if (count > 0) out.push_back({minute, std::string(model::level_of_rank(rank)), count});
    }
  }
  return out;
}

namespace {

struct SortKey {
  int64_t time = 0;
  uint64_t seq = 0;
  RowRef ref;
};

// Numbers for texts, the same text the same number, in order of appearance.
class Numbers {
 public:
  uint32_t of(const model::Vector& v, uint32_t row) {
    if (v.is_null(row)) return 0;
    model::Value value = v.value(row);
    if (value.type() != model::Type::kString) return 0;
    return numbers_.emplace(value.text(), static_cast<uint32_t>(numbers_.size() + 1)).first->second;
  }
  size_t count() const { return numbers_.size(); }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
};

Result<std::vector<uint32_t>> service_numbers(const RowGroup& group, Numbers& numbers) {
  Fields fields(group);
  contract::ScanStats stats;
  std::vector<uint32_t> out;
  out.reserve(group.rows());
  auto steps = CLEW_TRY(group.names().steps("service.name"));
  if (steps->empty()) return std::vector<uint32_t>(group.rows(), 0);
  for (uint32_t b = 0; b < blocks_of(group.rows()); ++b) {
    model::Selection all(block_rows(group.rows(), b));
    std::iota(all.begin(), all.end(), b * kBlockRows);
    model::VectorPtr v = CLEW_TRY(fields.column("service.name", b, all, stats));
    if (v->layout == model::Layout::kDict) {
      std::vector<uint32_t> by_code(v->dict->size);
      for (uint32_t c = 0; c < v->dict->size; ++c) by_code[c] = numbers.of(*v->dict, c);
      for (uint32_t i = 0; i < v->size; ++i) out.push_back(v->is_null(i) ? 0 : by_code[v->codes[i]]);
    } else {
      for (uint32_t i = 0; i < v->size; ++i) out.push_back(numbers.of(*v, i));
    }
  }
  return out;
}

}  // namespace

namespace {

bool earlier(const SortKey& a, const SortKey& b) { return a.time != b.time ? a.time < b.time : a.seq < b.seq; }

// Merges the stretches that are in order already, two by two. Rows come source by source, each nearly in order, so that
// there are few.
void sort_bucket(std::span<SortKey> keys, std::vector<SortKey>& scratch) {
  std::vector<size_t> begins{0};
  for (size_t i = 1; i < keys.size(); ++i) {
    if (earlier(keys[i], keys[i - 1])) begins.push_back(i);
  }
  if (begins.size() == 1) return;
  begins.push_back(keys.size());
  scratch.resize(std::max(scratch.size(), keys.size()));
  std::span<SortKey> from = keys;
  std::span<SortKey> to = std::span(scratch).first(keys.size());
  while (begins.size() > 2) {
    std::vector<size_t> merged{0};
    for (size_t b = 0; b + 1 < begins.size(); b += 2) {
      size_t end = begins[std::min(b + 2, begins.size() - 1)];
      auto first = from.begin() + static_cast<std::ptrdiff_t>(begins[b]);
      auto second = from.begin() + static_cast<std::ptrdiff_t>(begins[b + 1]);
      auto last = from.begin() + static_cast<std::ptrdiff_t>(end);
      std::merge(first, second, second, last, to.begin() + static_cast<std::ptrdiff_t>(begins[b]), earlier);
      merged.push_back(end);
    }
    begins = std::move(merged);
    std::swap(from, to);
  }
  if (from.data() != keys.data()) std::copy(from.begin(), from.end(), keys.begin());
}

}  // namespace

Result<std::vector<RowRef>> sorted_for_row_group(std::span<const RowSourcePtr> sources, std::vector<RowRef> rows) {
  Numbers numbers;
  std::vector<std::vector<uint32_t>> services(sources.size());
  std::vector<std::vector<int64_t>> times(sources.size());
  std::vector<std::vector<uint64_t>> seqs(sources.size());
  std::vector<bool> used(sources.size(), false);
  for (const RowRef& ref : rows) used[ref.source] = true;
  for (size_t s = 0; s < sources.size(); ++s) {
    if (!used[s]) continue;
    auto group = std::dynamic_pointer_cast<const RowGroup>(sources[s]);
    services[s] = CLEW_TRY(service_numbers(*group, numbers));
    times[s] = CLEW_TRY(group->times());
    seqs[s] = CLEW_TRY(group->seqs());
  }
  // One bucket a service; inside, rows come nearly in order already.
  std::vector<uint32_t> begins(numbers.count() + 2, 0);
  for (const RowRef& ref : rows) ++begins[services[ref.source][ref.row] + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> next = begins;
  std::vector<SortKey> keys(rows.size());
  for (const RowRef& ref : rows) {
    keys[next[services[ref.source][ref.row]]++] = {times[ref.source][ref.row], seqs[ref.source][ref.row], ref};
  }
  std::vector<SortKey> scratch;
  for (size_t b = 0; b + 1 < begins.size(); ++b) {
    sort_bucket(std::span(keys).subspan(begins[b], begins[b + 1] - begins[b]), scratch);
  }
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = keys[i].ref;
  return rows;
}

}  // namespace clew::columnar
