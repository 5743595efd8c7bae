#include "wire/datadog_sketch.h"

#include <cmath>
#include <vector>

#include "base/bytes.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr int32_t kScale = 5;
constexpr size_t kBucketsMax = 160;
constexpr size_t kKeysMax = 65'536;
// Of the agent's sketch: a value's error is at most 1/128, the least value is 1e-9.
constexpr double kGrowth = 1 + 2.0 / 128;
constexpr double kLeast = 1e-9;
constexpr int32_t kInfinityKey = 32'767;  // and its negative: what is beyond all keys

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

// Key 1 begins at the power of the growth at or below kLeast.
double value_of(int32_t key) {
  static const double bias = 1 - std::floor(std::log(kLeast) / std::log1p(2.0 / 128));
  if (key == 0) return 0;
  int32_t size = key < 0 ? -key : key;
  double low = std::pow(kGrowth, static_cast<double>(size) - bias);
  double middle = low * (1 + kGrowth) / 2;
  return key < 0 ? -middle : middle;
}

template <class Take>
bool each_varint(std::string_view packed, Take&& take) {
  ProtoReader in(packed);
  while (in.position() != packed.data() + packed.size() && !in.failed()) take(in.varint());
  return !in.failed();
}

}  // namespace

Result<DatadogSketch> read_datadog_sketch(std::string_view message) {
  DatadogSketch out;
  out.histogram.scale = kScale;
  std::vector<int32_t> keys;
  std::vector<uint32_t> counts;
  double sum = 0;
  auto add_key = [&keys](uint64_t v) {
    if (keys.size() <= kKeysMax) keys.push_back(static_cast<int32_t>(base::unzigzag(v & UINT32_MAX)));
  };
  auto add_count = [&counts](uint64_t v) {
    if (counts.size() <= kKeysMax) counts.push_back(static_cast<uint32_t>(v));
  };
  bool good = true;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): out.seconds = static_cast<int64_t>(in.varint()); break;
      case real_tag(3): out.min = in.real(); break;
      case real_tag(4): out.max = in.real(); break;
      case real_tag(6): sum = in.real(); break;
      case varint_tag(7): add_key(in.varint()); break;
      case bytes_tag(7): good = each_varint(in.bytes(), add_key) && good; break;
      case varint_tag(8): add_count(in.varint()); break;
      case bytes_tag(8): good = each_varint(in.bytes(), add_count) && good; break;
      default: in.skip(tag);
    }
  }
  if (in.failed() || !good) return Error(Code::kInvalid, "malformed protobuf");
  if (keys.size() != counts.size() || keys.size() > kKeysMax)
    return Error(Code::kInvalid,
                 std::to_string(keys.size()) + " keys with " + std::to_string(counts.size()) + " counts");
  if (out.seconds < 0 || out.seconds > 100'000'000'000) return Error(Code::kInvalid, "a time that cannot be");
  for (size_t i = 0; i < keys.size(); ++i) {
    int32_t key = keys[i];
    if (key > kInfinityKey || key < -kInfinityKey) return Error(Code::kInvalid, "key " + std::to_string(key));
    double value = value_of(key);
    if (key == kInfinityKey) value = out.max;
    if (key == -kInfinityKey) value = out.min;
    out.histogram.observe(value, counts[i], kBucketsMax);
  }
  out.histogram.sum = sum;
  return out;
}

}  // namespace clew::wire
