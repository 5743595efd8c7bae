#include "wire/json_event.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "model/shape.h"
#include "text/utf8.h"

namespace clew::wire {
namespace {

using model::Flag;
using model::Kind;

constexpr size_t kKeysMax = 20'000;   // remembered; more means names that are data
constexpr size_t kShapesMax = 1'000;  // remembered
constexpr size_t kCompareBytes = 16;
constexpr int kCompareStep = 16;
constexpr int kShortBytes = 256;  // of a string that is copied while it is scanned

// Entries of an outline: a key's address with one of these in its low bits.
constexpr uint64_t kLeafEntry = 0;
constexpr uint64_t kObjectEntry = 1;
constexpr uint64_t kEndEntry = 2;      // without a key
constexpr uint64_t kObjectsEntry = 3;  // followed by the place in templates_ and the hash of that template

}  // namespace

// A key as it stands in the documents, inside one object.
struct JsonEventReader::Key {
  alignas(kCompareBytes) char head[kCompareBytes] = {};  // of match
  uint32_t head_mask = 0;                                // bits of `head` that count
  uint32_t match_bytes = 0;
  Field* field = nullptr;          // when it was a leaf
  Key* next = nullptr;             // the key that followed last
  uint64_t serial = 0;             // of the document that had it last
  std::string match;               // `"key":` and the blanks behind it, as they stood last
  std::string raw;                 // between the quotes
  std::string name;                // unescaped, as the column has it
  uint32_t flags = 0;              // the key's bytes are no UTF-8
  std::unique_ptr<Object> object;  // when it was an object
  std::vector<Field*> leaves;      // when it was an array of objects

  void set_match(std::string_view bytes) {
    match.assign(bytes);
    match_bytes = static_cast<uint32_t>(bytes.size());
    size_t count = std::min(bytes.size(), kCompareBytes);
    std::memset(head, 0, kCompareBytes);
    std::memcpy(head, bytes.data(), count);
    head_mask = static_cast<uint32_t>((uint64_t{1} << count) - 1);
  }
};

struct JsonEventReader::Object {
  std::string prefix;
  Key* first = nullptr;
  std::vector<std::unique_ptr<Key>> keys;
  std::unordered_map<std::string_view, Key*> by_raw;
};

struct JsonEventReader::Known {
  std::vector<uint64_t> outline;
  std::string shape;
};

JsonEventReader::JsonEventReader(RowWriter& rows) : rows_(rows), root_(std::make_unique<Object>()) {}
JsonEventReader::~JsonEventReader() = default;

const char* JsonEventReader::fail(const char* at, const char* what) {
  if (overflowed_) return nullptr;
  error_at_ = at;
  error_ = what;
  return nullptr;
}

const char* JsonEventReader::read(const char* p, const char* end, Newlines newlines) {
  ++serial_;
  end_ = end;
  error_ = nullptr;
  overflowed_ = false;
  outline_.clear();
  templates_.clear();
  kept_.clear();
  forget_when_large();
  if (p == end || *p != '{') return fail(p, "expected an object");
  const char* after = newlines == Newlines::kBlank ? members<Newlines::kBlank>(p + 1, *root_, 1)
                                                   : members<Newlines::kEndDocument>(p + 1, *root_, 1);
  if (overflowed_) {
    overflowed_ = false;
    rows_.flag(Flag::kTruncated);
    return keep_text(p, newlines);
  }
  // Two paths of one name ({"a.b":1,"a":{"b":2}}): the columns cannot tell them apart, the text can.
  if (after != nullptr && rows_.replaced_in_row() > 0) return keep_text(p, newlines);
  if (after != nullptr) write_shape();
  return after;
}

// Keys that are data (user ids as names) would fill the memory.
void JsonEventReader::forget_when_large() {
  if (keys_count_ < kKeysMax && rows_.fields_count() < 2 * kKeysMax) return;
  root_ = std::make_unique<Object>();
  keys_count_ = 0;
  last_outline_.clear();
  known_.clear();
  rows_.forget_fields();
}

const char* JsonEventReader::keep_text(const char* begin, Newlines newlines) {
  SkipInfo info;
  const char* after = skip_value(begin, end_, Grammar::kIngest, newlines, info);
  if (after == nullptr) return fail(info.error_at, "not valid JSON");
  rows_.set_raw(std::string_view(begin, static_cast<size_t>(after - begin)));
  return after;
}

// Copies a string into its column while looking for its end. Null when it is long, holds a backslash or bytes above
// 0x7F, or stands at the end of the input: then nothing was added.
inline const char* JsonEventReader::short_string(const char* p, Field* field) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  if (end_ - p < kShortBytes + kCompareStep || rows_.has(field)) [[unlikely]]
    return nullptr;
  model::Column* column = rows_.open(field);
  char* to = column->text_room(kShortBytes + kCompareStep);
  for (int n = 0; n < kShortBytes; n += kCompareStep) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + n));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + n), x);
    // Signed: bytes above 0x7F are below a blank too.
    __m128i stop =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)), _mm_cmplt_epi8(x, space));
    auto stops = static_cast<unsigned>(_mm_movemask_epi8(stop));
    if (stops == 0) continue;
    n += std::countr_zero(stops);
    if (p[n] != '"') break;
    column->add_filled_text(rows_.open_row(), Kind::kString, static_cast<size_t>(n));
    if (field->role != model::TimeRole::kNone) rows_.time().note_text(field->role, {p, static_cast<size_t>(n)});
    rows_.close(field);
    return p + n + 1;
  }
  rows_.take_back(field);
  return nullptr;
}

