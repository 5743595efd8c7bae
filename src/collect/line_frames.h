// LineFrames: messages of a stream that a byte ends: lines, or what a zero byte ends.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "process/syslog_rows.h"

namespace clew::collect {

// Threads: one; one for each connection.
class LineFrames {
 public:
  // Of a longer message the first `bytes_max` are taken, and the rest is passed over.
  LineFrames(char delimiter, size_t bytes_max) : delimiter_(delimiter), bytes_max_(bytes_max) {}

  // Calls take(message, whole) for each message that has come whole, or is too long; at the end also for what no
  // delimiter ends. `bytes` are all that was not done with; gives how many are now.
  template <class Take>
  size_t split(std::string_view bytes, bool end, Take&& take) {
    size_t at = 0;
    size_t look = scanned_;
    while (true) {
      const void* found =
          look < bytes.size() ? std::memchr(bytes.data() + look, delimiter_, bytes.size() - look) : nullptr;
      if (found == nullptr) break;
      size_t stop = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
      give(bytes.substr(at, stop - at), take);
      skipping_ = false;
      at = look = stop + 1;
    }
    std::string_view rest = bytes.substr(at);
    if (rest.size() > bytes_max_ || end) {
      give(rest, take);
      skipping_ = !end;
      rest = {};
    }
    scanned_ = rest.size();
    return bytes.size() - rest.size();
  }

 private:
  template <class Take>
  void give(std::string_view message, Take& take) {
    if (skipping_ || message.empty()) return;
    bool cut = message.size() > bytes_max_;
    take(message.substr(0, bytes_max_), cut ? process::Whole::kCut : process::Whole::kYes);
  }

  const char delimiter_;
  const size_t bytes_max_;
  size_t scanned_ = 0;     // of what was left, known to hold no delimiter
  bool skipping_ = false;  // the rest of a message that was too long
};

}  // namespace clew::collect
