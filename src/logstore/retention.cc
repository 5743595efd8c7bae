// Retention: whole segments go when their day is over, or when a dataset is over its bytes. Age counts from the later
// of the event's day and the day it was stored; late data is never refused for its age.
#include <fmt/format.h>

#include <algorithm>

#include "logstore/engine.h"
#include "logstore/retention_class.h"

namespace clew::logstore {
namespace {

int64_t age_day(const SegmentMeta& s) { return std::max(s.day, s.stored_time / kDayNs); }

RetentionItem item_of(const SegmentMeta& s, std::string why) {
  return {s.tenant, s.dataset, s.retention_class, s.day, s.id, s.rows, s.bytes, std::move(why)};
}

// Takes the oldest of what is left until the rest fits.
void take_over_bytes(std::vector<const SegmentMeta*> left, const RetentionRule& rule, const std::string& what,
                     std::vector<RetentionItem>& out) {
  if (rule.bytes_max == 0) return;
  uint64_t bytes = 0;
  for (const SegmentMeta* s : left) bytes += s->bytes;
  std::sort(left.begin(), left.end(), [](const SegmentMeta* a, const SegmentMeta* b) {
    return std::pair(age_day(*a), a->seq_min) < std::pair(age_day(*b), b->seq_min);
  });
  for (const SegmentMeta* s : left) {
    if (bytes <= rule.bytes_max) return;
    bytes -= s->bytes;
    out.push_back(item_of(*s, fmt::format("{} is over {} bytes", what, rule.bytes_max)));
  }
}

// Segments that one rule governs; `name` is empty for the rule of the dataset.
void take_due(const std::vector<const SegmentMeta*>& segments, const RetentionRule& rule, const std::string& name,
              int64_t today, std::vector<RetentionItem>& out) {
  std::vector<const SegmentMeta*> left;
  for (const SegmentMeta* s : segments) {
    if (rule.total_days > 0 && today - age_day(*s) > static_cast<int64_t>(rule.total_days)) {
      out.push_back(item_of(*s, fmt::format("{} days are over", rule.total_days)));
    } else {
      left.push_back(s);
    }
  }
  take_over_bytes(std::move(left), rule, name.empty() ? "the dataset" : "class " + name, out);
}

}  // namespace

std::vector<RetentionItem> find_retention(const Engine& engine, const ManifestState& state, int64_t now) {
  std::map<DatasetKey, std::vector<const SegmentMeta*>> by_dataset;
  for (const auto& [id, s] : state.segments) by_dataset[{s.tenant, s.dataset}].push_back(&s);
  std::vector<RetentionItem> out;
  int64_t today = now / kDayNs;
  for (const auto& [key, segments] : by_dataset) {
    auto found = state.settings.find(key);
    const DatasetSettings settings = found == state.settings.end() ? DatasetSettings() : found->second;
    if (settings.held) continue;
    std::map<std::string, std::vector<const SegmentMeta*>> by_class;  // "": the dataset's rule
    for (const SegmentMeta* s : segments) {
      by_class[has_class_rule(settings, s->retention_class) ? s->retention_class : ""].push_back(s);
    }
    for (const auto& [name, governed] : by_class) {
      take_due(governed, rule_of_class(settings, name, engine.options.retention), name, today, out);
    }
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return std::pair(a.day, a.segment) < std::pair(b.day, b.segment); });
  return out;
}

Result<std::vector<RetentionItem>> run_retention(Engine& engine) {
  ManifestState state = engine.manifest_state();
  std::vector<RetentionItem> due = find_retention(engine, state, engine.now());
  if (due.empty()) return due;
  std::vector<uint64_t> wanted;
  for (const RetentionItem& item : due) wanted.push_back(item.segment);
  // A segment that a merge has in its hands stays for the next round.
  std::vector<uint64_t> taken = engine.catalog.mark_busy(wanted);
  std::erase_if(due, [&](const RetentionItem& item) {
    return std::find(taken.begin(), taken.end(), item.segment) == taken.end();
  });
  if (taken.empty()) return due;
  Status done = remove_segments(engine, taken);
  if (!done.ok()) return std::move(done).error();
  for (const RetentionItem& item : due) engine.metrics.retired_rows.add(item.rows);
  return due;
}

// The edit first, then the files: a crash between them leaves orphans, never a name without its file.
Status remove_segments(Engine& engine, const std::vector<uint64_t>& ids) {
  Edit edit;
  edit.removed = ids;
  std::vector<std::string> paths;
  {
    ManifestState state = engine.manifest_state();
    for (uint64_t id : ids) {
      auto it = state.segments.find(id);
      if (it != state.segments.end()) paths.push_back(engine.segment_path(it->second));
    }
  }
  Status done = engine.append_edit(edit, [&] { engine.catalog.remove_segments(ids); });
  if (!done.ok()) {
    engine.catalog.clear_busy(ids);
    return done;
  }
  for (const std::string& path : paths) {
    if (!engine.disk.remove(path).ok()) engine.metrics.background_errors.add();
  }
  return {};
}

}  // namespace clew::logstore
