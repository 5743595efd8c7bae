#include "logstore/stored_writes.h"

#include <algorithm>
#include <map>

#include "columnar/gather_batch.h"
#include "logstore/engine.h"
#include "logstore/stored_writes_reader.h"
#include "model/own_fields.h"

namespace clew::logstore {
namespace {

using columnar::CommitRange;
using columnar::RowRef;

constexpr std::string_view kMadeByStore[] = {model::kErrorGroupField};

bool is_keyed(const CommitRange& range) { return range.write_rows > 0 && !range.key.producer.starts_with('~'); }
uint64_t last_seq(const CommitRange& range) { return range.first_seq.get() + range.rows - 1; }

// Rows that lie together: a part, or a row group.
struct Source {
  columnar::RowSourcePtr rows;
  columnar::DeletedRows deleted;
  std::span<const CommitRange> commits;  // rising by first_seq; of a row group those of its segment
};

// One row of a write.
struct Place {
  uint64_t seq = 0;
  uint32_t source = 0;
  uint32_t row = 0;
};

struct Found {
  contract::BatchKey key;
  uint64_t begin = 0;  // its first _seq
  uint64_t rows = 0;   // that it had
  bool wanted = false;
  bool unreadable = false;
  std::vector<Place> places;  // rows that are alive

  uint64_t last() const { return begin + rows - 1; }
};

// The first range of which a row lies behind `after`.
std::span<const CommitRange> ranges_behind(std::span<const CommitRange> commits, uint64_t after) {
  auto first = std::partition_point(commits.begin(), commits.end(),
                                    [after](const CommitRange& range) { return last_seq(range) <= after; });
  return {first, commits.end()};
}

class Reader {
 public:
  Reader(const WritesRequest& request, Catalog::View view) : request_(request), view_(std::move(view)) {}

  WritesPage read() {
    page_.committed = view_.up_to;
    list_sources();
    uint64_t begin = first_behind();
    if (begin > view_.up_to) {
      page_.next = std::max(request_.after, view_.up_to);
      return std::move(page_);
    }
    last_ = std::min(begin + request_.rows_max - 1, view_.up_to);
    begin_ = begin;
    find_writes();
    for (const Found& found : writes_) last_ = std::max(last_, found.last());
    mark_quarantined();
    for (uint32_t s = 0; s < sources_.size(); ++s) find_rows(s);
    choose();
    if (!chosen_.empty() && !gather(chosen_)) gather_each();
    page_.next = last_;
    return std::move(page_);
  }

 private:
  void list_sources() {
    for (const Catalog::View::Part& part : view_.parts) {
      sources_.push_back({part.source, part.deleted, {&part.entry->commit, 1}});
    }
    for (const Catalog::View::Segment& segment : view_.segments) {
      if (!segment.reader) {
        ++page_.quarantined_segments;
        continue;
      }
      const auto& groups = segment.reader->row_groups();
      for (size_t g = 0; g < groups.size(); ++g) {
        sources_.push_back({groups[g], g < segment.deleted.size() ? segment.deleted[g] : nullptr,
                            std::span<const CommitRange>(segment.reader->commits())});
      }
    }
  }

  uint64_t first_behind() const {
    uint64_t first = UINT64_MAX;
    for (const Source& source : sources_) {
      auto ranges = ranges_behind(source.commits, request_.after);
      if (!ranges.empty()) first = std::min(first, std::max(ranges.front().first_seq.get(), request_.after + 1));
    }
    return first;
  }

  bool is_recent(const CommitRange& range) const { return range.commit_time.get() >= request_.stored_since; }
  bool is_of_dataset(const Source& source) const {
    return request_.dataset.empty() || source.rows->dataset() == request_.dataset;
  }

  void find_writes() {
    std::map<uint64_t, Found> found;
    const CommitRange* looked_at = nullptr;
    for (const Source& source : sources_) {
      // Row groups of one segment share its ranges.
      if (source.commits.data() == looked_at) continue;
      looked_at = source.commits.data();
      for (const CommitRange& range : ranges_behind(source.commits, begin_ - 1)) {
        if (range.first_seq.get() > last_) break;
        if (!is_keyed(range)) continue;
        uint64_t begin = range.first_seq.get() - range.first_row;
        if (begin <= request_.after) continue;
        Found& write = found[begin];
        write.key = range.key;
        write.begin = begin;
        write.rows = range.write_rows;
        write.wanted = write.wanted || (is_of_dataset(source) && is_recent(range));
      }
    }
    for (auto& [begin, write] : found) writes_.push_back(std::move(write));
  }