// The string value of a key that was a leaf before; null when value() must look at it.
inline const char* JsonEventReader::known_string(const char* p, Key& key) {
  if (rows_.fields_in_row() >= kFieldsPerEventMax) return nullptr;
  const char* after = short_string(p, key.field);
  if (after != nullptr) outline_.push_back(reinterpret_cast<uint64_t>(&key) | kLeafEntry);
  return after;
}

template <Newlines kNewlines>
const char* JsonEventReader::members(const char* p, Object& object, unsigned depth) {
  auto matches = [this](const char* at, const Key& key) {
    if (end_ - at < static_cast<std::ptrdiff_t>(kCompareBytes)) {
      return static_cast<size_t>(end_ - at) >= key.match_bytes &&
             std::memcmp(at, key.match.data(), key.match_bytes) == 0;
    }
    __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(key.head));
    uint32_t equal = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
    if ((equal & key.head_mask) != key.head_mask) return false;
    if (key.match_bytes <= kCompareBytes) return true;
    return static_cast<size_t>(end_ - at) >= key.match_bytes && std::memcmp(at, key.match.data(), key.match_bytes) == 0;
  };
  p = scan::blanks<kNewlines>(p, end_);
  if (p != end_ && *p == '}') return p + 1;
  Key** link = &object.first;
  for (;;) {
    Key* key = *link;
    if (key != nullptr && !matches(p, *key)) {
      // Often one key is left out: look past it before searching.
      key = key->next;
      if (key != nullptr && !matches(p, *key)) key = nullptr;
    }
    if (key != nullptr) {
      p += key->match_bytes;
      if (p != end_ && static_cast<unsigned char>(*p) <= ' ') [[unlikely]]
        p = scan::blanks<kNewlines>(p, end_);
    } else {
      key = learn<kNewlines>(p, object);
      if (key == nullptr) return nullptr;
      *link = key;
    }
    if (key->serial == serial_) [[unlikely]]
      drop_earlier(*key);
    key->serial = serial_;
    if (key->flags != 0) [[unlikely]]
      rows_.flag(Flag::kBadUtf8);
    const char* after = nullptr;
    if (p != end_ && *p == '"' && key->field != nullptr) [[likely]]
      after = known_string(p + 1, *key);
    p = after != nullptr ? after : value<kNewlines>(p, *key, object, depth);
    if (p == nullptr) return nullptr;
    link = &key->next;
    if (p != end_ && *p == ',') [[likely]] {
      p = scan::blanks<kNewlines>(p + 1, end_);
      continue;
    }
    p = scan::blanks<kNewlines>(p, end_);
    if (p == end_) return fail(p, "the object does not end");
    if (*p == '}') return p + 1;
    if (*p != ',') return fail(p, "expected , or }");
    p = scan::blanks<kNewlines>(p + 1, end_);
  }
}

