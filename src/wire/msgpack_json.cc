#include "wire/msgpack_json.h"

#include <fmt/format.h>

#include <cmath>

#include "model/json_text.h"

namespace clew::wire {
namespace {

using Type = MsgpackReader::Type;

void append_real(double v, std::string& out) {
  if (!std::isfinite(v)) {
    out.append(std::isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}", v);
  if (out.find_first_of(".e", begin) == std::string::npos) out.append(".0");
}

bool append_value(MsgpackReader& in, std::string& out, int depth);

bool append_map(MsgpackReader& in, std::string& out, int depth) {
  uint32_t pairs = in.map();
  out.push_back('{');
  for (uint32_t i = 0; i < pairs; ++i) {
    if (i > 0) out.push_back(',');
    Type type = in.type();
    if (type == Type::kText || type == Type::kBytes) {
      model::append_json_string(in.text(), out);
    } else {
      std::string key;
      if (!append_value(in, key, depth)) return false;
      model::append_json_string(key, out);
    }
    out.push_back(':');
    if (!append_value(in, out, depth)) return false;
  }
  out.push_back('}');
  return true;
}

bool append_array(MsgpackReader& in, std::string& out, int depth) {
  uint32_t elements = in.array();
  out.push_back('[');
  for (uint32_t i = 0; i < elements; ++i) {
    if (i > 0) out.push_back(',');
    if (!append_value(in, out, depth)) return false;
  }
  out.push_back(']');
  return true;
}

void append_extension(MsgpackReader& in, std::string& out) {
  int8_t type = 0;
  std::string_view bytes = in.extension(type);
  out.push_back('"');
  model::append_base64(bytes, out);
  out.push_back('"');
}

bool append_value(MsgpackReader& in, std::string& out, int depth) {
  if (depth == kMsgpackDepthMax) return false;
  switch (in.type()) {
    case Type::kNone: return false;
    case Type::kNil:
      in.skip();
      out.append("null");
      break;
    case Type::kBool: out.append(in.boolean() ? "true" : "false"); break;
    case Type::kInt: fmt::format_to(std::back_inserter(out), "{}", in.integer()); break;
    case Type::kUint: fmt::format_to(std::back_inserter(out), "{}", static_cast<uint64_t>(in.integer())); break;
    case Type::kFloat: append_real(in.real(), out); break;
    case Type::kText:
    case Type::kBytes: model::append_json_string(in.text(), out); break;
    case Type::kArray:
      if (!append_array(in, out, depth + 1)) return false;
      break;
    case Type::kMap:
      if (!append_map(in, out, depth + 1)) return false;
      break;
    case Type::kOther: append_extension(in, out); break;
  }
  return !in.failed();
}

// What a value's first byte says.
struct Head {
  uint8_t width = 0;     // bytes of the length or count that follows
  uint64_t payload = 0;  // bytes behind it, a length excluded
  uint64_t values = 0;   // that it holds
  bool counts = false;   // the number is of values, else of bytes
  uint64_t each = 1;     // values by count
  bool known = true;
};

Head head_of(uint8_t b) {
  if (b < 0x80 || b >= 0xe0) return {};
  if (b < 0x90) return {.values = 2 * uint64_t{b & 0x0fu}};
  if (b < 0xa0) return {.values = b & 0x0fu};
  if (b < 0xc0) return {.payload = b & 0x1fu};
  auto wide = [](unsigned step) { return static_cast<uint8_t>(1u << step); };
  if (b == 0xc1) return {.known = false};
  if (b <= 0xc3) return {};
  if (b <= 0xc6) return {.width = wide(b - 0xc4u)};
  if (b <= 0xc9) return {.width = wide(b - 0xc7u), .payload = 1};
  if (b <= 0xcb) return {.payload = b == 0xca ? 4u : 8u};
  if (b <= 0xd3) return {.payload = uint64_t{1} << (b & 3u)};
  if (b <= 0xd8) return {.payload = 1 + (uint64_t{1} << (b - 0xd4u))};
  if (b <= 0xdb) return {.width = wide(b - 0xd9u)};
  if (b <= 0xdd) return {.width = wide(b - 0xdcu + 1), .counts = true};
  return {.width = wide(b - 0xdeu + 1), .counts = true, .each = 2};
}

}  // namespace

bool append_json(MsgpackReader& in, std::string& out) { return append_value(in, out, 0); }

MsgpackFrame::State MsgpackFrame::look(std::string_view bytes) {
  while (left_ > 0) {
    if (at_ >= bytes.size()) return State::kMore;
    Head head = head_of(static_cast<uint8_t>(bytes[at_]));
    if (!head.known) return State::kBad;
    if (bytes.size() - at_ < 1u + head.width) return State::kMore;
    uint64_t number = 0;
    for (uint8_t i = 0; i < head.width; ++i) number = number << 8 | static_cast<uint8_t>(bytes[at_ + 1 + i]);
    left_ += head.values + (head.counts ? number * head.each : 0);
    at_ += 1u + head.width + head.payload + (head.counts ? 0 : number);
    --left_;
  }
  return at_ <= bytes.size() ? State::kWhole : State::kMore;
}

}  // namespace clew::wire