  // A segment that is set apart may hold rows of these.
  void mark_quarantined() {
    for (const Catalog::View::Segment& segment : view_.segments) {
      if (!segment.reader) mark_unreadable(segment.meta.seq_min, segment.meta.seq_max);
    }
  }

  void mark_unreadable(uint64_t first, uint64_t last) {
    for (Found& write : writes_) {
      if (write.begin <= last && write.last() >= first) write.unreadable = true;
    }
  }

  Found* write_of(uint64_t seq) {
    auto after = std::partition_point(writes_.begin(), writes_.end(), [seq](const Found& w) { return w.begin <= seq; });
    if (after == writes_.begin() || std::prev(after)->last() < seq) return nullptr;
    return &*std::prev(after);
  }

  void find_rows(uint32_t s) {
    const Source& source = sources_[s];
    columnar::SeqBounds bounds = source.rows->seq_bounds();
    if (bounds.max < begin_ || bounds.min > last_) return;
    Result<std::vector<uint64_t>> seqs = source.rows->seqs();
    if (!seqs.ok()) return mark_unreadable(bounds.min, bounds.max);
    for (uint32_t row = 0; row < seqs->size(); ++row) {
      uint64_t seq = (*seqs)[row];
      if (seq < begin_ || seq > last_) continue;
      if (source.deleted && row < source.deleted->size() && (*source.deleted)[row]) continue;
      if (Found* write = write_of(seq)) {
        if (write->wanted) write->places.push_back({seq, s, row});
      } else {
        count_keyless(source, seq);
      }
    }
  }

  void count_keyless(const Source& source, uint64_t seq) {
    if (!is_of_dataset(source)) return;
    auto ranges = ranges_behind(source.commits, seq - 1);
    bool counts = !ranges.empty() && ranges.front().first_seq.get() <= seq && !is_keyed(ranges.front()) &&
                  is_recent(ranges.front());
    if (counts) ++page_.keyless_rows;
  }

  void choose() {
    for (Found& write : writes_) {
      if (!write.wanted) continue;
      if (write.unreadable && write.places.size() < write.rows) {
        ++page_.unreadable_writes;
        continue;
      }
      if (write.places.empty()) continue;
      std::sort(write.places.begin(), write.places.end(), [](const Place& a, const Place& b) { return a.seq < b.seq; });
      chosen_.push_back(&write);
    }
  }

  // Rows of one dataset, of all writes together: blocks are read once.
  struct Gathering {
    std::vector<columnar::RowSourcePtr> sources;
    std::map<uint32_t, uint32_t> numbers;  // by source of the page
    std::vector<RowRef> rows;
    std::vector<uint32_t> counts;  // of rows, by write that has some
    std::vector<std::string> ids;
    bool any_id = false;
    std::vector<model::Batch> batches;  // by write that has some
    size_t taken = 0;
  };
  using Gatherings = std::map<std::string, Gathering>;

  const std::string& dataset_of(const Place& place) const { return sources_[place.source].rows->dataset(); }

  // Calls take(dataset, places) for the rows of each dataset, which lie together.
  template <class Take>
  void each_dataset(const Found& write, Take take) const {
    for (size_t i = 0; i < write.places.size();) {
      const std::string& dataset = dataset_of(write.places[i]);
      size_t end = i;
      while (end < write.places.size() && dataset_of(write.places[end]) == dataset) ++end;
      take(dataset, std::span<const Place>(&write.places[i], end - i));
      i = end;
    }
  }

  void add_rows(const Found& write, std::span<const Place> places, Gathering& to) const {
    bool whole = write.places.size() == write.rows;
    for (const Place& place : places) {
      auto [number, is_new] = to.numbers.try_emplace(place.source, static_cast<uint32_t>(to.sources.size()));
      if (is_new) to.sources.push_back(sources_[place.source].rows);
      to.rows.push_back({number->second, place.row});
      to.ids.push_back(whole ? "" : contract::event_id(write.key, place.seq - write.begin));
    }
    to.any_id = to.any_id || !whole;
    to.counts.push_back(static_cast<uint32_t>(places.size()));
  }

