// A store on a simulated disk with an engine over it: for tests of the language.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "geo/test_database.h"
#include "logstore/test_store.h"
#include "os/clock.h"
#include "query/encode.h"
#include "query/engine.h"
#include "wire/ndjson.h"

namespace clew::query::testing {

// An answer as rows of values.
struct Rows final : Receiver {
  std::vector<OutputColumn> schema;
  std::vector<std::vector<model::Value>> rows_seen;

  Status begin(const std::vector<OutputColumn>& columns) override {
    schema = columns;
    return {};
  }
  Status rows(const RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      std::vector<model::Value> values;
      for (const auto& column : batch.columns) values.push_back(column->value(row));
      rows_seen.push_back(std::move(values));
    }
    return {};
  }
};

class PplStore {
 public:
  explicit PplStore(uint32_t row_group_rows = 65536) {
    logstore::StoreOptions options = logstore::testing::small_options();
    options.row_group_rows = row_group_rows;
    options.journal_file_bytes = 8 << 20;
    options.journal_budget_bytes = 64 << 20;
    options.flush_rows = 1 << 20;
    options.flush_parts = 1 << 20;
    options.parts_max = 1 << 20;
    options.segment_rows_max = 8 << 20;
    base_ = std::make_unique<logstore::testing::TestStore>(1, options, 1u << 30);
    CHECK(base_->open().ok());
    clock_ = std::make_unique<AskClock>(base_->clock, os::make_real_clock());
    engine_options_.workers = 1;
  }

  logstore::LogStore& store() { return *base_->store; }
  os::SimClock& clock() { return base_->clock; }
  void set_engine_options(EngineOptions options) {
    engine_options_ = options;
    engine_.reset();
  }

  // Each line of `ndjson` is an event of `dataset`; they are one write.
  Status feed(const std::string& dataset, std::string_view ndjson) {
    wire::NdjsonDecoder decoder;
    wire::Intake intake;
    intake.arrival = base_->clock.now();
    intake.dataset = dataset;
    wire::Events events = decoder.decode(ndjson, intake);
    if (events.rejected != 0) return Error(Code::kInvalid, events.rejections[0].message);
    contract::Write write;
    write.batches = std::move(events.batches);
    if (write.batches.empty()) return {};
    CLEW_TRY(base_->write(std::move(write)));
    return {};
  }

  Status reopen() {
    engine_.reset();
    return base_->open();
  }
  Status flush() { return store().flush_now(); }
  Status merge() { return store().merge_all(); }

  Engine& engine() {
    if (engine_ == nullptr) {
      if (places_ == nullptr) places_ = geo::testing::test_sources(geo_disk_);
      engine_options_.geo = places_.get();
      engine_ = Engine::make(store(), *clock_, engine_options_);
    }
    return *engine_;
  }
  Outcome ask(const Request& request, Receiver& receiver) { return engine().run(request, receiver, {}); }

 private:
  // Wall time of the simulated clock, so that `now` is fixed; deadlines by the machine's.
  class AskClock final : public os::Clock {
   public:
    AskClock(os::SimClock& wall, std::unique_ptr<os::Clock> real) : wall_(wall), real_(std::move(real)) {}
    UnixNanos now() const override { return wall_.now(); }
    uint64_t monotonic_ns() const override { return real_->monotonic_ns(); }

   private:
    os::SimClock& wall_;
    std::unique_ptr<os::Clock> real_;
  };

  std::unique_ptr<logstore::testing::TestStore> base_;
  std::unique_ptr<os::Clock> clock_;
  EngineOptions engine_options_;
  os::SimDisk geo_disk_{1};
  std::unique_ptr<geo::Sources> places_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace clew::query::testing
