#include "wire/json_to_proto.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "wire/json_scan.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

// Lengths of messages are patched in when they are known: five bytes hold any length, and decoders take padded varints.
constexpr size_t kLengthBytes = 5;

void append_varint(std::string& out, uint64_t v) { base::Writer(out).varint(v); }

void patch_length(std::string& out, size_t at, uint64_t length) {
  for (size_t i = 0; i < kLengthBytes; ++i, length >>= 7) {
    uint64_t more = i + 1 < kLengthBytes ? 0x80 : 0;
    out[at + i] = static_cast<char>((length & 0x7f) | more);
  }
}

void append_bytes(std::string& out, uint32_t number, std::string_view v) {
  append_varint(out, proto_tag(number, WireType::kBytes));
  append_varint(out, v.size());
  out.append(v);
}

// traceId, trace_id: the same name.
bool same_name(std::string_view camel, std::string_view key) {
  size_t at = 0;
  for (size_t i = 0; i < key.size(); ++i) {
    char c = key[i];
    if (c == '_' && i + 1 < key.size() && key[i + 1] >= 'a' && key[i + 1] <= 'z') c = static_cast<char>(key[++i] - 32);
    if (at == camel.size() || camel[at++] != c) return false;
  }
  return at == camel.size();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// Odd lengths get a zero in front.
bool decode_hex(std::string_view text, std::string& out) {
  out.clear();
  unsigned v = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    int digit = hex_digit(text[i]);
    if (digit < 0) return false;
    v = v << 4 | static_cast<unsigned>(digit);
    if ((text.size() - i) % 2 == 1) {
      out.push_back(static_cast<char>(v));
      v = 0;
    }
  }
  return true;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool decode_base64(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t v = 0;
  int bits = 0;
  for (char c : text) {
    int digit = base64_digit(c);
    if (digit < 0) return false;
    v = v << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(v >> bits & 0xff));
  }
  return true;
}

// Ids as proto3's own JSON mapping writes them; of their two lengths only, lest any word should be an id.
bool decode_base64_id(std::string_view text, std::string& out) {
  return decode_base64(text, out) && (out.size() == 8 || out.size() == 16);
}

template <class T>
std::optional<T> whole_number(std::string_view token) {
  T v{};
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), v);
  if (error == std::errc() && end == token.data() + token.size()) return v;
  // 1e9 and 5.0 are whole numbers too.
  double d = 0;
  auto [real_end, real_error] = std::from_chars(token.data(), token.data() + token.size(), d);
  if (real_error != std::errc() || real_end != token.data() + token.size() || std::trunc(d) != d) return std::nullopt;
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  if (d > kExactMax || d < (std::numeric_limits<T>::is_signed ? -kExactMax : 0.0)) return std::nullopt;
  if (d > static_cast<double>(std::numeric_limits<T>::max())) return std::nullopt;
  return static_cast<T>(d);
}

std::optional<double> real_number(std::string_view token) {
  if (token == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (token == "Infinity") return std::numeric_limits<double>::infinity();
  if (token == "-Infinity") return -std::numeric_limits<double>::infinity();
  double d = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), d);
  if (end != token.data() + token.size() || token.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return token.front() == '-' ? -HUGE_VAL : HUGE_VAL;
  if (error != std::errc()) return std::nullopt;
  return d;
}

}  // namespace

// The whole text is checked before anything is made of it; what follows may trust its grammar.
Status JsonToProto::begin(std::string_view json) {
  out_.clear();
  path_.clear();
  problem_.clear();
  rejected_.clear();
  items_ = rejected_count_ = 0;
  in_ = JsonCursor(json);
  return check_json(json, kJsonDepthMax);
}

Status JsonToProto::outcome() const {
  if (!problem_.empty()) return Error(Code::kInvalid, problem_);
  return {};
}

Status JsonToProto::convert(std::string_view json, const JsonMessage& root) {
  CLEW_TRY(begin(json));
  if (in_.peek() != '{') return Error(Code::kInvalid, "expected a JSON object");
  (void)object(root, 0);
  return outcome();
}

