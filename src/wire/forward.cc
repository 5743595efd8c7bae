#include "wire/forward.h"

#include <cmath>

#include "wire/msgpack_json.h"

namespace clew::wire {
namespace {

using Type = MsgpackReader::Type;

constexpr int64_t kNanos = 1'000'000'000;
constexpr int64_t kSecondsMax = INT64_MAX / kNanos;
constexpr double kSecondsMaxReal = 9e9;

int64_t seconds_to_nanos(int64_t seconds) { return seconds > 0 && seconds < kSecondsMax ? seconds * kNanos : 0; }

// Type 0: seconds and nanoseconds, 32 bits each.
int64_t event_time(std::string_view bytes, int8_t type) {
  if (type != 0 || bytes.size() != 8) return 0;
  uint64_t v = 0;
  for (char c : bytes) v = v << 8 | static_cast<uint8_t>(c);
  return static_cast<int64_t>(v >> 32) * kNanos + static_cast<int64_t>(v & 0xffffffffu);
}

Error malformed(size_t at) { return {Code::kInvalid, "malformed forward message at byte " + std::to_string(at)}; }

// "chunk", "compressed"; the rest ("size") is passed over.
void read_options(MsgpackReader& in, ForwardMessage& out) {
  uint32_t pairs = in.map();
  for (uint32_t i = 0; i < pairs && !in.failed(); ++i) {
    std::string_view key = in.text();
    if (key == "chunk")
      out.chunk = in.text();
    else if (key == "compressed")
      out.compressed = in.text();
    else
      in.skip();
  }
}

}  // namespace

Result<ForwardMessage> read_forward_message(std::string_view bytes) {
  ForwardMessage out;
  MsgpackReader in(bytes);
  if (in.type() != Type::kArray) return malformed(0);
  uint32_t parts = in.array();
  if (parts < 2 || parts > 4) return malformed(0);
  out.tag = in.text();
  size_t begin = in.position();
  Type second = in.type();
  uint32_t used = 2;
  if (second == Type::kText || second == Type::kBytes) {
    out.form = ForwardMessage::Form::kPacked;
    out.entries = in.text();
  } else {
    // [[time, metadata], record] is one event too; an array of arrays of two is many.
    out.form = second == Type::kArray ? ForwardMessage::Form::kMany : ForwardMessage::Form::kOne;
    in.skip();
    if (out.form == ForwardMessage::Form::kOne) {
      if (parts < 3) return malformed(begin);
      in.skip();
      used = 3;
    }
    out.entries = bytes.substr(begin, in.position() - begin);
  }
  if (parts > used && in.type() == Type::kMap)
    read_options(in, out);
  else if (parts > used)
    in.skip();
  if (in.failed()) return malformed(in.position());
  if (out.compressed == "text") out.compressed = {};
  return out;
}

void ForwardRows::begin(const ForwardMessage& message, std::string_view entries, std::string_view sender) {
  in_ = MsgpackReader(entries);
  tag_ = message.tag;
  sender_ = sender;
  pairs_ = message.form != ForwardMessage::Form::kOne;
  counted_ = message.form != ForwardMessage::Form::kPacked;
  left_ = message.form == ForwardMessage::Form::kMany ? in_.array() : 1;
}

bool ForwardRows::put(uint32_t entries_max, ForwardCounts& counts) {
  for (uint32_t i = 0; i < entries_max; ++i) {
    if (counted_ ? left_ == 0 : in_.at_end()) return false;
    if (counted_) --left_;
    if (!put_one(counts)) {
      counts.broken = true;
      return false;
    }
  }
  return true;
}

// Nanoseconds; 0 for none.
int64_t ForwardRows::read_time() {
  switch (in_.type()) {
    case Type::kInt:
    case Type::kUint: return seconds_to_nanos(in_.integer());
    case Type::kFloat: {
      double seconds = in_.real();
      return seconds > 0 && seconds < kSecondsMaxReal ? static_cast<int64_t>(seconds * static_cast<double>(kNanos)) : 0;
    }
    case Type::kOther: {
      int8_t type = 0;
      std::string_view bytes = in_.extension(type);
      return event_time(bytes, type);
    }
    case Type::kArray: {  // Fluent Bit: time and metadata
      uint32_t parts = in_.array();
      int64_t time = parts > 0 && in_.type() != Type::kArray ? read_time() : 0;
      for (uint32_t i = 1; i < parts && !in_.failed(); ++i) in_.skip();
      return time;
    }
    default: in_.skip(); return 0;
  }
}

bool ForwardRows::put_one(ForwardCounts& counts) {
  if (pairs_ && (in_.type() != Type::kArray || in_.array() != 2)) return false;
  int64_t time = read_time();
  MsgpackReader again = in_;
  text_.clear();
  if (in_.type() != Type::kMap || !append_json(in_, text_)) {
    if (!in_.failed()) in_ = again, in_.skip();
    if (in_.failed()) return false;
    ++counts.rejected;
    return true;
  }
  rows_.begin_row();
  if (json_.read(text_.data(), text_.data() + text_.size(), Newlines::kBlank) == nullptr) {
    rows_.abandon_row();
    ++counts.rejected;
    return true;
  }
  auto add = [this](const char* name, std::string_view value) {
    if (value.empty()) return;
    Field* field = rows_.field(name);
    if (rows_.has(field)) return;
    rows_.note_origin(field, model::Origin::kResource);
    rows_.add_string(field, value);
  };
  add("fluent.tag", tag_);
  add("log.source.address", sender_);
  if (time != 0) rows_.time().note_parsed({.unix_nanos = time});
  rows_.end_row();
  ++counts.rows;
  return true;
}

}  // namespace clew::wire
