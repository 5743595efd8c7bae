// ByteSource: a range of bytes in a file or in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/disk.h"

namespace clew::columnar {

// Bytes read, with what keeps them alive. Copies share.
struct Bytes {
  std::string_view view;
  std::shared_ptr<const void> owner;
};

// Threads: read on any thread. Copies share the file.
class ByteSource {
 public:
  ByteSource(std::shared_ptr<const os::File> file, uint64_t offset, uint64_t bytes)
      : file_(std::move(file)), offset_(offset), bytes_(bytes) {}
  explicit ByteSource(std::shared_ptr<const std::string> memory)
      : memory_(std::move(memory)), bytes_(memory_->size()) {}

  uint64_t bytes() const { return bytes_; }
  // Errors: kCorrupt outside of the range; kIo.
  Result<Bytes> read(uint64_t offset, uint64_t bytes) const;
  // The rest of the range from `offset` on. Requires: offset <= bytes().
  ByteSource from(uint64_t offset) const;

 private:
  std::shared_ptr<const os::File> file_;
  std::shared_ptr<const std::string> memory_;
  uint64_t offset_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace clew::columnar
