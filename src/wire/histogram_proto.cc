#include "wire/histogram_proto.h"

#include <cmath>

#include "base/bytes.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

void put_tag(uint32_t field, WireType type, std::string& out) { base::Writer(out).varint(proto_tag(field, type)); }

void put_varint(uint32_t field, uint64_t value, std::string& out) {
  put_tag(field, WireType::kVarint, out);
  base::Writer(out).varint(value);
}
void put_signed(uint32_t field, int64_t value, std::string& out) { put_varint(field, base::zigzag(value), out); }
void put_real(uint32_t field, double value, std::string& out) {
  put_tag(field, WireType::kFixed64, out);
  base::Writer(out).f64(value);
}
void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  put_tag(field, WireType::kBytes, out);
  base::Writer(out).string(bytes);
}

void put_spans(uint32_t field, const std::vector<model::BucketSpan>& spans, std::string& out) {
  std::string inner;
  for (const model::BucketSpan& span : spans) {
    inner.clear();
    put_signed(1, span.offset, inner);
    put_varint(2, span.length, inner);
    put_bytes(field, inner, out);
  }
}

void put_reals(uint32_t field, const std::vector<double>& values, std::string& out) {
  if (values.empty()) return;
  std::string inner;
  for (double value : values) base::Writer(inner).f64(value);
  put_bytes(field, inner, out);
}

// Whole counts as differences to the one before.
void put_deltas(uint32_t field, const std::vector<double>& values, std::string& out) {
  if (values.empty()) return;
  std::string inner;
  int64_t before = 0;
  for (double value : values) {
    int64_t whole = std::llround(value);
    base::Writer(inner).varint(base::zigzag(whole - before));
    before = whole;
  }
  put_bytes(field, inner, out);
}

}  // namespace

void append_histogram_proto(const model::Histogram& h, int64_t millis, std::string& out) {
  bool whole = h.whole;
  if (whole) {
    put_varint(1, static_cast<uint64_t>(std::llround(h.count)), out);
  } else {
    put_real(2, h.count, out);
  }
  put_real(3, h.sum, out);
  put_signed(4, h.schema, out);
  put_real(5, h.zero_threshold, out);
  if (whole) {
    put_varint(6, static_cast<uint64_t>(std::llround(h.zero_count)), out);
  } else {
    put_real(7, h.zero_count, out);
  }
  put_spans(8, h.negative_spans, out);
  if (whole) {
    put_deltas(9, h.negative_buckets, out);
  } else {
    put_reals(10, h.negative_buckets, out);
  }
  put_spans(11, h.positive_spans, out);
  if (whole) {
    put_deltas(12, h.positive_buckets, out);
  } else {
    put_reals(13, h.positive_buckets, out);
  }
  put_varint(14, static_cast<uint64_t>(h.reset), out);
  put_varint(15, static_cast<uint64_t>(millis), out);
  put_reals(16, h.custom_bounds, out);
}

}  // namespace clew::wire
