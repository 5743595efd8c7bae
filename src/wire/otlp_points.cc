#include "wire/otlp_points.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "model/json_text.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t fixed_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }

constexpr uint64_t kNoRecordedValue = 1;  // of the flags

ProtoProblem end_of(const ProtoReader& in) {
  if (in.failed()) return {"malformed protobuf", in.position()};
  return {};
}

double signed_fixed(ProtoReader& in) { return static_cast<double>(static_cast<int64_t>(in.fixed64())); }

int32_t zigzag32(uint64_t v) { return static_cast<int32_t>(base::unzigzag(v & UINT32_MAX)); }

template <class T>
bool append_fixed(std::string_view packed, std::vector<double>& out) {
  if (packed.size() % 8 != 0 || out.size() + packed.size() / 8 > kPointBucketsMax) return false;
  for (size_t at = 0; at < packed.size(); at += 8) {
    T v;
    std::memcpy(&v, packed.data() + at, 8);
    out.push_back(static_cast<double>(v));
  }
  return true;
}

ProtoProblem too_many(std::string_view message) { return {"too many buckets, or a list cut short,", message.data()}; }

ProtoProblem read_side(std::string_view message, ExponentialHistogram::Side& side) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): side.offset = zigzag32(in.varint()); break;
      case varint_tag(2): side.counts.push_back(static_cast<double>(in.varint())); break;
      case bytes_tag(2): {
        std::string_view packed = in.bytes();
        ProtoReader list(packed);
        while (list.position() != packed.data() + packed.size() && !list.failed() &&
               side.counts.size() <= kPointBucketsMax)
          side.counts.push_back(static_cast<double>(list.varint()));
        if (list.failed()) return {"malformed protobuf", list.position()};
        break;
      }
      default: in.skip(tag);
    }
    if (side.counts.size() > kPointBucketsMax) return too_many(message);
  }
  return end_of(in);
}

ProtoProblem read_quantile(std::string_view message, std::vector<OtlpPoint::Quantile>& out) {
  OtlpPoint::Quantile q;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case fixed_tag(1): q.quantile = in.real(); break;
      case fixed_tag(2): q.value = in.real(); break;
      default: in.skip(tag);
    }
  }
  if (out.size() >= kPointBucketsMax) return too_many(message);
  out.push_back(q);
  return end_of(in);
}

ProtoProblem add_attribute(std::string_view bytes, OtlpPoint& point) {
  if (point.attributes.size() >= kPointAttributesMax) return {"more than 1024 attributes", bytes.data()};
  point.attributes.push_back(bytes);
  return {};
}

void add_exemplar(std::string_view bytes, OtlpPoint& point) {
  if (point.exemplars.size() < kPointExemplarsMax) point.exemplars.push_back(bytes);
}

ProtoProblem read_number(std::string_view message, OtlpPoint& p) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case fixed_tag(2): p.start = in.fixed64(); break;
      case fixed_tag(3): p.time = in.fixed64(); break;
      case fixed_tag(4): p.value = in.real(); break;
      case fixed_tag(6): p.value = signed_fixed(in); break;
      case bytes_tag(5): add_exemplar(in.bytes(), p); break;
      case bytes_tag(7):
        if (ProtoProblem wrong = add_attribute(in.bytes(), p)) return wrong;
        break;
      case varint_tag(8): p.no_value = (in.varint() & kNoRecordedValue) != 0; break;
      default: in.skip(tag);
    }
  }
  return end_of(in);
}

// Fields that points of all kinds but numbers have alike. False for another one, which is not read.
bool read_total(uint32_t tag, ProtoReader& in, OtlpPoint& p) {
  switch (tag) {
    case fixed_tag(2): p.start = in.fixed64(); return true;
    case fixed_tag(3): p.time = in.fixed64(); return true;
    case fixed_tag(4): p.count = in.fixed64(); return true;
    case fixed_tag(5):
      p.sum = in.real();
      p.has_sum = true;
      return true;
    default: return false;
  }
}

ProtoProblem read_histogram(std::string_view message, OtlpPoint& p) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case fixed_tag(6): p.bucket_counts.push_back(static_cast<double>(in.fixed64())); break;
      case bytes_tag(6):
        if (!append_fixed<uint64_t>(in.bytes(), p.bucket_counts)) return too_many(message);
        break;
      case fixed_tag(7): p.bounds.push_back(in.real()); break;
      case bytes_tag(7):
        if (!append_fixed<double>(in.bytes(), p.bounds)) return too_many(message);
        break;
      case bytes_tag(8): add_exemplar(in.bytes(), p); break;
      case bytes_tag(9):
        if (ProtoProblem wrong = add_attribute(in.bytes(), p)) return wrong;
        break;
      case varint_tag(10): p.no_value = (in.varint() & kNoRecordedValue) != 0; break;
      case fixed_tag(11):
        p.min = in.real();
        p.has_min = true;
        break;
      case fixed_tag(12):
        p.max = in.real();
        p.has_max = true;
        break;
      default:
        if (!read_total(tag, in, p)) in.skip(tag);
    }
    if (p.bucket_counts.size() > kPointBucketsMax || p.bounds.size() > kPointBucketsMax) return too_many(message);
  }
  return end_of(in);
}