// Reads a key the slow way and moves `p` to its value.
template <Newlines kNewlines>
JsonEventReader::Key* JsonEventReader::learn(const char*& p, Object& object) {
  if (p == end_ || *p != '"') return fail(p, "expected a key"), nullptr;
  const char* begin = p;
  unsigned seen = 0;
  const char* quote = scan::string_end(p + 1, end_, seen);
  if (quote == nullptr) return fail(p, "the key is no JSON string"), nullptr;
  p = scan::blanks<kNewlines>(quote + 1, end_);
  if (p == end_ || *p != ':') return fail(p, "expected : after the key"), nullptr;
  p = scan::blanks<kNewlines>(p + 1, end_);
  if (p == end_) return fail(p, "expected a value"), nullptr;
  std::string_view raw(begin + 1, static_cast<size_t>(quote - begin - 1));
  std::string_view match(begin, static_cast<size_t>(p - begin));
  auto it = object.by_raw.find(raw);
  if (it != object.by_raw.end()) {
    if (it->second->match != match) it->second->set_match(match);
    return it->second;
  }
  auto made = std::make_unique<Key>();
  made->set_match(match);
  made->raw = raw;
  if (append_unescaped(raw, made->name).lone_surrogate) made->flags = 1;
  if ((seen & kSawHigh) != 0 && !text::is_valid_utf8(made->name)) {
    // Names are UTF-8: each stray byte becomes the replacement character.
    std::string clean;
    for (size_t at = 0; at < made->name.size();) {
      text::Decoded d = text::decode_utf8(made->name, at);
      text::append_utf8(d.c == text::kInvalid ? 0xFFFD : d.c, clean);
      at += d.bytes;
    }
    made->name = std::move(clean);
    made->flags = 1;
  }
  Key* key = made.get();
  object.keys.push_back(std::move(made));
  object.by_raw.emplace(key->raw, key);
  ++keys_count_;
  return key;
}

Field* JsonEventReader::field_of(Key& key, const Object& object) {
  if (key.field == nullptr) {
    scratch_.assign(object.prefix);
    scratch_.append(key.name);
    key.field = rows_.field(scratch_);
  }
  return key.field;
}

template <Newlines kNewlines>
const char* JsonEventReader::value(const char* p, Key& key, const Object& object, unsigned depth) {
  if (p == end_) return fail(p, "expected a value");
  if (*p == '{') return nested<kNewlines>(p, key, object, depth);
  if (rows_.fields_in_row() >= kFieldsPerEventMax) [[unlikely]] {
    overflowed_ = true;
    return nullptr;
  }
  if (*p == '[') return array(p, key, object, depth, kNewlines);
  outline_.push_back(reinterpret_cast<uint64_t>(&key) | kLeafEntry);
  Field* field = key.field != nullptr ? key.field : field_of(key, object);
  const char* after = nullptr;
  switch (*p) {
    case '"': {
      unsigned seen = 0;
      const char* quote = scan::string_end(p + 1, end_, seen);
      if (quote == nullptr) return fail(p, "the value is no JSON string");
      std::string_view raw(p + 1, static_cast<size_t>(quote - p - 1));
      if (seen == 0) [[likely]]
        rows_.add_string(field, raw);
      else
        escaped_string(field, raw, seen);
      return quote + 1;
    }
    case 't':
      after = scan::word_end(p, end_, "true");
      if (after == nullptr) break;
      rows_.add_bool(field, true);
      return after;
    case 'f':
      after = scan::word_end(p, end_, "false");
      if (after == nullptr) break;
      rows_.add_bool(field, false);
      return after;
    case 'n':
      after = scan::word_end(p, end_, "null");
      if (after == nullptr) break;
      rows_.add_null(field);
      return after;
    default: after = number(p, field);
  }
  return after != nullptr ? after : fail(p, "expected a value");
}

