// The server that `clew bench` measures when it is given none: this program again, as a process of its own on a free
// port with a store that is removed afterwards.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace clew::app {

// Threads: one.
class BenchServer {
 public:
  // Starts it below `dir` (the directory for temporary files when empty) and waits until it listens.
  // Errors: kIo; kUnavailable when it ends before it listens.
  static Result<std::unique_ptr<BenchServer>> start(const std::string& dir);
  // Stops the server and removes its store.
  ~BenchServer();
  BenchServer(const BenchServer&) = delete;
  BenchServer& operator=(const BenchServer&) = delete;

  const std::string& url() const { return url_; }
  // User and system time so far.
  Result<double> cpu_seconds() const;
  // Space that the store takes on disk.
  uint64_t disk_bytes() const;

 private:
  BenchServer() = default;
  Status wait_ready();

  pid_t process_ = 0;
  int output_ = -1;
  std::string dir_;
  std::string url_;
};

}  // namespace clew::app
