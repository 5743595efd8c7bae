#include "span_gen.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <vector>

namespace clew::bench {
namespace {

constexpr size_t kServicesCount = 5;
constexpr const char* kNames[] = {"GET /cart",    "POST /order",   "charge card",  "reserve item",
                                  "send receipt", "SELECT orders", "SELECT stock", "publish"};

uint64_t mix(uint64_t v) {
  v ^= v >> 30;
  v *= 0xbf58476d1ce4e5b9ull;
  v ^= v >> 27;
  v *= 0x94d049bb133111ebull;
  return v ^ v >> 31;
}

void varint(uint64_t v, std::string& out) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}
void bytes(uint32_t field, std::string_view v, std::string& out) {
  varint(field << 3 | 2, out);
  varint(v.size(), out);
  out += v;
}
void fixed64(uint32_t field, uint64_t v, std::string& out) {
  varint(field << 3 | 1, out);
  char raw[8];
  std::memcpy(raw, &v, sizeof raw);
  out.append(raw, sizeof raw);
}
void text_attribute(uint32_t field, std::string_view key, std::string_view value, std::string& out) {
  std::string any;
  bytes(1, value, any);
  std::string pair;
  bytes(1, key, pair);
  bytes(2, any, pair);
  bytes(field, pair, out);
}
void int_attribute(uint32_t field, std::string_view key, uint64_t value, std::string& out) {
  std::string any;
  varint(3 << 3, any);
  varint(value, any);
  std::string pair;
  bytes(1, key, pair);
  bytes(2, any, pair);
  bytes(field, pair, out);
}

std::string id_bytes(uint64_t a) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(a >> shift & 0xff));
  return out;
}

std::string trace_bytes(uint64_t seed, uint64_t number) {
  return id_bytes(mix(seed * 1'000'003 + number * 2 + 1)) + id_bytes(mix(seed * 1'000'003 + number * 2 + 2));
}

}  // namespace

struct SpanGenerator::Span {
  std::string trace;
  uint64_t id = 0;
  uint64_t parent = 0;
  const char* name = "";
  uint64_t kind = 1;
  int64_t start = 0;
  int64_t duration = 0;
  bool failed = false;
};

std::string SpanGenerator::trace_id(uint64_t seed, uint64_t number) {
  std::string out;
  for (char c : trace_bytes(seed, number)) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += digits;
  }
  return out;
}

uint64_t SpanGenerator::random() { return mix(state_ += 0x9e3779b97f4a7c15ull); }

void SpanGenerator::append_span(const Span& span, std::string& out) {
  std::string body;
  bytes(1, span.trace, body);
  bytes(2, id_bytes(span.id), body);
  if (span.parent != 0) bytes(4, id_bytes(span.parent), body);
  bytes(5, span.name, body);
  varint(6 << 3, body);
  varint(span.kind, body);
  fixed64(7, static_cast<uint64_t>(span.start), body);
  fixed64(8, static_cast<uint64_t>(span.start + span.duration), body);
  uint64_t r = random();
  char user[24];
  std::snprintf(user, sizeof user, "user-%u", static_cast<unsigned>(r % 100'000));
  char ip[24];
  std::snprintf(ip, sizeof ip, "10.0.%u.%u", static_cast<unsigned>(r >> 20 & 15), static_cast<unsigned>(r >> 28 & 255));
  text_attribute(9, "http.request.method", (r >> 40 & 3) != 0 ? "GET" : "POST", body);
  text_attribute(9, "http.route", span.name, body);
  int_attribute(9, "http.response.status_code", span.failed ? 500 : 200, body);
  text_attribute(9, "user.id", user, body);
  text_attribute(9, "client.address", ip, body);
  int_attribute(9, "thread.id", r >> 44 & 31, body);
  if (span.failed) {
    std::string status;
    bytes(2, "deadline exceeded", status);
    varint(3 << 3, status);
    varint(2, status);
    bytes(15, status, body);
  }
  bytes(2, body, out);
}

void SpanGenerator::append_request(uint64_t spans, std::string& out) {
  std::array<std::string, kServicesCount> scopes;
  for (uint64_t done = 0; done < spans; done += kSpansOfTrace) {
    Span span;
    span.trace = trace_bytes(options_.seed, ++traces_);
    uint64_t ids[kSpansOfTrace];
    int64_t begin = options_.start + static_cast<int64_t>(spans_) * options_.step;
    bool failed = random() % 50 == 0;
    for (uint64_t i = 0; i < kSpansOfTrace; ++i) {
      ids[i] = random() | 1;
      size_t parent = i == 0 ? 0 : i <= 4 ? 0 : i - 4;
      span.id = ids[i];
      span.parent = i == 0 ? 0 : ids[parent];
      size_t service = i % kServicesCount;
      span.name = kNames[(i + random() % 2) % std::size(kNames)];
      span.kind = i % 2 == 0 ? 2 : 3;
      span.start = begin + static_cast<int64_t>(i) * 100'000;
      // A long tail, so that the slowest are few.
      uint64_t r = random();
      span.duration = static_cast<int64_t>(500'000 + r % 20'000'000 + (r % 1000 == 0 ? r >> 34 : 0));
      span.failed = failed && i == kSpansOfTrace - 1;
      append_span(span, scopes[service]);
    }
    spans_ += kSpansOfTrace;
  }
  for (size_t s = 0; s < kServicesCount; ++s) {
    std::string resource;
    text_attribute(1, "service.name", kServices[s], resource);
    text_attribute(1, "host.name", std::string("host-") + std::to_string(s), resource);
    std::string of_service;
    bytes(1, resource, of_service);
    bytes(2, scopes[s], of_service);
    bytes(1, of_service, out);
  }
}

void SpanGenerator::append_wide_trace(uint64_t spans, std::string& out) {
  std::array<std::string, kServicesCount> scopes;
  std::vector<uint64_t> ids;
  Span span;
  span.trace = trace_bytes(options_.seed, 0);
  for (uint64_t i = 0; i < spans; ++i) {
    ids.push_back(random() | 1);
    span.id = ids.back();
    span.parent = i == 0 ? 0 : ids[i - 1 - random() % std::min<uint64_t>(i, 30)];
    span.name = kNames[i % std::size(kNames)];
    span.start = options_.start + static_cast<int64_t>(i) * 20'000;
    span.duration = i == 0 ? static_cast<int64_t>(spans) * 25'000 : static_cast<int64_t>(random() % 5'000'000);
    append_span(span, scopes[i % kServicesCount]);
  }
  for (size_t s = 0; s < kServicesCount; ++s) {
    std::string resource;
    text_attribute(1, "service.name", kServices[s], resource);
    std::string of_service;
    bytes(1, resource, of_service);
    bytes(2, scopes[s], of_service);
    bytes(1, of_service, out);
  }
}

}  // namespace clew::bench
