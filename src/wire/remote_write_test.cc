#include "wire/remote_write.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/bytes.h"
#include "wire/metric_text.h"

namespace clew::wire {
namespace {

// Protobuf by hand.
class Message {
 public:
  Message& bytes(uint32_t field, std::string_view value) {
    base::Writer to(out_);
    to.varint(field << 3 | 2);
    to.string(value);
    return *this;
  }
  Message& varint(uint32_t field, uint64_t value) {
    base::Writer to(out_);
    to.varint(field << 3);
    to.varint(value);
    return *this;
  }
  Message& real(uint32_t field, double value) {
    base::Writer to(out_);
    to.varint(field << 3 | 1);
    to.f64(value);
    return *this;
  }
  operator std::string_view() const { return out_; }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
};

Message label(std::string_view name, std::string_view value) { return Message().bytes(1, name).bytes(2, value); }
Message sample(double value, int64_t millis) {
  return Message().real(1, value).varint(2, static_cast<uint64_t>(millis));
}

std::string packed(std::initializer_list<uint64_t> values) {
  std::string out;
  base::Writer to(out);
  for (uint64_t v : values) to.varint(v);
  return out;
}

TEST(RemoteWrite, Version1) {
  Message series = Message()
                       .bytes(1, label("job", "api"))
                       .bytes(1, label("__name__", "up"))  // out of order
                       .bytes(1, label("empty", ""))
                       .bytes(2, sample(1.5, 1000))
                       .bytes(2, sample(2, 2000))
                       .bytes(3, Message().bytes(1, label("trace_id", "t")).real(2, 0.5).varint(3, 1500));
  Message metadata = Message().varint(1, 1).bytes(2, "up").bytes(4, "Help.").bytes(5, "s");
  Message request = Message().bytes(1, series).bytes(3, metadata);
  RemoteWriteDecoder decoder;
  for (int round = 0; round < 2; ++round) {  // the decoder is used again
    Result<const model::MetricBatch*> got = decoder.decode_v1(request);
    ASSERT_TRUE(got.ok()) << got.error().message();
    const model::MetricBatch& batch = **got;
    ASSERT_EQ(batch.series().size(), 1u);
    EXPECT_EQ(model::to_text(batch.labels_of(batch.series()[0])), R"(up{job="api"})");
    ASSERT_EQ(batch.samples().size(), 2u);
    EXPECT_EQ(batch.samples()[1].millis, 2000);
    EXPECT_EQ(batch.samples()[0].value, 1.5);
    ASSERT_EQ(batch.exemplars().size(), 1u);
    EXPECT_EQ(batch.exemplars()[0].labels.get("trace_id"), "t");
    EXPECT_EQ(batch.metadata().at("up").type, model::MetricType::kCounter);
    EXPECT_EQ(batch.metadata().at("up").unit, "s");
  }
}

Message histogram() {
  return Message()
      .varint(1, 6)
      .real(3, 12.5)
      .varint(4, base::zigzag(1))
      .real(5, 0.001)
      .varint(6, 1)
      .bytes(11, Message().varint(1, base::zigzag(-1)).varint(2, 2))
      .bytes(12, packed({base::zigzag(2), base::zigzag(1)}))
      .varint(14, 2)
      .varint(15, 3000);
}

TEST(RemoteWrite, HistogramsAddUpTheirDeltas) {
  RemoteWriteDecoder decoder;
  Message series = Message().bytes(1, label("__name__", "h")).bytes(4, histogram());
  Result<const model::MetricBatch*> got = decoder.decode_v1(Message().bytes(1, series));
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ((*got)->histograms().size(), 1u);
  const model::Histogram& h = *(*got)->histograms()[0].histogram;
  EXPECT_EQ((*got)->histograms()[0].millis, 3000);
  EXPECT_TRUE(h.whole);
  EXPECT_EQ(h.count, 6);
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.reset, model::CounterReset::kNotReset);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{2, 3}));
  EXPECT_EQ(h.positive_spans, (std::vector<model::BucketSpan>{{-1, 2}}));
  Message bad = Message().varint(1, 6).bytes(11, Message().varint(2, 3));
  got = decoder.decode_v1(Message().bytes(1, Message().bytes(1, label("__name__", "h")).bytes(4, bad)));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message(), "a histogram's spans do not fit its buckets");
}

