#include "wire/any_value.h"

#include <cstring>

#include "model/json_text.h"
#include "model/shape.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

using model::Kind;
using model::RestField;

constexpr uint32_t kKey = proto_tag(1, WireType::kBytes);
constexpr uint32_t kValue = proto_tag(2, WireType::kBytes);
constexpr uint32_t kItem = proto_tag(1, WireType::kBytes);  // of ArrayValue and KeyValueList

struct KeyValue {
  std::string_view key;
  std::string_view any;
};

enum class Shape : uint8_t { kScalar, kArray, kMap };

// A decoded AnyValue: a scalar, or the bytes of an ArrayValue or KeyValueList.
struct Any {
  Shape shape = Shape::kScalar;
  RestField scalar;
  std::string_view items;
};

ProtoProblem malformed(const ProtoReader& in) { return {"malformed protobuf", in.position()}; }

ProtoProblem read_key_value(std::string_view bytes, KeyValue& out) {
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == kKey)
      out.key = in.bytes();
    else if (tag == kValue)
      out.any = in.bytes();
    else
      in.skip(tag);
  }
  if (in.failed()) return malformed(in);
  return {};
}

// The last member of the oneof wins.
ProtoProblem read_any(std::string_view bytes, Any& out) {
  ProtoReader in(bytes);
  RestField& v = out.scalar;
  while (uint32_t tag = in.next()) {
    out.shape = Shape::kScalar;
    switch (tag) {
      case proto_tag(1, WireType::kBytes):
        v.kind = Kind::kString;
        v.text = in.bytes();
        break;
      case proto_tag(2, WireType::kVarint):
        v.kind = Kind::kBool;
        v.lane = in.varint() != 0 ? 1 : 0;
        break;
      case proto_tag(3, WireType::kVarint):
        v.kind = Kind::kInt;
        v.lane = static_cast<int64_t>(in.varint());
        break;
      case proto_tag(4, WireType::kFixed64):
        v.kind = Kind::kFloat;
        v.lane = static_cast<int64_t>(in.fixed64());
        break;
      case proto_tag(5, WireType::kBytes):
        out.shape = Shape::kArray;
        out.items = in.bytes();
        break;
      case proto_tag(6, WireType::kBytes):
        out.shape = Shape::kMap;
        out.items = in.bytes();
        break;
      case proto_tag(7, WireType::kBytes):
        v.kind = Kind::kBytes;
        v.text = in.bytes();
        break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return malformed(in);
  return {};
}

double real_of(int64_t lane) {
  double v;
  std::memcpy(&v, &lane, sizeof v);
  return v;
}

bool is_finite(double v) { return v - v == 0; }

// Grows a dotted path; names over the limit are cut and hashed at once, so that no path grows without end.
class PathStep {
 public:
  PathStep(std::string& path, std::string_view key, bool& cut) : path_(path), bytes_before_(path.size()) {
    if (!path.empty()) path_.push_back('.');
    path_.append(key);
    if (path_.size() <= model::kFieldNameBytesMax) return;
    cut = true;
    before_ = path_.substr(0, bytes_before_);
    std::string buffer;
    path_ = std::string(model::column_name(path_, buffer));
  }
  ~PathStep() {
    if (before_.empty())
      path_.resize(bytes_before_);
    else
      path_ = before_;
  }
  PathStep(const PathStep&) = delete;
  PathStep& operator=(const PathStep&) = delete;

 private:
  std::string& path_;
  size_t bytes_before_;
  std::string before_;  // only where the path was cut
};

// JSON text of values, for what stays whole.
struct JsonText {
  std::string& out;
  bool& cut;

  void scalar(const RestField& v) {
    if (v.kind == Kind::kFloat && !is_finite(real_of(v.lane))) {
      double d = real_of(v.lane);
      out.append(d != d ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
      return;
    }
    model::append_json_value(v, out);
  }

  ProtoProblem value(std::string_view bytes, int depth) {
    Any any;
    if (ProtoProblem p = read_any(bytes, any)) return p;
    if (any.shape == Shape::kScalar) {
      scalar(any.scalar);
      return {};
    }
    if (depth >= kValueDepthMax) {
      cut = true;
      out.append("null");
      return {};
    }
    return any.shape == Shape::kArray ? array(any.items, depth + 1) : map(any.items, depth + 1);
  }

  ProtoProblem array(std::string_view items, int depth) {
    ProtoReader in(items);
    char before = '[';
    while (uint32_t tag = in.next()) {
      if (tag != kItem) {
        in.skip(tag);
        continue;
      }
      out.push_back(before);
      before = ',';
      if (ProtoProblem p = value(in.bytes(), depth)) return p;
    }
    if (in.failed()) return malformed(in);
    out.append(before == '[' ? "[]" : "]");
    return {};
  }

  ProtoProblem map(std::string_view items, int depth) {
    ProtoReader in(items);
    char before = '{';
    while (uint32_t tag = in.next()) {
      if (tag != kItem) {
        in.skip(tag);
        continue;
      }
      KeyValue kv;
      if (ProtoProblem p = read_key_value(in.bytes(), kv)) return p;
      out.push_back(before);
      before = ',';
      model::append_json_string(kv.key, out);
      out.push_back(':');
      if (ProtoProblem p = value(kv.any, depth)) return p;
    }
    if (in.failed()) return malformed(in);
    out.append(before == '{' ? "{}" : "}");
    return {};
  }
};

// Gives the leaves of a value to `out`, which has scalar(path, value) and array(path, items, depth).
template <class Out>
ProtoProblem flatten(std::string& path, std::string_view bytes, int depth, bool& cut, Out& out);

template <class Out>
ProtoProblem flatten_map(std::string& path, std::string_view items, int depth, bool& cut, Out& out) {
  ProtoReader in(items);
  bool empty = true;
  while (uint32_t tag = in.next()) {
    if (tag != kItem) {
      in.skip(tag);
      continue;
    }
    KeyValue kv;
    if (ProtoProblem p = read_key_value(in.bytes(), kv)) return p;
    empty = false;
    PathStep step(path, kv.key, cut);
    if (ProtoProblem p = flatten(path, kv.any, depth, cut, out)) return p;
  }
  if (in.failed()) return malformed(in);
  if (empty && !path.empty()) out.scalar(path, RestField{{}, Kind::kEmptyObject, 0, 0, {}});
  return {};
}

template <class Out>
ProtoProblem flatten(std::string& path, std::string_view bytes, int depth, bool& cut, Out& out) {
  Any any;
  if (ProtoProblem p = read_any(bytes, any)) return p;
  if (any.shape == Shape::kScalar) {
    out.scalar(path, any.scalar);
    return {};
  }
  if (depth >= kValueDepthMax) {
    cut = true;
    out.scalar(path, RestField{});
    return {};
  }
  if (any.shape == Shape::kArray) return out.array(path, any.items, depth + 1);
  return flatten_map(path, any.items, depth + 1, cut, out);
}

// Leaves of one element of an array of objects.
struct ElementOut {
  ObjectLists& lists;
  bool& cut;
  void scalar(std::string_view path, const RestField& v) { JsonText{lists.leaf(path), cut}.scalar(v); }
  ProtoProblem array(std::string_view path, std::string_view items, int depth) {
    return JsonText{lists.leaf(path), cut}.array(items, depth);
  }
};

ProtoProblem are_all_maps(std::string_view items, bool& all) {
  ProtoReader in(items);
  all = false;
  while (uint32_t tag = in.next()) {
    if (tag != kItem) {
      in.skip(tag);
      continue;
    }
    Any any;
    if (ProtoProblem p = read_any(in.bytes(), any)) return p;
    all = any.shape == Shape::kMap;
    if (!all) return {};
  }
  if (in.failed()) return malformed(in);
  return {};
}

// Tries an array as lists; `done` says whether it has that form.
ProtoProblem as_lists(std::string_view items, int depth, bool& cut, ObjectLists& lists, bool& done) {
  if (ProtoProblem p = are_all_maps(items, done)) return p;
  if (!done) return {};
  lists.clear();
  ElementOut out{lists, cut};
  ProtoReader in(items);
  std::string path;
  while (uint32_t tag = in.next()) {
    if (tag != kItem) {
      in.skip(tag);
      continue;
    }
    Any any;
    if (ProtoProblem p = read_any(in.bytes(), any)) return p;
    lists.begin_element();
    if (ProtoProblem p = flatten_map(path, any.items, depth + 1, cut, out)) return p;
    done = !lists.is_sparse() && lists.leaves() <= kFieldsPerEventMax;
    if (!done) return {};
  }
  done = lists.leaves() != 0;
  return {};
}

struct RowOut {
  KeyedRows& rows;
  Level level;
  bool& cut;
  ObjectLists& lists;
  std::string& json;

  void scalar(std::string_view path, const RestField& v) {
    if (v.kind == Kind::kFloat)
      rows.put_double(path, level, real_of(v.lane));
    else
      rows.put(path, level, v);
  }
  ProtoProblem array(std::string_view path, std::string_view items, int depth) {
    bool done = false;
    if (ProtoProblem p = as_lists(items, depth, cut, lists, done)) return p;
    if (done) {
      rows.put_lists(std::string(path) + ".", level, lists);
      return {};
    }
    json.clear();
    if (ProtoProblem p = JsonText{json, cut}.array(items, depth)) return p;
    rows.put(path, level, RestField{{}, Kind::kArray, 0, 0, json});
    return {};
  }
};

struct SharedOut {
  Level level;
  std::vector<SharedValue>& values;
  bool& cut;
  ObjectLists& lists;

  void scalar(std::string_view path, const RestField& v) {
    RestField value = v;
    if (v.kind == Kind::kFloat && !is_finite(real_of(v.lane))) {
      double d = real_of(v.lane);
      value = RestField{{}, Kind::kString, 0, 0, d != d ? "NaN" : d > 0 ? "Infinity" : "-Infinity"};
    }
    if (value.kind == Kind::kString) value.text = value.text.substr(0, kValueBytesMax);
    values.push_back({std::string(path), level, value.kind, value.lane, std::string(value.text)});
  }
  ProtoProblem array(std::string_view path, std::string_view items, int depth) {
    bool done = false;
    if (ProtoProblem p = as_lists(items, depth, cut, lists, done)) return p;
    if (done) {
      lists.finish();
      for (size_t i = 0; i < lists.leaves(); ++i) {
        values.push_back({std::string(path) + "." + lists.list(i).path, level, Kind::kArray, 0, lists.list(i).text});
      }
      return {};
    }
    SharedValue whole{std::string(path), level, Kind::kArray, 0, {}};
    if (ProtoProblem p = JsonText{whole.text, cut}.array(items, depth)) return p;
    values.push_back(std::move(whole));
    return {};
  }
};

// The usual form, all lengths below 128: a key, then a value with one scalar member. False, with nothing done, for
// others.
inline bool put_plain_attribute(KeyedRows& rows, std::string_view bytes, Level level) {
  auto length = [](char c) { return static_cast<size_t>(static_cast<unsigned char>(c)); };
  const char* p = bytes.data();
  if (bytes.size() < 6 || p[0] != kKey) return false;
  size_t key_bytes = length(p[1]);
  if (key_bytes >= 0x80 || key_bytes + 6 > bytes.size()) return false;
  std::string_view key(p + 2, key_bytes);
  const char* any = p + 2 + key_bytes;
  size_t any_bytes = bytes.size() - key_bytes - 4;
  if (any[0] != kValue || length(any[1]) != any_bytes || any_bytes >= 0x80) return false;
  any += 2;
  switch (any[0]) {
    case proto_tag(1, WireType::kBytes):
      if (length(any[1]) != any_bytes - 2) return false;
      rows.put_string(key, level, {any + 2, any_bytes - 2});
      return true;
    case proto_tag(3, WireType::kVarint): {
      ProtoReader in({any + 1, any_bytes - 1});
      uint64_t v = in.varint();
      if (in.failed() || in.position() != any + any_bytes) return false;
      rows.put_int(key, level, static_cast<int64_t>(v));
      return true;
    }
    case proto_tag(4, WireType::kFixed64): {
      if (any_bytes != 9) return false;
      rows.put_double(key, level, load_word<double>(any + 1));
      return true;
    }
    default: return false;
  }
}

}  // namespace

ProtoProblem AnyValues::put_attribute(KeyedRows& rows, std::string_view key_value, Level level) {
  if (put_plain_attribute(rows, key_value, level)) [[likely]]
    return {};
  KeyValue kv;
  if (ProtoProblem p = read_key_value(key_value, kv)) return p;
  return put_value(rows, kv.key, level, kv.any);
}

ProtoProblem AnyValues::put_value(KeyedRows& rows, std::string_view name, Level level, std::string_view bytes) {
  Any any;
  if (ProtoProblem p = read_any(bytes, any)) return p;
  if (any.shape == Shape::kScalar && name.size() <= model::kFieldNameBytesMax) [[likely]] {
    if (any.scalar.kind == Kind::kString)
      rows.put_string(name, level, any.scalar.text);
    else if (any.scalar.kind == Kind::kFloat)
      rows.put_double(name, level, real_of(any.scalar.lane));
    else
      rows.put(name, level, any.scalar);
    return {};
  }
  bool cut = false;
  path_.clear();
  RowOut out{rows, level, cut, lists_, json_};
  ProtoProblem problem;
  {
    PathStep step(path_, name, cut);
    problem = flatten(path_, bytes, 0, cut, out);
  }
  if (cut) rows.writer().flag(model::Flag::kTruncated);
  return problem;
}

ProtoProblem AnyValues::read_text(std::string_view bytes, bool& is_text, std::string_view& text) {
  Any any;
  if (ProtoProblem p = read_any(bytes, any)) return p;
  is_text = any.shape == Shape::kScalar && any.scalar.kind == Kind::kString;
  text = any.scalar.text;
  return {};
}

ProtoProblem AnyValues::put_body(KeyedRows& rows, std::string_view bytes) {
  Any any;
  if (ProtoProblem p = read_any(bytes, any)) return p;
  if (any.shape != Shape::kMap) {
    if (any.shape == Shape::kScalar && any.scalar.kind == Kind::kNull) return {};
    return put_value(rows, "body", Level::kBody, bytes);
  }
  bool cut = false;
  path_.clear();
  RowOut out{rows, Level::kBody, cut, lists_, json_};
  ProtoProblem problem = flatten_map(path_, any.items, 1, cut, out);
  if (cut) rows.writer().flag(model::Flag::kTruncated);
  return problem;
}

ProtoProblem AnyValues::share_attribute(std::string_view key_value, Level level, std::string_view prefix,
                                        std::vector<SharedValue>& out) {
  KeyValue kv;
  if (ProtoProblem p = read_key_value(key_value, kv)) return p;
  bool cut = false;
  path_.assign(prefix);
  SharedOut to{level, out, cut, lists_};
  PathStep step(path_, kv.key, cut);
  return flatten(path_, kv.any, 0, cut, to);
}

ProtoProblem AnyValues::put_element_attribute(std::string_view key_value, ObjectLists& lists) {
  KeyValue kv;
  if (ProtoProblem p = read_key_value(key_value, kv)) return p;
  bool cut = false;
  path_.clear();
  ElementOut out{lists, cut};
  PathStep step(path_, kv.key, cut);
  return flatten(path_, kv.any, 0, cut, out);
}

ProtoProblem AnyValues::append_json(std::string_view message, uint32_t tag, std::string& out) {
  bool cut = false;
  JsonText json{out, cut};
  char before = '{';
  for (ProtoReader in(message); in.find(tag);) {
    KeyValue kv;
    if (ProtoProblem p = read_key_value(in.bytes(), kv)) return p;
    out.push_back(before);
    before = ',';
    model::append_json_string(kv.key, out);
    out.push_back(':');
    if (ProtoProblem p = json.value(kv.any, 1)) return p;
  }
  out.append(before == '{' ? "{}" : "}");
  return {};
}

}  // namespace clew::wire
