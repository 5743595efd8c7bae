#include "logstore/manifest.h"

#include "base/bytes.h"

namespace clew::logstore {
namespace {

// Items of an edit; on disk, never reused.
enum class Tag : uint8_t {
  kStoreId = 1,
  kNextSegment = 2,
  kNextSeq = 3,
  kAdded = 4,
  kRemoved = 5,
  kFlushed = 6,
  kDeletedSeqs = 7,
  kSeqFloor = 8,
  kSegmentDeletes = 9,
  kSettings = 10,
};

constexpr uint64_t kRunsMax = 65536;
constexpr uint64_t kRowGroupsMax = 1u << 20;
constexpr uint64_t kDeclaredMax = 100'000;
constexpr uint64_t kClassesMax = 255;

void put_tag(base::Writer& out, Tag tag) { out.u8(static_cast<uint8_t>(tag)); }

void put_segment(base::Writer& out, const SegmentMeta& s) {
  out.varint(s.id);
  out.string(s.tenant);
  out.string(s.dataset);
  out.string(s.retention_class);
  out.varint_signed(s.day);
  out.varint(s.rows);
  out.varint(s.bytes);
  out.i64(s.time_min);
  out.i64(s.time_max);
  out.varint(s.seq_min);
  out.varint(s.seq_max);
  out.i64(s.stored_time);
  out.varint(s.rewrites);
}

SegmentMeta take_segment(base::Reader& in) {
  SegmentMeta s;
  s.id = in.varint();
  s.tenant = in.string();
  s.dataset = in.string();
  s.retention_class = in.string();
  s.day = in.varint_signed();
  s.rows = in.varint();
  s.bytes = in.varint();
  s.time_min = in.i64();
  s.time_max = in.i64();
  s.seq_min = in.varint();
  s.seq_max = in.varint();
  s.stored_time = in.i64();
  s.rewrites = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  return s;
}

void put_deletes(base::Writer& out, const SegmentDeletes& d) {
  out.i64(d.since);
  out.varint(d.row_groups.size());
  for (const auto& [group, runs] : d.row_groups) {
    out.varint(group);
    out.varint(runs.size());
    uint32_t at = 0;
    for (const auto& [row, count] : runs) {
      out.varint(row - at);
      out.varint(count);
      at = row + count;
    }
  }
}

SegmentDeletes take_deletes(base::Reader& in) {
  SegmentDeletes d;
  d.since = in.i64();
  uint64_t groups = in.varint_max(kRowGroupsMax);
  for (uint64_t g = 0; g < groups && !in.failed(); ++g) {
    auto [group, is_new] = d.row_groups.try_emplace(static_cast<uint32_t>(in.varint_max(kRowGroupsMax)));
    if (!is_new) in.fail();
    RowRuns& runs = group->second;
    uint64_t count = in.varint_max(kRunsMax);
    uint64_t at = 0;
    for (uint64_t i = 0; i < count && !in.failed(); ++i) {
      at += in.varint_max(kRunsMax);
      uint64_t length = in.varint_max(kRunsMax);
      if (at + length > kRunsMax) in.fail();
      runs.emplace_back(static_cast<uint32_t>(at), static_cast<uint32_t>(length));
      at += length;
    }
  }
  return d;
}

void put_rule(base::Writer& out, const RetentionRule& rule) {
  out.varint(rule.hot_days);
  out.varint(rule.total_days);
  out.varint(rule.bytes_max);
}

RetentionRule take_rule(base::Reader& in) {
  RetentionRule rule;
  rule.hot_days = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  rule.total_days = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  rule.bytes_max = in.varint();
  return rule;
}

void put_classes(base::Writer& out, const std::vector<ClassRule>& classes) {
  out.varint(classes.size());
  for (const ClassRule& c : classes) {
    out.string(c.name);
    out.string(c.field);
    out.string(c.value);
    put_rule(out, c.rule);
  }
}

std::vector<ClassRule> take_classes(base::Reader& in) {
  std::vector<ClassRule> classes;
  uint64_t count = in.varint_max(kClassesMax);
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    ClassRule c;
    c.name = in.string();
    c.field = in.string();
    c.value = in.string();
    c.rule = take_rule(in);
    classes.push_back(std::move(c));
  }
  return classes;
}

void put_settings(base::Writer& out, const DatasetKey& key, const DatasetSettings& s) {
  out.string(key.tenant);
  out.string(key.dataset);
  out.u8(static_cast<uint8_t>((s.held ? 1 : 0) | (s.retention ? 2 : 0) | (s.classes.empty() ? 0 : 4)));
  if (s.retention) put_rule(out, *s.retention);
  if (!s.classes.empty()) put_classes(out, s.classes);
  out.varint(s.declared_types.size());
  for (const auto& [name, type] : s.declared_types) {
    out.string(name);
    out.u8(static_cast<uint8_t>(type));
  }
}

std::pair<DatasetKey, DatasetSettings> take_settings(base::Reader& in) {
  DatasetKey key;
  key.tenant = in.string();
  key.dataset = in.string();
  DatasetSettings s;
  uint8_t bits = in.u8();
  s.held = (bits & 1) != 0;
  if ((bits & 2) != 0) s.retention = take_rule(in);
  if ((bits & 4) != 0) s.classes = take_classes(in);
  uint64_t count = in.varint_max(kDeclaredMax);
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    std::string name(in.string());
    uint8_t type = in.u8();
    if (type > static_cast<uint8_t>(model::Type::kMixed)) in.fail();
    s.declared_types.emplace_back(std::move(name), static_cast<model::Type>(type));
  }
  return {std::move(key), std::move(s)};
}