  // Adds these writes to the page; false when one of them cannot be read, with the page untouched.
  bool gather(const std::vector<Found*>& writes) {
    Gatherings by_dataset;
    for (const Found* write : writes) {
      each_dataset(*write, [&](const std::string& dataset, std::span<const Place> places) {
        add_rows(*write, places, by_dataset[dataset]);
      });
    }
    for (auto& [dataset, one] : by_dataset) {
      if (!one.any_id) one.ids.clear();
      auto batches = columnar::gather_batches(one.sources, one.rows, one.counts, kMadeByStore, one.ids);
      if (!batches.ok()) return false;
      one.batches = std::move(batches).take();
    }
    for (const Found* write : writes) {
      StoredWrite out{.key = write->key, .batches = {}, .rows = write->places.size(), .rows_gone = 0};
      out.rows_gone = write->rows - out.rows;
      each_dataset(*write, [&](const std::string& dataset, std::span<const Place>) {
        Gathering& from = by_dataset[dataset];
        out.batches.push_back(std::move(from.batches[from.taken++]));
      });
      page_.writes.push_back(std::move(out));
    }
    return true;
  }

  void gather_each() {
    for (Found* write : chosen_) {
      if (!gather({write})) ++page_.unreadable_writes;
    }
  }

  const WritesRequest& request_;
  Catalog::View view_;
  WritesPage page_;
  std::vector<Source> sources_;
  std::vector<Found> writes_;  // rising
  std::vector<Found*> chosen_;
  uint64_t begin_ = 0;  // of the page, both included
  uint64_t last_ = 0;
};

}  // namespace

WritesPage read_stored_writes(const Engine& engine, const std::string& tenant, const WritesRequest& request) {
  Catalog::View view = engine.catalog.view_of_seqs(tenant, {}, contract::SeqRange{Seq(request.after), Seq(UINT64_MAX)});
  return Reader(request, std::move(view)).read();
}

std::vector<StoredCommit> find_stored_commits(const Engine& engine, const std::string& tenant, uint64_t after) {
  std::map<uint64_t, StoredCommit> found;  // by the first _seq: a write's rows may lie in many places
  auto note = [&](std::span<const CommitRange> commits) {
    for (const CommitRange& range : ranges_behind(commits, after)) {
      if (is_keyed(range)) found[range.first_seq.get() - range.first_row] = {range.key, range.write_rows};
    }
  };
  Catalog::View view = engine.catalog.view_of_seqs(tenant, {}, contract::SeqRange{Seq(after), Seq(UINT64_MAX)});
  for (const Catalog::View::Part& part : view.parts) note({&part.entry->commit, 1});
  for (const Catalog::View::Segment& segment : view.segments) {
    if (segment.reader) note(segment.reader->commits());
  }
  std::vector<StoredCommit> commits;
  for (auto& [seq, commit] : found) commits.push_back(std::move(commit));
  return commits;
}

std::vector<bool> find_stored_keys(const Engine& engine, const std::string& tenant,
                                   const std::vector<contract::BatchKey>& keys) {
  std::vector<bool> stored(keys.size(), false);
  // All keys that are stored are in memory then, and a write finds them there.
  if (engine.dedupe.keys_count() < engine.options.dedupe_keys_max) return stored;
  std::map<contract::BatchKey, size_t> asked;
  for (size_t i = 0; i < keys.size(); ++i) asked.emplace(keys[i], i);
  auto note = [&](const CommitRange& range) {
    auto found = asked.find(range.key);
    if (found != asked.end()) stored[found->second] = true;
  };
  Catalog::View view = engine.catalog.view_of_seqs(tenant, {}, contract::SeqRange{Seq(0), Seq(UINT64_MAX)});
  for (const Catalog::View::Part& part : view.parts) note(part.entry->commit);
  for (const Catalog::View::Segment& segment : view.segments) {
    if (!segment.reader) continue;
    for (const CommitRange& range : segment.reader->commits()) note(range);
  }
  return stored;
}

}  // namespace clew::logstore
