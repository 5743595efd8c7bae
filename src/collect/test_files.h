// For tests of FileSource: files in a directory of the test's own, before a queue in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collect/file_source.h"
#include "os/sim_clock.h"
#include "wire/batch_body.h"

namespace clew::collect {

namespace fs = std::filesystem;

// The text of a row; empty where it has none.
inline std::string text_of(const model::Batch& batch, std::string_view field, uint32_t row) {
  const model::Column* column = batch.find(field);
  if (column == nullptr) return {};
  size_t texts = 0;
  for (const model::KindRun& run : column->runs()) {
    if (run.kind != model::Kind::kString) continue;
    if (row >= run.row && row < run.row + run.count) return std::string(column->text_at(texts + row - run.row));
    texts += run.count;
  }
  return {};
}

// Keeps what it is given, or refuses.
class MemoryQueue final : public contract::Queue {
 public:
  const std::string& producer() const override { return producer_; }
  Result<uint64_t> append(std::string batch, uint32_t rows, std::vector<contract::QueuePlace> places) override {
    if (refusals > 0) {
      --refusals;
      return Error(Code::kOverloaded, "the queue is full");
    }
    for (contract::QueuePlace& place : places) {
      if (place.place.empty()) {
        places_.erase(place.source);
      } else {
        places_[place.source] = std::move(place.place);
      }
    }
    if (rows == 0) return offset_;
    ++appends;
    Result<std::string> body = plain_body_of_entry(batch);
    EXPECT_TRUE(body.ok());
    wire::BatchRefusal refusal;
    Result<wire::Events> decoded = wire::decode_batch_body(*body, refusal);
    EXPECT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->received, rows);
    for (model::Batch& part : decoded->batches) {
      for (uint32_t row = 0; row < part.rows(); ++row) {
        lines.push_back(text_of(part, "_raw", row));
        paths.push_back(fs::path(text_of(part, "log.file.path", row)).filename());
      }
      batches.push_back(std::move(part));
    }
    return ++offset_;
  }
  std::map<std::string, std::string> places() const override { return places_; }
  Result<std::optional<contract::QueueEntry>> read(uint64_t) override { return std::optional<contract::QueueEntry>(); }
  bool wait_readable(uint64_t, std::chrono::milliseconds) override { return false; }
  bool wait_room(uint64_t, std::chrono::milliseconds) override { return true; }
  Status acknowledge(uint64_t) override { return {}; }
  contract::QueueStats stats() const override { return {}; }
  void close() override {}

  std::vector<std::string> lines;
  std::vector<std::string> paths;  // of each line's file, the last part
  std::vector<model::Batch> batches;
  int refusals = 0;
  int appends = 0;  // with a batch
  std::map<std::string, std::string> places_;

 private:
  std::string producer_ = "p";
  uint64_t offset_ = 0;
};

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(testing::TempDir()) / ("clew-files-" + std::to_string(::getpid()) + "-" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.patterns = {(dir_ / "*.log*").string()};
    options_.format = process::Format::kPlain;
    options_.event_wait_nanos = 0;  // lines are given at once
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string path(const std::string& name) const { return dir_ / name; }
  void append(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  // The program starts: what the queue knows is what it goes on from.
  void start() { source_ = std::make_unique<FileSource>(options_, queue_, clock_, metrics_); }
  std::vector<std::string> read() {
    if (!source_) start();
    Status status = source_->read_once();
    EXPECT_TRUE(status.ok()) << status.error().message();
    return std::exchange(queue_.lines, {});
  }
  void pass(uint64_t seconds) { clock_.advance(seconds * 1'000'000'000); }

  fs::path dir_;
  FileSourceOptions options_;
  MemoryQueue queue_;
  os::SimClock clock_;
  base::Registry metrics_;
  std::unique_ptr<FileSource> source_;
};

}  // namespace clew::collect
