// Both stores on a simulated disk with a simulated clock, spans and log lines, and PromQL: for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "derive/deriver.h"
#include "logstore/test_store.h"
#include "metricstore/metric_store.h"
#include "query/promql/promql.h"

namespace clew::derive::testing {

constexpr uint64_t kSecondNs = 1'000'000'000;

using Fields = std::vector<std::pair<std::string, std::string>>;

struct TestSpan {
  std::string trace = "t1";
  std::string id = {};
  std::string parent = {};
  std::string service = {};
  std::string name = "GET /";
  std::string kind = "server";
  std::string status = {};
  double seconds = 0.05;
  Fields fields = {};
};

class World {
 public:
  World() : logs(1) {
    options.dir = "/derived";
    logs.options.background_threads = 0;
  }

  // Opens the stores and the deriver as a start does.
  void start() {
    ASSERT_TRUE(logs.open().ok());
    metricstore::MetricStoreOptions how;
    how.dir = "/metrics";
    how.background = false;
    metrics.reset();
    auto opened = metricstore::MetricStore::open(logs.disk, logs.clock, logs.rng, *logs.registry, how);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    metrics = std::move(opened).take();
    auto made = Deriver::open({logs.disk, logs.clock, logs.store->feed(), *metrics, *logs.registry}, options);
    ASSERT_TRUE(made.ok()) << made.error().message();
    deriver = std::move(made).take();
  }
  void stop() {
    deriver.reset();
    if (metrics) metrics->close();
    metrics.reset();
    logs.store.reset();
  }

  void add(const std::vector<TestSpan>& spans) {
    contract::Write write;
    model::Batch& batch = write.batches.emplace_back("traces");
    for (const TestSpan& span : spans) put(batch, span);
    ASSERT_TRUE(logs.write(std::move(write)).ok());
  }
  // Events with texts and numbers: what looks like a number is one.
  void log(const std::vector<Fields>& events, const std::string& dataset = "logs") {
    contract::Write write;
    model::Batch& batch = write.batches.emplace_back(dataset);
    for (const Fields& fields : events) {
      uint32_t row = batch.begin_row();
      batch.column("_time")->add_time(row, logs.clock.now().get());
      for (const auto& [name, value] : fields) put_value(batch, row, name, value);
      batch.end_row();
    }
    ASSERT_TRUE(logs.write(std::move(write)).ok());
  }

  // The clock goes on by an interval, and what is due is done.
  void tick() {
    logs.clock.advance(options.interval_millis * 1'000'000);
    for (int i = 0; i < 100 && deriver->work_once().due_ns == 0; ++i) {
    }
  }

  // Values by labels (as PromQL prints them, without the name).
  std::map<std::string, double> ask(const std::string& promql) {
    std::map<std::string, double> out;
    query::promql::Options how;
    how.clock = &logs.clock;
    auto answer = query::promql::run_instant(*metrics, {}, promql, logs.clock.now().get() / 1'000'000, how);
    EXPECT_TRUE(answer.ok()) << promql << ": " << (answer.ok() ? "" : answer.error().message());
    if (!answer.ok()) return out;
    for (const auto& series : answer->series) out[model::to_text(series.labels)] = series.samples.values.front();
    return out;
  }
  double only(const std::string& promql) {
    auto found = ask(promql);
    EXPECT_EQ(found.size(), 1u) << promql;
    return found.empty() ? -1 : found.begin()->second;
  }

  logstore::testing::TestStore logs;
  DeriveOptions options;
  std::unique_ptr<metricstore::MetricStore> metrics;
  std::unique_ptr<Deriver> deriver;

 private:
  void put(model::Batch& batch, const TestSpan& span) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, logs.clock.now().get());
    auto text = [&](const char* name, const std::string& value) {
      if (!value.empty()) batch.column(name)->add_string(row, value);
    };
    text("trace_id", span.trace);
    text("span_id", span.id);
    text("parent_span_id", span.parent);
    text("service.name", span.service);
    text("name", span.name);
    text("kind", span.kind);
    text("status.code", span.status);
    batch.column("duration_ns")->add_int(row, static_cast<int64_t>(span.seconds * 1e9));
    for (const auto& [name, value] : span.fields) text(name.c_str(), value);
    batch.end_row();
  }
  static void put_value(model::Batch& batch, uint32_t row, const std::string& name, const std::string& value) {
    bool number = !value.empty() && value.find_first_not_of("0123456789.") == std::string::npos;
    if (number)
      batch.column(name)->add_number(row, value);
    else
      batch.column(name)->add_string(row, value);
  }
};

}  // namespace clew::derive::testing
