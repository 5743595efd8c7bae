#include "wire/batch_body.h"

#include <gtest/gtest.h>

#include "columnar/part.h"

namespace clew::wire {
namespace {

constexpr int64_t kTime = 1'763'719'200'000'000'000;

model::Batch batch_of(const std::string& dataset, uint32_t rows) {
  model::Batch batch(dataset);
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t row = batch.begin_row();
    batch.column(model::kTimeField)->add_time(row, kTime + i);
    batch.column("message")->add_string(row, "line " + std::to_string(i));
    batch.end_row();
  }
  return batch;
}

std::string body_of(const std::vector<model::Batch>& batches) {
  std::string body;
  columnar::BatchEncoder encoder;
  for (const model::Batch& batch : batches) append_part(encoder.encode(batch), body);
  return body;
}

std::string body_of(model::Batch batch) {
  std::vector<model::Batch> one;
  one.push_back(std::move(batch));
  return body_of(one);
}

// Decodes a body that must be refused.
struct Refused {
  explicit Refused(const std::string& body) : error(Code::kInternal, "it was taken") {
    Result<Events> events = decode_batch_body(body, refusal);
    if (!events.ok()) error = events.error();
  }
  BatchRefusal refusal;
  Error error;
};

TEST(BatchBody, PartsBecomeBatches) {
  std::vector<model::Batch> batches;
  batches.push_back(batch_of("logs", 3));
  batches.push_back(batch_of("shop", 2));
  BatchRefusal refusal;
  Result<Events> events = decode_batch_body(body_of(batches), refusal);
  ASSERT_TRUE(events.ok()) << events.error().message();
  EXPECT_EQ(events->received, 5u);
  ASSERT_EQ(events->batches.size(), 2u);
  EXPECT_EQ(events->batches[1].dataset(), "shop");
  EXPECT_EQ(events->batches[1].find("message")->text_at(1), "line 1");
}

TEST(BatchBody, AnEntryOfAQueueHasOnePartOrSeveral) {
  columnar::BatchEncoder encoder;
  std::vector<std::string> parts{encoder.encode(batch_of("logs", 3))};
  std::string one = join_parts(parts);
  EXPECT_EQ(one, parts[0]);  // as queues held it before there were several
  parts.push_back(encoder.encode(batch_of("shop", 2)));
  for (const auto& [entry, rows] : {std::pair{one, 3u}, std::pair{join_parts(parts), 5u}}) {
    std::string body;
    append_entry(entry, body);
    BatchRefusal refusal;
    Result<Events> events = decode_batch_body(body, refusal);
    ASSERT_TRUE(events.ok()) << events.error().message();
    EXPECT_EQ(events->received, rows);
  }
}

TEST(BatchBody, CutAtEveryByteItIsRefused) {
  std::string body = body_of(batch_of("logs", 3));
  for (size_t cut = 0; cut < body.size(); ++cut) {
    Refused refused(body.substr(0, cut));
    EXPECT_EQ(refused.error.code(), Code::kInvalid) << cut;
    EXPECT_EQ(refused.refusal.events, 1u);
  }
}

TEST(BatchBody, EveryFlippedByteIsRefusedOrChangesNothingThatIsSummed) {
  std::string body = body_of(batch_of("logs", 3));
  for (size_t at = 4; at < body.size(); ++at) {
    std::string flipped = body;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    Refused refused(flipped);
    EXPECT_EQ(refused.error.code(), Code::kInvalid) << at << ": " << refused.error.message();
  }
}

TEST(BatchBody, ErrorsNameThePartAndTheReason) {
  std::string good = body_of(batch_of("logs", 3));
  Refused cut(good + good.substr(0, 30));
  EXPECT_EQ(cut.error.message(), "part 2 at byte " + std::to_string(good.size()) + " is longer than the body");
  EXPECT_EQ(cut.refusal.reason, "syntax");
  EXPECT_EQ(cut.refusal.events, 3u);

  std::string damaged = good;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  Refused corrupt(damaged);
  EXPECT_EQ(corrupt.refusal.reason, "corrupt");
  EXPECT_TRUE(corrupt.error.message().starts_with("part 1 at byte 0: ")) << corrupt.error.message();

  Refused twice(good + good);
  EXPECT_EQ(twice.error.message(),
            "part 2 at byte " + std::to_string(good.size()) + ": a second part of the dataset \"logs\": join them");
}

TEST(BatchBody, DatasetsThatNoClientWritesToAreForbidden) {
  Refused own(body_of(batch_of("clew", 2)));
  EXPECT_EQ(own.error.code(), Code::kForbidden);
  EXPECT_EQ(own.refusal.reason, "bad_name");
  EXPECT_EQ(own.refusal.events, 2u);
  EXPECT_EQ(Refused(body_of(batch_of("Not a name", 1))).refusal.reason, "bad_name");
}

TEST(BatchBody, FieldsOfTheStoreAreRefused) {
  for (const char* name : {"_seq", "_ingest_time", "_error_group", "_dataset"}) {
    model::Batch batch = batch_of("logs", 2);
    batch.column(name)->add_int(1, 5);
    Refused refused(body_of(std::move(batch)));
    EXPECT_EQ(refused.refusal.reason, "own_field") << name;
    EXPECT_NE(refused.error.message().find(name), std::string::npos) << refused.error.message();
  }
}

TEST(BatchBody, FieldsThatReadersRelyOnHaveTheirKind) {
  model::Batch flags = batch_of("logs", 2);
  flags.column(model::kFlagsField)->add_string(0, "truncated");
  EXPECT_EQ(Refused(body_of(std::move(flags))).refusal.reason, "own_field");
  model::Batch raw = batch_of("logs", 2);
  raw.column(model::kRawField)->add_int(0, 7);
  EXPECT_EQ(Refused(body_of(std::move(raw))).refusal.reason, "own_field");
  model::Batch weight = batch_of("logs", 2);
  weight.column("_weight")->add_string(0, "many");
  EXPECT_EQ(Refused(body_of(std::move(weight))).refusal.reason, "own_field");
}

TEST(BatchBody, AFieldOfADocumentMayBeginWithAnUnderscore) {
  model::Batch batch = batch_of("logs", 1);
  batch.column("_mine")->add_int(0, 5);
  BatchRefusal refusal;
  EXPECT_TRUE(decode_batch_body(body_of(std::move(batch)), refusal).ok());
}

// Few bytes may stand for many: the same text in every row.
TEST(BatchBody, FewBytesDoNotBecomeTooMany) {
  constexpr uint64_t kMost = 1'000'000;
  model::Batch batch = batch_of("logs", 2'000);
  std::string text(1'000, 'x');
  for (uint32_t row = 0; row < batch.rows(); ++row) batch.column("same")->add_string(row, text);
  std::string body = body_of(std::move(batch));
  EXPECT_LT(body.size(), kMost / 10);
  BatchRefusal refusal;
  EXPECT_EQ(decode_batch_body(body, refusal, kMost).error().code(), Code::kTooLarge);
  EXPECT_EQ(refusal.reason, "too_large");
  EXPECT_TRUE(decode_batch_body(body, refusal, 3 * kMost).ok());
}

// What one part takes, the next one lacks.
TEST(BatchBody, TheTextsOfAllPartsCount) {
  std::vector<model::Batch> batches;
  for (const char* dataset : {"logs", "shop"}) {
    batches.push_back(batch_of(dataset, 1));
    batches.back().column("text")->add_string(0, std::string(600, 'x'));
  }
  BatchRefusal refusal;
  EXPECT_EQ(decode_batch_body(body_of(batches), refusal, 1'000).error().code(), Code::kTooLarge);
  EXPECT_EQ(refusal.events, 1u);
}

}  // namespace
}  // namespace clew::wire