ProtoProblem read_exponential(std::string_view message, OtlpPoint& p) {
  ExponentialHistogram& h = p.exponential;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1):
        if (ProtoProblem wrong = add_attribute(in.bytes(), p)) return wrong;
        break;
      case varint_tag(6): h.scale = zigzag32(in.varint()); break;
      case fixed_tag(7): h.zero_count = static_cast<double>(in.fixed64()); break;
      case bytes_tag(8):
        if (ProtoProblem wrong = read_side(in.bytes(), h.positive)) return wrong;
        break;
      case bytes_tag(9):
        if (ProtoProblem wrong = read_side(in.bytes(), h.negative)) return wrong;
        break;
      case varint_tag(10): p.no_value = (in.varint() & kNoRecordedValue) != 0; break;
      case bytes_tag(11): add_exemplar(in.bytes(), p); break;
      case fixed_tag(12):
        p.min = in.real();
        p.has_min = true;
        break;
      case fixed_tag(13):
        p.max = in.real();
        p.has_max = true;
        break;
      case fixed_tag(14): h.zero_threshold = in.real(); break;
      default:
        if (!read_total(tag, in, p)) in.skip(tag);
    }
  }
  h.count = static_cast<double>(p.count);
  h.sum = p.sum;
  if (!(h.zero_threshold > 0)) h.zero_threshold = kZeroThresholdDefault;
  return end_of(in);
}

ProtoProblem read_summary(std::string_view message, OtlpPoint& p) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(6):
        if (ProtoProblem wrong = read_quantile(in.bytes(), p.quantiles)) return wrong;
        break;
      case bytes_tag(7):
        if (ProtoProblem wrong = add_attribute(in.bytes(), p)) return wrong;
        break;
      case varint_tag(8): p.no_value = (in.varint() & kNoRecordedValue) != 0; break;
      default:
        if (!read_total(tag, in, p)) in.skip(tag);
    }
  }
  return end_of(in);
}

std::string_view number_text(double v, std::string& buffer) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  std::array<char, 40> text{};
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), v);
  buffer.assign(text.data(), error == std::errc() ? end : text.data());
  return buffer;
}

}  // namespace

void OtlpPoint::clear() {
  start = time = count = 0;
  no_value = has_sum = has_min = has_max = false;
  value = sum = min = max = 0;
  attributes.clear();
  exemplars.clear();
  bucket_counts.clear();
  bounds.clear();
  quantiles.clear();
  exponential = {};
}

ProtoProblem read_point(OtlpPointKind kind, std::string_view message, OtlpPoint& point) {
  point.clear();
  switch (kind) {
    case OtlpPointKind::kNumber: return read_number(message, point);
    case OtlpPointKind::kHistogram: return read_histogram(message, point);
    case OtlpPointKind::kExponential: return read_exponential(message, point);
    case OtlpPointKind::kSummary: break;
  }
  return read_summary(message, point);
}

ProtoProblem read_exemplar(std::string_view message, OtlpExemplar& e) {
  e.time = 0;
  e.value = 0;
  e.trace_id = e.span_id = {};
  e.attributes.clear();
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case fixed_tag(2): e.time = in.fixed64(); break;
      case fixed_tag(3): e.value = in.real(); break;
      case fixed_tag(6): e.value = signed_fixed(in); break;
      case bytes_tag(4): e.span_id = in.bytes(); break;
      case bytes_tag(5): e.trace_id = in.bytes(); break;
      case bytes_tag(7):
        e.attributes.push_back(in.bytes());
        if (e.attributes.size() > kPointAttributesMax) return {"more than 1024 attributes", message.data()};
        break;
      default: in.skip(tag);
    }
  }
  return end_of(in);
}

ProtoProblem read_otlp_key_value(std::string_view message, OtlpKeyValue& out) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    if (tag == bytes_tag(1))
      out.key = in.bytes();
    else if (tag == bytes_tag(2))
      out.any = in.bytes();
    else
      in.skip(tag);
  }
  return end_of(in);
}

ProtoProblem read_otlp_scalar(std::string_view any, std::string& buffer, std::string_view& text, bool& scalar) {
  scalar = true;
  text = {};
  ProtoReader in(any);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1): text = in.bytes(); break;
      case varint_tag(2): text = in.varint() != 0 ? "true" : "false"; break;
      case varint_tag(3):
        buffer = std::to_string(static_cast<int64_t>(in.varint()));
        text = buffer;
        break;
      case fixed_tag(4): text = number_text(in.real(), buffer); break;
      case bytes_tag(7):
        buffer.clear();
        model::append_base64(in.bytes(), buffer);
        text = buffer;
        break;
      case bytes_tag(5):
      case bytes_tag(6): scalar = false; return {};
      default: in.skip(tag);
    }
  }
  return end_of(in);
}

}  // namespace clew::wire
