// A file that an export is written to: it bears its name only when it is whole, and what is there of it can be gone on
// with.
//
// Until then the rows lie in NAME.part, and NAME.resume says how the export was asked for, how many bytes of NAME.part
// are sure, and the cursor behind them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::app {

// What NAME.resume holds.
struct ExportState {
  nlohmann::ordered_json request;  // the body that the export began with
  std::string cursor;
  uint64_t bytes = 0;
  uint64_t rows = 0;
};

// Threads: one.  Crash: after save() the rows up to there survive the process and the machine.
class ExportFile {
 public:
  explicit ExportFile(std::string name) : name_(std::move(name)) {}
  ~ExportFile();
  ExportFile(const ExportFile&) = delete;
  ExportFile& operator=(const ExportFile&) = delete;

  bool is_complete() const;     // NAME is there
  bool is_interrupted() const;  // NAME.part or NAME.resume is there
  // Errors: kNotFound; kCorrupt.
  Result<ExportState> load() const;

  // Begins anew, or behind `bytes` of NAME.part, also of what this object wrote. Errors: kIo; kCorrupt when NAME.part
  // is shorter.
  Status open(uint64_t bytes);
  Status write(std::string_view text);
  uint64_t bytes() const { return bytes_; }
  // What was written so far is sure.
  Status save(const ExportState& state);
  // Gives the file its name.
  Status finish();
  // Leaves nothing of it.
  void discard();

 private:
  std::string part() const { return name_ + ".part"; }
  std::string resume() const { return name_ + ".resume"; }
  Error failed(const std::string& what, const std::string& path) const;
  Status sync();

  const std::string name_;
  std::FILE* file_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace clew::app