// Integers and decimals of fewer than 18 bytes, in one pass. Null for anything else: then nothing was added.
inline const char* JsonEventReader::short_number(const char* p, Field* field) {
  constexpr std::ptrdiff_t kDigitsMax = 18;  // any 18 digits fit an int64
  const char* begin = p;
  bool negative = *p == '-';
  if (negative) ++p;
  const char* first = p;
  int64_t v = 0;
  const char* stop = end_ - p > kDigitsMax ? p + kDigitsMax : end_;
  while (p != stop && scan::is_digit(*p)) v = v * 10 + (*p++ - '0');
  if (p == first || p == stop || (*first == '0' && p - first > 1)) return nullptr;
  const char* point = nullptr;
  if (*p == '.') {
    point = ++p;
    while (p != stop && scan::is_digit(*p)) v = v * 10 + (*p++ - '0');
    if (p == point || p == stop) return nullptr;
  }
  if (*p == 'e' || *p == 'E' || (negative && v == 0)) return nullptr;
  if (negative) v = -v;
  if (point == nullptr)
    rows_.add_int(field, v);
  else
    rows_.add_decimal(field, v, static_cast<uint8_t>(p - point));
  if (field->role != model::TimeRole::kNone)
    rows_.time().note_number(field->role, {begin, static_cast<size_t>(p - begin)});
  return p;
}

const char* JsonEventReader::number(const char* p, Field* field) {
  if (const char* fast = short_number(p, field)) return fast;
  const char* after = scan::number_end(p, end_);
  if (after != nullptr) {
    rows_.add_number(field, std::string_view(p, static_cast<size_t>(after - p)));
    return after;
  }
  for (std::string_view word : {std::string_view("NaN"), std::string_view("Infinity"), std::string_view("-Infinity")}) {
    after = scan::word_end(p, end_, word);
    if (after == nullptr) continue;
    rows_.add_string(field, word);
    rows_.flag(Flag::kParseError);
    return after;
  }
  return nullptr;
}

void JsonEventReader::note_bytes(std::string_view text, bool lone_surrogate) {
  if (lone_surrogate || !text::is_valid_utf8(text)) rows_.flag(Flag::kBadUtf8);
}

void JsonEventReader::escaped_string(Field* field, std::string_view raw, unsigned seen) {
  bool lone = false;
  if ((seen & kSawEscape) != 0) {
    std::string& text = field->role == model::TimeRole::kNone ? scratch_ : kept_.emplace_back();
    text.clear();
    lone = append_unescaped(raw, text).lone_surrogate;
    rows_.add_string(field, text);
  } else {
    rows_.add_string(field, raw);
  }
  if (lone || (seen & kSawHigh) != 0) note_bytes(raw, lone);
}

template <Newlines kNewlines>
const char* JsonEventReader::nested(const char* p, Key& key, const Object& object, unsigned depth) {
  const char* inside = scan::blanks<kNewlines>(p + 1, end_);
  if (inside != end_ && *inside == '}') {
    outline_.push_back(reinterpret_cast<uint64_t>(&key) | kLeafEntry);
    rows_.add_empty_object(field_of(key, object));
    return inside + 1;
  }
  if (depth >= kDepthMax) {
    overflowed_ = true;
    return nullptr;
  }
  if (key.object == nullptr) {
    key.object = std::make_unique<Object>();
    key.object->prefix = object.prefix + key.name + ".";
  }
  outline_.push_back(reinterpret_cast<uint64_t>(&key) | kObjectEntry);
  const char* after = members<kNewlines>(inside, *key.object, depth + 1);
  outline_.push_back(kEndEntry);
  return after;
}

const char* JsonEventReader::array(const char* p, Key& key, const Object& object, unsigned depth, Newlines newlines) {
  SkipInfo info;
  const char* after = skip_value(p, end_, Grammar::kIngest, newlines, info);
  if (after == nullptr) return fail(info.error_at, "not valid JSON");
  if (depth + info.depth > kDepthMax) {
    overflowed_ = true;
    return nullptr;
  }
  std::string_view text(p, static_cast<size_t>(after - p));
  if (info.high || info.lone_surrogate) note_bytes(text, info.lone_surrogate);
  if (info.not_a_number) rows_.flag(Flag::kParseError);
  if (info.depth > 1 && objects(text, key, object)) return overflowed_ ? nullptr : after;
  outline_.push_back(reinterpret_cast<uint64_t>(&key) | kLeafEntry);
  Field* field = field_of(key, object);
  if (info.blanks || info.not_a_number) {
    scratch_.clear();
    append_compact(text, scratch_);
    rows_.add_text(field, Kind::kArray, scratch_);
  } else {
    rows_.add_text(field, Kind::kArray, text);
  }
  return after;
}