Status JsonToProto::convert_array(std::string_view json, const JsonField& element) {
  CLEW_TRY(begin(json));
  if (in_.peek() != '[') return Error(Code::kInvalid, "expected a JSON array");
  (void)array(element, 0);
  return outcome();
}

void JsonToProto::release() {
  constexpr size_t kKeptBytesMax = 4u << 20;
  if (out_.capacity() > kKeptBytesMax) std::string().swap(out_);
}

void JsonToProto::add_rejections(Events& events) const {
  events.received += rejected_count_;
  events.rejected += rejected_count_;
  events.rejected_by_reason[static_cast<size_t>(Reason::kSyntax)] += rejected_count_;
  for (const Rejection& r : rejected_) {
    if (events.rejections.size() < kRejectionsMax) events.rejections.push_back(r);
  }
}

std::string JsonToProto::path() const {
  std::string out;
  for (const Step& s : path_) {
    if (s.key.empty()) {
      out += "[" + std::to_string(s.index) + "]";
    } else {
      if (!out.empty()) out.push_back('.');
      out += s.key.substr(0, 80);
    }
  }
  return out;
}

bool JsonToProto::wrong(std::string_view expected) {
  problem_ = path() + ": expected " + std::string(expected);
  return false;
}

bool JsonToProto::object(const JsonMessage& message, int depth) {
  in_.enter();
  while (in_.more()) {
    std::string_view key = in_.key();
    const JsonField* field = nullptr;
    for (const JsonField& f : message.fields) {
      if (same_name(f.name, key)) field = &f;
    }
    if (field == nullptr) {
      in_.skip();
      continue;
    }
    path_.push_back({key, 0});
    if (!member(*field, depth)) return false;
    path_.pop_back();
  }
  return true;
}

// A member that is null is not there.
bool JsonToProto::member(const JsonField& field, int depth) {
  if (in_.peek() == 'n') {
    in_.skip();
    return true;
  }
  bool alone = field.one_or_many == OneOrMany::kYes && in_.peek() != '[';
  return field.repeated && !alone ? array(field, depth) : single(field, depth);
}

bool JsonToProto::array(const JsonField& field, int depth) {
  if (in_.peek() != '[') return wrong("an array");
  in_.enter();
  path_.push_back({});
  for (size_t i = 0; in_.more(); ++i) {
    path_.back().index = i;
    if (!single(field, depth)) return false;
  }
  path_.pop_back();
  return true;
}

bool JsonToProto::single(const JsonField& field, int depth) {
  if (field.type == JsonType::kTextMap || field.type == JsonType::kMessageMap) return map(field, depth);
  if (field.type != JsonType::kMessage) return scalar(field);
  return field.message->item.empty() ? message(field, depth) : item(field, depth);
}

bool JsonToProto::item(const JsonField& field, int depth) {
  ++items_;
  const char* begin = in_.position();
  size_t bytes_before = out_.size();
  size_t steps_before = path_.size();
  if (message(field, depth)) return true;
  ++rejected_count_;
  if (rejected_.size() < kRejectionsMax) {
    std::string text = std::string(field.message->item) + " " + std::to_string(items_) + ": " + problem_;
    rejected_.push_back({items_, Reason::kSyntax, std::move(text)});
  }
  problem_.clear();
  out_.resize(bytes_before);
  path_.resize(steps_before);
  in_.rewind(begin);
  in_.skip();
  return true;
}

bool JsonToProto::message(const JsonField& field, int depth) {
  if (in_.peek() != '{') return wrong("an object");
  append_varint(out_, proto_tag(field.number, WireType::kBytes));
  size_t length_at = out_.size();
  out_.append(kLengthBytes, '\0');
  if (!object(*field.message, depth + 1)) return false;
  patch_length(out_, length_at, out_.size() - length_at - kLengthBytes);
  return true;
}

