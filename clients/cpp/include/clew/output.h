// Where lines go. A line is one JSON object without its newline.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace clew {

// Threads: write from any, at the same time. It neither throws nor waits for long.
class Output {
 public:
  virtual ~Output() = default;
  virtual void write(std::string_view line) noexcept = 0;
};

// Standard output, standard error, or an open file; a line is written whole. The file stays the caller's.
class FileOutput final : public Output {
 public:
  explicit FileOutput(std::FILE* file = stdout) : file_(file) {}
  void write(std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fputc('\n', file_);
    std::fflush(file_);
  }

 private:
  std::mutex mutex_;
  std::FILE* file_;
};

// Keeps lines, for tests.
class MemoryOutput final : public Output {
 public:
  void write(std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace clew