TEST(RemoteWrite, Version2) {
  Message request;
  for (const char* symbol : {"", "__name__", "requests_total", "job", "api", "Requests.", "trace_id", "t"})
    request.bytes(4, symbol);
  Message series = Message()
                       .bytes(1, packed({1, 2, 3, 4}))
                       .bytes(2, sample(5, 1000))
                       .bytes(3, histogram())
                       .bytes(4, Message().bytes(1, packed({6, 7})).real(2, 0.5).varint(3, 900))
                       .bytes(5, Message().varint(1, 1).varint(3, 5))
                       .varint(6, 400);
  request.bytes(5, series);
  RemoteWriteDecoder decoder;
  Result<const model::MetricBatch*> got = decoder.decode_v2(request);
  ASSERT_TRUE(got.ok()) << got.error().message();
  const model::MetricBatch& batch = **got;
  EXPECT_EQ(model::to_text(batch.labels_of(batch.series()[0])), R"(requests_total{job="api"})");
  EXPECT_EQ(batch.starts(), (std::vector<int64_t>{400}));
  EXPECT_EQ(batch.histograms()[0].start_millis, 400);
  EXPECT_EQ(batch.exemplars()[0].labels.get("trace_id"), "t");
  EXPECT_EQ(batch.metadata().at("requests_total").help, "Requests.");
  got = decoder.decode_v2(Message().bytes(4, "").bytes(5, Message().bytes(1, packed({0, 9}))));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message(), "a label refers to symbol 9 of 1");
  got = decoder.decode_v2(Message().bytes(4, "").bytes(5, Message().bytes(1, packed({0}))));
  ASSERT_FALSE(got.ok());
}

TEST(RemoteWrite, WhatIsEncodedIsDecoded) {
  model::MetricBatch batch;
  model::Labels up = model::Labels::of({{"__name__", "up"}, {"job", "a"}});
  batch.begin_series(up);
  batch.add_sample(-5, 1.5);
  batch.add_sample(1'796'032'800'000, -0.0);
  batch.begin_series(model::Labels::of({{"__name__", "none"}}));
  batch.set_metadata("up", {model::MetricType::kGauge, "s", "Up."});
  std::string body;
  encode_remote_write(batch, body);
  RemoteWriteDecoder decoder;
  Result<const model::MetricBatch*> got = decoder.decode_v1(body);
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ((*got)->series().size(), 2u);
  EXPECT_EQ((*got)->labels_of((*got)->series()[0]), up.view());
  EXPECT_EQ((*got)->samples()[0].millis, -5);
  EXPECT_TRUE(std::signbit((*got)->samples()[1].value));
  EXPECT_EQ((*got)->metadata(), batch.metadata());
}

TEST(RemoteWrite, WhatIsCutIsRefusedOrShorter) {
  Message series = Message().bytes(1, label("__name__", "up")).bytes(2, sample(1, 1)).bytes(4, histogram());
  std::string whole = Message().bytes(1, series).text();
  RemoteWriteDecoder decoder;
  for (size_t n = 1; n < whole.size(); ++n) {
    Result<const model::MetricBatch*> got = decoder.decode_v1(std::string_view(whole).substr(0, n));
    EXPECT_FALSE(got.ok()) << n;
  }
  EXPECT_TRUE(decoder.decode_v1("").ok());
  Result<const model::MetricBatch*> got = decoder.decode_v1("{\"streams\":[]}");
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message().find("no prometheus.WriteRequest"), std::string::npos);
}

// Everything but the start time that 1.0 has no place for, which clew keeps all the same.
TEST(RemoteWrite, WhatIsEncodedIsReadAgain) {
  model::MetricBatch batch;
  batch.begin_series(model::Labels::of({{"__name__", "hits_total"}, {"job", "api"}}));
  batch.add_sample(1000, 1.5, 500);
  batch.add_sample(2000, 2);
  batch.add_exemplar({model::Labels::of({{"trace_id", "t"}}), 0.5, 1500});
  model::Histogram whole;
  whole.schema = 3;
  whole.whole = true;
  whole.zero_threshold = 1e-128;
  whole.zero_count = 1;
  whole.count = 7;
  whole.sum = 9.5;
  whole.positive_spans = {{-2, 2}, {3, 1}};
  whole.positive_buckets = {1, 2, 3};
  model::Histogram real;
  real.schema = -1;
  real.zero_count = 0.5;
  real.count = 1.75;
  real.sum = -3;
  real.negative_spans = {{0, 1}};
  real.negative_buckets = {1.25};
  model::Histogram custom;
  custom.schema = model::kCustomBuckets;
  custom.whole = true;
  custom.count = 3;
  custom.sum = 4;
  custom.positive_spans = {{0, 2}};
  custom.positive_buckets = {1, 2};
  custom.custom_bounds = {0.5};
  batch.begin_series(model::Labels::of({{"__name__", "latency"}}));
  batch.add_histogram(1000, std::make_shared<model::Histogram>(whole), 500);
  batch.add_histogram(2000, std::make_shared<model::Histogram>(real));
  batch.add_histogram(3000, std::make_shared<model::Histogram>(custom));
  batch.set_metadata("hits_total", {model::MetricType::kCounter, "", "Hits."});
  std::string body;
  encode_remote_write(batch, body);
  RemoteWriteDecoder decoder;
  Result<const model::MetricBatch*> read = decoder.decode_v1(body);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(metric_text(**read), metric_text(batch));
  EXPECT_EQ((*read)->histograms()[0].histogram->zero_threshold, 1e-128);
}

}  // namespace
}  // namespace clew::wire