bool JsonToProto::map(const JsonField& field, int depth) {
  if (in_.peek() != '{') return wrong("an object");
  bool texts = field.type == JsonType::kTextMap;
  JsonField value{"value", 2, texts ? JsonType::kText : JsonType::kMessage, false, field.message};
  in_.enter();
  while (in_.more()) {
    append_varint(out_, proto_tag(field.number, WireType::kBytes));
    size_t length_at = out_.size();
    out_.append(kLengthBytes, '\0');
    std::string_view key = in_.key();
    path_.push_back({key, 0});
    if (key.find('\\') != std::string_view::npos) {
      text_.clear();
      (void)append_unescaped(key, text_);
      key = text_;
    }
    append_bytes(out_, 1, key);
    if (!member(value, depth + 1)) return false;
    path_.pop_back();
    patch_length(out_, length_at, out_.size() - length_at - kLengthBytes);
  }
  return true;
}

bool JsonToProto::enumeration(const JsonField& field, JsonCursor::Token token) {
  std::optional<int64_t> number = whole_number<int64_t>(token.text);
  if (!number && !token.quoted) return wrong("a number or a name");
  for (size_t i = 0; i < field.names.size() && !number; ++i) {
    if (field.names[i] == token.text) number = static_cast<int64_t>(i);
  }
  if (!number) return true;
  append_varint(out_, proto_tag(field.number, WireType::kVarint));
  append_varint(out_, static_cast<uint64_t>(*number));
  return true;
}

bool JsonToProto::scalar(const JsonField& field) {
  (void)in_.peek();
  if (!in_.is_scalar()) return wrong("a single value");
  JsonCursor::Token value = in_.token(text_);
  std::string_view token = value.text;
  bool quoted = value.quoted;
  auto varint = [&](uint64_t v) {
    append_varint(out_, proto_tag(field.number, WireType::kVarint));
    append_varint(out_, v);
    return true;
  };
  switch (field.type) {
    case JsonType::kText: append_bytes(out_, field.number, token); return true;
    case JsonType::kHex:
      if (!quoted || (!decode_hex(token, bytes_) && !decode_base64_id(token, bytes_))) return wrong("hex digits");
      append_bytes(out_, field.number, bytes_);
      return true;
    case JsonType::kBase64:
      if (!quoted || !decode_base64(token, bytes_)) return wrong("base64");
      append_bytes(out_, field.number, bytes_);
      return true;
    case JsonType::kBool:
      if (token != "true" && token != "false") return wrong("true or false");
      return varint(token == "true" ? 1 : 0);
    case JsonType::kInt64: {
      std::optional<int64_t> v = whole_number<int64_t>(token);
      return v ? varint(static_cast<uint64_t>(*v)) : wrong("a 64-bit whole number");
    }
    case JsonType::kUint32: {
      std::optional<uint32_t> v = whole_number<uint32_t>(token);
      return v ? varint(*v) : wrong("a whole number of 0 to 4294967295");
    }
    case JsonType::kSint32: {
      std::optional<int32_t> v = whole_number<int32_t>(token);
      return v ? varint(base::zigzag(*v)) : wrong("a whole number of 32 bits");
    }
    case JsonType::kSfixed64: {
      std::optional<int64_t> v = whole_number<int64_t>(token);
      if (!v) return wrong("a 64-bit whole number");
      append_varint(out_, proto_tag(field.number, WireType::kFixed64));
      base::Writer(out_).i64(*v);
      return true;
    }
    case JsonType::kFixed32: {
      std::optional<uint32_t> v = whole_number<uint32_t>(token);
      if (!v) return wrong("a whole number of 0 to 4294967295");
      append_varint(out_, proto_tag(field.number, WireType::kFixed32));
      base::Writer(out_).u32(*v);
      return true;
    }
    case JsonType::kFixed64: {
      std::optional<uint64_t> v = whole_number<uint64_t>(token);
      if (!v) return wrong("a whole number, not negative, of 64 bits");
      append_varint(out_, proto_tag(field.number, WireType::kFixed64));
      base::Writer(out_).u64(*v);
      return true;
    }
    case JsonType::kDouble: {
      std::optional<double> v = real_number(token);
      if (!v) return wrong("a number");
      append_varint(out_, proto_tag(field.number, WireType::kFixed64));
      base::Writer(out_).f64(*v);
      return true;
    }
    case JsonType::kEnum: return enumeration(field, value);
    case JsonType::kMessage:
    case JsonType::kMessageMap:
    case JsonType::kTextMap: break;
  }
  return wrong("another value");
}

}  // namespace clew::wire