void take_item(base::Reader& in, Tag tag, Edit& edit) {
  switch (tag) {
    case Tag::kStoreId: edit.store_id = in.u64(); return;
    case Tag::kNextSegment: edit.next_segment = in.varint(); return;
    case Tag::kNextSeq: edit.next_seq = in.varint(); return;
    case Tag::kAdded: edit.added.push_back(take_segment(in)); return;
    case Tag::kRemoved: edit.removed.push_back(in.varint()); return;
    case Tag::kSeqFloor: edit.seq_floor = in.varint(); return;
    case Tag::kSettings: edit.settings.push_back(take_settings(in)); return;
    case Tag::kFlushed:
    case Tag::kDeletedSeqs: {
      uint64_t begin = in.varint();
      uint64_t count = in.varint();
      (tag == Tag::kFlushed ? edit.flushed : edit.deleted).emplace_back(begin, begin + count);
      return;
    }
    case Tag::kSegmentDeletes: {
      uint64_t id = in.varint();
      edit.deletes.emplace_back(id, take_deletes(in));
      return;
    }
  }
  in.fail();
}

}  // namespace

std::string encode_edit(const Edit& edit) {
  std::string bytes;
  base::Writer out(bytes);
  auto number = [&](Tag tag, uint64_t value) {
    put_tag(out, tag);
    out.varint(value);
  };
  auto range = [&](Tag tag, std::pair<uint64_t, uint64_t> r) {
    number(tag, r.first);
    out.varint(r.second - r.first);
  };
  if (edit.store_id) {
    put_tag(out, Tag::kStoreId);
    out.u64(*edit.store_id);
  }
  if (edit.next_segment != 0) number(Tag::kNextSegment, edit.next_segment);
  if (edit.next_seq != 0) number(Tag::kNextSeq, edit.next_seq);
  for (const SegmentMeta& s : edit.added) {
    put_tag(out, Tag::kAdded);
    put_segment(out, s);
  }
  for (uint64_t id : edit.removed) number(Tag::kRemoved, id);
  for (const auto& r : edit.flushed) range(Tag::kFlushed, r);
  for (const auto& r : edit.deleted) range(Tag::kDeletedSeqs, r);
  if (edit.seq_floor != 0) number(Tag::kSeqFloor, edit.seq_floor);
  for (const auto& [id, deletes] : edit.deletes) {
    number(Tag::kSegmentDeletes, id);
    put_deletes(out, deletes);
  }
  for (const auto& [key, settings] : edit.settings) {
    put_tag(out, Tag::kSettings);
    put_settings(out, key, settings);
  }
  return bytes;
}

Result<Edit> decode_edit(std::string_view bytes) {
  base::Reader in(bytes);
  Edit edit;
  while (in.remaining() > 0 && !in.failed()) {
    uint8_t tag = in.u8();
    if (tag == 0 || tag > static_cast<uint8_t>(Tag::kSettings)) {
      return Error(Code::kUnsupported, "manifest item " + std::to_string(tag) + " is not known to this build");
    }
    take_item(in, static_cast<Tag>(tag), edit);
  }
  CLEW_TRY(in.finish());
  return edit;
}

void apply_edit(const Edit& edit, ManifestState& state) {
  if (edit.store_id) state.store_id = *edit.store_id;
  state.next_segment = std::max(state.next_segment, edit.next_segment);
  state.next_seq = std::max(state.next_seq, edit.next_seq);
  for (const SegmentMeta& s : edit.added) {
    state.segments[s.id] = s;
    state.next_segment = std::max(state.next_segment, s.id + 1);
    state.next_seq = std::max(state.next_seq, s.seq_max + 1);
  }
  for (uint64_t id : edit.removed) {
    state.segments.erase(id);
    state.deletes.erase(id);
  }
  for (const auto& [begin, end] : edit.flushed) state.flushed.add(begin, end);
  for (const auto& [begin, end] : edit.deleted) state.deleted.add(begin, end);
  state.flushed.drop_below(edit.seq_floor);
  state.deleted.drop_below(edit.seq_floor);
  for (const auto& [id, deletes] : edit.deletes) {
    if (state.segments.count(id) > 0) state.deletes[id] = deletes;
  }
  for (const auto& [key, settings] : edit.settings) {
    if (settings == DatasetSettings()) {
      state.settings.erase(key);
    } else {
      state.settings[key] = settings;
    }
  }
}

Edit edit_of(const ManifestState& state) {
  Edit edit;
  edit.store_id = state.store_id;
  edit.next_segment = state.next_segment;
  edit.next_seq = state.next_seq;
  for (const auto& [id, segment] : state.segments) edit.added.push_back(segment);
  for (const auto& range : state.flushed.ranges()) edit.flushed.emplace_back(range);
  for (const auto& range : state.deleted.ranges()) edit.deleted.emplace_back(range);
  for (const auto& entry : state.deletes) edit.deletes.emplace_back(entry);
  for (const auto& entry : state.settings) edit.settings.emplace_back(entry);
  return edit;
}

}  // namespace clew::logstore
