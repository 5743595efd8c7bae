#include "wire/remote_read.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "wire/histogram_proto.h"
#include "wire/protobuf.h"
#include "wire/xor_chunk.h"

namespace clew::wire {
namespace {

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

constexpr uint64_t kSamples = 0;  // response types
constexpr uint64_t kStreamedChunks = 1;
constexpr uint64_t kEncodingXor = 1;

bool read_matcher(std::string_view message, contract::LabelMatcher& matcher) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): {
        uint64_t op = in.varint();  // EQ, NEQ, RE, NRE
        if (op > 3) return false;
        matcher.op = static_cast<contract::MatchOp>(op);
        break;
      }
      case bytes_tag(2): matcher.name = in.bytes(); break;
      case bytes_tag(3): matcher.value = in.bytes(); break;
      default: in.skip(tag);
    }
  }
  return !in.failed();
}

bool read_hints(std::string_view message, contract::MetricScan& scan) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): scan.step_millis = static_cast<int64_t>(in.varint()); break;
      case bytes_tag(2): scan.function = in.bytes(); break;
      case varint_tag(7): scan.range_millis = static_cast<int64_t>(in.varint()); break;
      default: in.skip(tag);
    }
  }
  return !in.failed();
}

bool read_query(std::string_view message, contract::MetricScan& scan) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): scan.from_millis = static_cast<int64_t>(in.varint()); break;
      case varint_tag(2): scan.to_millis = static_cast<int64_t>(in.varint()); break;
      case bytes_tag(3):
        if (!read_matcher(in.bytes(), scan.matchers.emplace_back())) return false;
        break;
      case bytes_tag(4):
        if (!read_hints(in.bytes(), scan)) return false;
        break;
      default: in.skip(tag);
    }
  }
  return !in.failed();
}

void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  base::Writer(out).varint(bytes_tag(field));
  base::Writer(out).string(bytes);
}

void put_varint(uint32_t field, uint64_t value, std::string& out) {
  base::Writer(out).varint(varint_tag(field));
  base::Writer(out).varint(value);
}

void put_labels(model::LabelsView labels, std::string& out) {
  std::string inner;
  for (model::Label label : labels) {
    inner.clear();
    put_bytes(1, label.name, inner);
    put_bytes(2, label.value, inner);
    put_bytes(1, inner, out);
  }
}

}  // namespace

Result<ReadRequest> decode_read_request(std::string_view body) {
  ReadRequest request;
  bool types_given = false;
  auto take_type = [&](uint64_t type) {
    types_given = true;
    request.takes_samples |= type == kSamples;
    request.takes_chunks |= type == kStreamedChunks;
  };
  ProtoReader in(body);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1): {
        std::string_view message = in.bytes();
        if (request.queries.size() == kReadQueriesMax) {
          return Error(Code::kTooLarge, "a read request has more than 100 queries");
        }
        contract::MetricScan& scan = request.queries.emplace_back();
        if (!read_query(message, scan)) {
          return Error(Code::kInvalid, "no prometheus.ReadRequest: malformed query at byte " +
                                           std::to_string(message.data() - body.data()));
        }
        if (scan.matchers.size() > kReadMatchersMax) {
          return Error(Code::kTooLarge, "a query of a read request has more than 1000 matchers");
        }
        break;
      }
      case varint_tag(2): take_type(in.varint()); break;
      case bytes_tag(2): {
        std::string_view packed = in.bytes();
        ProtoReader types(packed);
        while (types.position() != packed.data() + packed.size() && !types.failed()) take_type(types.varint());
        break;
      }
      default: in.skip(tag);
    }
  }
  if (in.failed()) {
    return Error(Code::kInvalid, "no prometheus.ReadRequest: malformed protobuf at byte " +
                                     std::to_string(in.position() - body.data()));
  }
  if (!types_given) request.takes_samples = true;
  return request;
}

void append_read_series(model::LabelsView labels, const model::SampleColumns& samples, std::string& query_result) {
  std::string series, inner;
  put_labels(labels, series);
  for (size_t i = 0; i < samples.size(); ++i) {
    inner.clear();
    if (const model::Histogram* histogram = samples.histogram(i)) {
      append_histogram_proto(*histogram, samples.millis[i], inner);
      put_bytes(4, inner, series);
      continue;
    }
    base::Writer(inner).varint(real_tag(1));
    base::Writer(inner).f64(samples.values[i]);
    put_varint(2, static_cast<uint64_t>(samples.millis[i]), inner);
    put_bytes(2, inner, series);
  }
  put_bytes(1, series, query_result);
}

void append_query_result(std::string_view query_result, std::string& response) { put_bytes(1, query_result, response); }

void append_chunk_frame(model::LabelsView labels, const model::SampleColumns& samples, size_t query, std::string& out) {
  std::string series, chunk, data;
  put_labels(labels, series);
  for (size_t begin = 0; begin < samples.size(); begin += kXorChunkSamples) {
    size_t count = std::min(kXorChunkSamples, samples.size() - begin);
    data.clear();
    encode_xor_chunk(std::span(samples.millis).subspan(begin, count), std::span(samples.values).subspan(begin, count),
                     data);
    chunk.clear();
    put_varint(1, static_cast<uint64_t>(samples.millis[begin]), chunk);
    put_varint(2, static_cast<uint64_t>(samples.millis[begin + count - 1]), chunk);
    put_varint(3, kEncodingXor, chunk);
    put_bytes(4, data, chunk);
    put_bytes(2, chunk, series);
  }
  std::string message;
  put_bytes(1, series, message);
  if (query != 0) put_varint(2, query, message);
  base::Writer(out).varint(message.size());
  uint32_t sum = base::crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(sum >> shift & 0xff);
  out += message;
}

}  // namespace clew::wire