bool JsonEventReader::objects(std::string_view text, Key& key, const Object& object) {
  const char* first = scan::blanks<Newlines::kBlank>(text.data() + 1, text.data() + text.size());
  if (*first != '{' || !splitter_.split(text)) return false;
  if (rows_.fields_in_row() + splitter_.leaves().size() > kFieldsPerEventMax) {
    overflowed_ = true;
    return true;
  }
  std::string path = object.prefix + key.name + ".";
  size_t prefix = path.size();
  key.leaves.clear();
  for (const ObjectsSplitter::Leaf& leaf : splitter_.leaves()) {
    path.resize(prefix);
    path += leaf.path;
    key.leaves.push_back(rows_.field(path));
    rows_.add_text(key.leaves.back(), Kind::kArray, leaf.array);
  }
  outline_.push_back(reinterpret_cast<uint64_t>(&key) | kObjectsEntry);
  outline_.push_back(templates_.size());
  outline_.push_back(base::hash64(splitter_.shape()));
  templates_.push_back(splitter_.shape());
  return true;
}

// The key occurred before in this object: its first value goes, wherever it lies.
void JsonEventReader::drop_earlier(Key& key) {
  rows_.flag(Flag::kDuplicateKey);
  remove_values(key);
  uint64_t address = reinterpret_cast<uint64_t>(&key);
  for (size_t i = 0; i < outline_.size(); ++i) {
    uint64_t kind = outline_[i] & 3;
    if (kind == kEndEntry || (outline_[i] & ~uint64_t{3}) != address) {
      if (kind == kObjectsEntry) i += 2;
      continue;
    }
    size_t stop = i + 1;
    if (kind == kObjectsEntry) stop = i + 3;
    if (kind == kObjectEntry) {
      for (size_t open = 1; open > 0; ++stop) {
        uint64_t inner = outline_[stop] & 3;
        if (inner == kObjectsEntry)
          stop += 2;
        else if (inner == kObjectEntry)
          ++open;
        else if (inner == kEndEntry)
          --open;
      }
    }
    outline_.erase(outline_.begin() + static_cast<std::ptrdiff_t>(i),
                   outline_.begin() + static_cast<std::ptrdiff_t>(stop));
    return;
  }
}

void JsonEventReader::remove_values(Key& key) {
  if (key.field != nullptr) rows_.remove(key.field);
  for (Field* leaf : key.leaves) rows_.remove(leaf);
  if (key.object == nullptr) return;
  for (auto& child : key.object->keys) {
    if (child->serial != serial_) continue;
    child->serial = 0;
    remove_values(*child);
  }
}

void JsonEventReader::write_shape() {
  bool same = outline_ == last_outline_;
  if (!same) {
    std::string_view bytes(reinterpret_cast<const char*>(outline_.data()), outline_.size() * sizeof(uint64_t));
    std::unique_ptr<Known>& known = known_[base::hash64(bytes)];
    if (known == nullptr || known->outline != outline_) {
      known = std::make_unique<Known>();
      known->outline = outline_;
      build_shape(known->shape);
    }
    last_outline_ = outline_;
    last_shape_ = known->shape;
    if (known_.size() > kShapesMax) known_.clear();
  }
  rows_.set_shape(last_shape_);
}

void JsonEventReader::build_shape(std::string& out) const {
  for (size_t i = 0; i < outline_.size(); ++i) {
    const Key* key = reinterpret_cast<const Key*>(outline_[i] & ~uint64_t{3});
    switch (outline_[i] & 3) {
      case kLeafEntry: model::append_shape_key(key->name, model::shape::kLeaf, out); break;
      case kObjectEntry: model::append_shape_key(key->name, model::shape::kObject, out); break;
      case kEndEntry: out.push_back(model::shape::kEnd); break;
      case kObjectsEntry:
        model::append_shape_key(key->name, model::shape::kObjects, out);
        out += templates_[outline_[i + 1]];
        out.push_back(model::shape::kEnd);
        i += 2;
        break;
    }
  }
}

}  // namespace clew::wire
