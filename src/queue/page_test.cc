// The examples of docs/formats/queue.md are what the code writes.
#include <gtest/gtest.h>

#include "base/test_page.h"
#include "os/sim_clock.h"
#include "queue/queue_record.h"

namespace clew::queue {
namespace {

constexpr const char* kPage = "docs/formats/queue.md";

QueueRecord example_record() {
  return {.offset = 300,
          .rows = 2,
          .acknowledged = 290,
          .appended_at = 1'763'719'200'000'000'000,
          .batch_crc = 0x70fe7f5e,
          .places = {{"/var/log/app.log", "4096"}, {"old.log", ""}}};
}

QueueState example_state() {
  return {.generation = 3,
          .producer = "0123456789abcdef01234567",
          .reserved = 1'048'577,
          .acknowledged = 290,
          .applied = 300,
          .appended_rows = 600,
          .acknowledged_rows = 580,
          .places = {{"/var/log/app.log", "4096"}}};
}

TEST(QueuePage, Record) {
  EXPECT_EQ(base::hex_dump(encode_record(example_record())), base::page_example(kPage, "record"));
}

TEST(QueuePage, State) { EXPECT_EQ(base::hex_dump(encode_state(example_state())), base::page_example(kPage, "state")); }

TEST(QueueRecord, ComesBackAndIsRefusedWhenCut) {
  std::string bytes = encode_record(example_record());
  auto record = decode_record(bytes);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(encode_record(*record), bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_record(bytes.substr(0, cut)).ok()) << cut;
  EXPECT_FALSE(decode_record(bytes + "x").ok());
  bytes[1] = 2;
  EXPECT_EQ(decode_record(bytes).error().code(), Code::kUnsupported);
}

TEST(QueueRecord, IsDescribedForPeople) {
  std::string text = describe_record(encode_record(example_record()));
  EXPECT_EQ(text, "queue entry 300, 2 rows, 290 acknowledged, \"/var/log/app.log\" at \"4096\", \"old.log\" at \"\"");
  EXPECT_EQ(describe_record("\1\1"), "");
}

TEST(QueueState, ComesBackAndEveryFlippedBitIsSeen) {
  std::string bytes = encode_state(example_state());
  auto state = decode_state(bytes + "what follows");
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(encode_state(*state), bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_state(flipped).ok()) << bit;
  }
}

}  // namespace
}  // namespace clew::queue
