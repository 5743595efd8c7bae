// Requests that hold much in few bytes.
#include "wire/jaeger.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace clew::wire {
namespace {

constexpr uint32_t kMany = 3'000'000;

Intake intake() { return {.arrival = UnixNanos(1'795'171'025'000'000'000), .dataset = "logs", .zone = {}}; }

void append_be(uint64_t v, int bytes, std::string& out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

// A field of Thrift's binary form that is a list of `count` structs, each but its end.
std::string thrift_structs(int16_t field, uint32_t count) {
  std::string out("\x0f", 1);
  append_be(static_cast<uint64_t>(field), 2, out);
  out.push_back('\x0c');
  append_be(count, 4, out);
  return out.append(count, '\0');
}

std::string thrift_id(int16_t field, uint64_t id) {
  std::string out("\x0a", 1);
  append_be(static_cast<uint64_t>(field), 2, out);
  append_be(id, 8, out);
  return out;
}

// The most memory that this process has had so far.
int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

TEST(Jaeger, MillionsOfEmptySpansAreRejectedOneByOne) {
  std::string batch = thrift_structs(2, kMany) + '\0';
  int64_t before = peak_bytes();
  JaegerDecoder decoder;
  Result<Events> events = decoder.decode_batch(batch, ThriftForm::kBinary, intake());
  ASSERT_TRUE(events.ok()) << events.error().message();
  EXPECT_EQ(events->received, kMany);
  EXPECT_EQ(events->rejected, kMany);
  EXPECT_EQ(events->rejections.size(), kRejectionsMax);
  EXPECT_LT(peak_bytes() - before, 200 << 20);  // as spans they would be a gigabyte
}

TEST(Jaeger, ASpanOfMillionsOfPartsIsTooLarge) {
  for (int16_t list : std::initializer_list<int16_t>{6, 10, 11}) {
    std::string span = thrift_id(1, 7) + thrift_id(3, 8) + thrift_structs(list, kMany) + '\0';
    std::string batch("\x0f\x00\x02\x0c\x00\x00\x00\x01", 8);
    JaegerDecoder decoder;
    Result<Events> events = decoder.decode_batch(batch + span + '\0', ThriftForm::kBinary, intake());
    ASSERT_TRUE(events.ok()) << events.error().message();
    ASSERT_EQ(events->rejections.size(), 1u) << list;
    EXPECT_EQ(events->rejections[0].reason, Reason::kTooLarge);
    EXPECT_EQ(events->rejections[0].message, "span 1: more than 1,000,000 tags, logs and references");
  }
}

TEST(Jaeger, ATraceOfTooManyProcessesIsRefused) {
  std::string json = R"({"spans":[],"processes":{)";
  for (int i = 0; i < 100'001; ++i) json += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  JaegerDecoder decoder;
  Result<Events> events = decoder.decode_json(json + "}}", intake());
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace clew::wire
