// A file, or standard input, as a stream of its plain bytes: gzip and zstd are undone, recognised by their first bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::collect {

// Threads: one.
class InputFile {
 public:
  virtual ~InputFile() = default;

  // "-" is standard input.  Errors: kNotFound, kForbidden, kIo, kInvalid for a directory.
  static Result<std::unique_ptr<InputFile>> open(const std::string& path);

  // The next plain bytes, valid until the next call; empty at the end.
  // Errors: kCorrupt when compressed bytes are malformed or end early; kIo.
  virtual Result<std::string_view> read() = 0;

  virtual uint64_t bytes_read() const = 0;   // of the file as it lies there
  virtual uint64_t bytes_total() const = 0;  // 0: not known
};

}  // namespace clew::collect
