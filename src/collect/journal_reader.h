// JournalReader: the entries of systemd's journal, in order (sd-journal(3)). libsystemd stays behind the .cc file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::collect {

// Which journal: with neither, this machine's own as far as this user may read it.
struct JournalName {
  std::string directory;   // of journal files, as systemd-journal-remote writes them
  std::string name_space;  // of LogNamespace= (systemd-journald.service(8))
};

// Threads: one; wake() on any.
class JournalReader {
 public:
  // `value_bytes_max`: of longer values the rest may be left out.
  // Errors: kNotFound, kForbidden; kIo.
  static Result<std::unique_ptr<JournalReader>> open(const JournalName& name, size_t value_bytes_max);
  virtual ~JournalReader() = default;

  // next() then goes to the first entry; to the first that comes; to the one behind the cursor's, or where that is no
  // more to the next that there is.
  virtual Status seek_begin() = 0;
  virtual Status seek_end() = 0;
  // Errors: also kInvalid for a text that is no cursor.
  virtual Status seek(const std::string& cursor) = 0;

  // Goes to the next entry; false when there is none yet. Errors: kIo, kCorrupt for a damaged file: the next call goes
  // on behind it.
  virtual Result<bool> next() = 0;

  // Of the entry:
  virtual Result<std::string> cursor() = 0;
  virtual int64_t received_nanos() = 0;  // UTC; when the journal took it, 0 when that cannot be read
  // Names and values; views live as long as the call. What cannot be read is left out.
  virtual void fields(const std::function<void(std::string_view name, std::string_view value)>& take) = 0;

  // Returns when something came, wake() was called, or after so long.
  virtual void wait(uint32_t milliseconds) = 0;
  virtual void wake() = 0;
};

}  // namespace clew::collect
