#include "wire/keyed_rows.h"

#include <cstring>

#include "model/json_text.h"
#include "model/shape.h"
#include "text/utf8.h"

namespace clew::wire {
namespace {

using model::Flag;
using model::Kind;
using model::RestField;

constexpr std::string_view kLevelPrefixes[kLevels] = {"record.", "attributes.", "body.",    "metadata.",
                                                      "label.",  "scope.",      "resource."};
constexpr uint64_t kRowBytes = 32;     // of a row that has nothing but its time and flags
constexpr uint64_t kSharedBytes = 12;  // of a shared value beside its text

bool is_own(std::string_view name) {
  return name == model::kTimeField || name == model::kRawField || name == model::kShapeField ||
         name == model::kFlagsField || name == model::kRestField || name == model::kIdField ||
         name == model::kIndexField;
}

}  // namespace

void KeyedRows::begin_request() {
  expanded_bytes_ = 0;
  shared_.clear();
  shared_values_.clear();
  last_ = &first_;
  find_fields_again();
  bool few = keys_.size() <= kKeysMax && writer_.fields_count() <= kKeysMax && key_bytes_ <= kKeyBytesMax;
  if (few) return;
  key_bytes_ = 0;
  by_text_.clear();
  keys_.clear();
  first_ = {};
  writer_.forget_fields();
  fields_generation_ = writer_.fields_generation();
}

void KeyedRows::select(model::Batch& batch, const Intake& intake) {
  intake_ = intake;
  writer_.attach(batch, intake);
}

void KeyedRows::share(const std::vector<SharedValue>& values) {
  shared_values_ = values;
  shared_.clear();
  shared_bytes_ = kRowBytes;
  for (const SharedValue& v : shared_values_) {
    Key* k = key(v.name);
    RestField value{.name = {}, .kind = v.kind, .scale = 0, .lane = v.lane, .text = v.text};
    shared_bytes_ += kSharedBytes + v.text.size();
    bool repeated = false;
    for (Shared& s : shared_) {
      if (s.key != k || s.level != v.level) continue;
      s.value = value;
      repeated = true;
    }
    if (!repeated) shared_.push_back({k, v.level, value});
  }
}

Key* KeyedRows::key(std::string_view name) {
  auto it = by_text_.find(name);
  if (it != by_text_.end()) return it->second;
  Key& made = keys_.emplace_back();
  made.text.assign(name);
  key_bytes_ += name.size();
  made.field = writer_.field(name);
  by_text_.emplace(made.text, &made);
  return &made;
}

void KeyedRows::find_fields_again() {
  if (writer_.fields_generation() == fields_generation_) return;
  fields_generation_ = writer_.fields_generation();
  for (Key& k : keys_) k.field = writer_.field(k.text);
}

bool KeyedRows::begin_row() {
  if (expanded_bytes_ + shared_bytes_ > kExpandedBytesMax) return false;
  expanded_bytes_ += shared_bytes_;
  last_ = &first_;
  ++serial_;
  writer_.begin_row();
  return true;
}

// The row has a value under this name. Of the same level: the last one wins. Else the stronger one keeps the name.
Field* KeyedRows::contended(Key* k, Level level) {
  if (k->mark == mark(level)) return k->field;
  Key*& below = k->below[static_cast<size_t>(level)];
  if (below == nullptr) {
    scratch_.assign(kLevelPrefixes[static_cast<size_t>(level)]);
    scratch_.append(k->text);
    below = key(scratch_);
  }
  writer_.note_origin(below->field, origin_of(level));
  return below->field;
}

std::string_view KeyedRows::checked(std::string_view v) {
  if (v.size() > kValueBytesMax) {
    size_t keep = kValueBytesMax;
    while (keep > kValueBytesMax - 4 && (static_cast<unsigned char>(v[keep]) & 0xC0) == 0x80) --keep;
    v = v.substr(0, keep);
    writer_.flag(Flag::kTruncated);
  }
  if (!text::is_ascii(v) && !text::is_valid_utf8(v)) writer_.flag(Flag::kBadUtf8);
  return v;
}

void KeyedRows::put_to(Field* f, const RestField& v) {
  switch (v.kind) {
    case Kind::kNull: writer_.add_null(f); return;
    case Kind::kBool: writer_.add_bool(f, v.lane != 0); return;
    case Kind::kInt: writer_.add_int(f, v.lane); return;
    case Kind::kUint: writer_.add_uint(f, static_cast<uint64_t>(v.lane)); return;
    case Kind::kFloat: {
      double d;
      std::memcpy(&d, &v.lane, sizeof d);
      writer_.add_float(f, d);
      return;
    }
    case Kind::kTime: writer_.add_time(f, v.lane); return;
    case Kind::kEmptyObject: writer_.add_empty_object(f); return;
    case Kind::kString: writer_.add_string(f, v.text); return;
    case Kind::kDecimal:  // comes as its text from every wire that uses this class
    case Kind::kNumberText: writer_.add_number(f, v.text); return;
    case Kind::kArray:
    case Kind::kBytes: writer_.add_text(f, v.kind, v.text); return;
  }
}

void KeyedRows::put(std::string_view name, Level level, const RestField& v) {
  RestField value = v;
  if (v.kind == Kind::kString) value.text = checked(v.text);
  Field* f = open(name, level);
  if (f == nullptr) return overflow(name, value);
  put_to(f, value);
}

std::string_view KeyedRows::put_string(Key* k, std::string_view v) {
  k->mark = mark(Level::kRecord);
  writer_.note_origin(k->field, model::Origin::kRecord);
  v = checked(v);
  writer_.add_string(k->field, v);
  return v;
}

void KeyedRows::put_count(Key* k, uint64_t v) {
  k->mark = mark(Level::kRecord);
  writer_.note_origin(k->field, model::Origin::kRecord);
  writer_.add_uint(k->field, v);
}

void KeyedRows::put_int(Key* k, int64_t v) {
  k->mark = mark(Level::kRecord);
  writer_.note_origin(k->field, model::Origin::kRecord);
  writer_.add_int(k->field, v);
}

void KeyedRows::put_nanos(Key* k, uint64_t unix_nanos) {
  if (unix_nanos == 0) return;
  k->mark = mark(Level::kRecord);
  writer_.note_origin(k->field, model::Origin::kRecord);
  if (unix_nanos <= INT64_MAX)
    writer_.add_time(k->field, static_cast<int64_t>(unix_nanos));
  else
    writer_.add_uint(k->field, unix_nanos);
}

// JSON and the number types of queries know no infinities: their names stand for them.
void KeyedRows::put_odd_double(std::string_view name, Level level, double v) {
  writer_.flag(Flag::kInferred);
  put_string(name, level, v != v ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

void KeyedRows::put_lists(std::string_view prefix, Level level, ObjectLists& lists) {
  lists.finish();
  for (size_t i = 0; i < lists.leaves(); ++i) {
    std::string name(prefix);
    name += lists.list(i).path;
    put(name, level, {.name = {}, .kind = Kind::kArray, .scale = 0, .lane = 0, .text = lists.list(i).text});
  }
  if (lists.leaves() != 0) list_prefixes_.emplace_back(prefix);
}

void KeyedRows::overflow(std::string_view name, const RestField& v) {
  writer_.flag(Flag::kTruncated);
  overflow_.push_back(overflow_.empty() ? '{' : ',');
  model::append_json_string(name, overflow_);
  overflow_.push_back(':');
  model::append_json_value(v, overflow_);
}

void KeyedRows::write_shared() {
  for (const Shared& s : shared_) {
    Key* k = s.key;
    Field* f = k->field;
    if (writer_.has(f)) [[unlikely]]
      f = contended(k, s.level);
    else
      writer_.note_origin(f, origin_of(s.level));
    k->mark = mark(s.level);
    put_to(f, s.value);
  }
}

// Only events with arrays of objects need a shape: everything else is flat, and shows as flat.
void KeyedRows::write_shape() {
  std::vector<std::string> open_prefixes = std::move(list_prefixes_);
  list_prefixes_.clear();
  std::string shape;
  uint32_t row_end = row() + 1;
  std::vector<std::vector<const model::Column*>> members(open_prefixes.size());
  auto prefix_of = [&](std::string_view name) {
    size_t i = 0;
    while (i < open_prefixes.size() && !name.starts_with(open_prefixes[i])) ++i;
    return i;
  };
  for (const auto& c : writer_.batch().columns()) {
    if (c->rows_end() != row_end) continue;
    size_t p = prefix_of(c->name());
    if (p < members.size()) members[p].push_back(c.get());
  }
  for (const auto& c : writer_.batch().columns()) {
    if (c->rows_end() != row_end || is_own(c->name())) continue;
    size_t p = prefix_of(c->name());
    if (p == members.size()) {
      model::append_shape_key(c->name(), model::shape::kLeaf, shape);
      continue;
    }
    const std::string& prefix = open_prefixes[p];
    if (members[p].front() != c.get()) continue;
    model::append_shape_key(std::string_view(prefix).substr(0, prefix.size() - 1), model::shape::kObjects, shape);
    for (const model::Column* m : members[p]) {
      model::append_shape_key(std::string_view(m->name()).substr(prefix.size()), model::shape::kLeaf, shape);
    }
    shape.push_back(model::shape::kEnd);
  }
  writer_.set_shape(shape);
}

void KeyedRows::end_row(uint64_t unix_nanos) {
  if (!overflow_.empty()) {
    overflow_.push_back('}');
    writer_.add_string(writer_.field(kOverflowField), overflow_);
    overflow_.clear();
  }
  write_shared();
  if (!list_prefixes_.empty()) write_shape();
  writer_.end_row_at(event_time(unix_nanos));
}

int64_t KeyedRows::event_time(uint64_t unix_nanos) {
  int64_t arrival = intake_.arrival.get();
  if (unix_nanos == 0) {
    writer_.flag(Flag::kArrivalTime);
    return arrival;
  }
  if (unix_nanos > INT64_MAX || is_odd_time(static_cast<int64_t>(unix_nanos), arrival)) {
    writer_.flag(Flag::kOddTime);
    return arrival;
  }
  return static_cast<int64_t>(unix_nanos);
}

void KeyedRows::restart_row() {
  abandon_row();
  last_ = &first_;
  ++serial_;
  writer_.begin_row();
}

void KeyedRows::abandon_row() {
  overflow_.clear();
  list_prefixes_.clear();
  writer_.abandon_row();
}

}  // namespace clew::wire
