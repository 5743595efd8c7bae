// Lumberjack 2, the protocol of Elastic's Beats and of Logstash's forwarders: frames out of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::wire {

struct LumberjackFrame {
  enum class Kind : uint8_t {
    kWindow,      // `number` events follow before an acknowledgement is expected
    kJson,        // an event, the `number`th of its window
    kData,        // an event as pairs of texts, `payload` as read_lumberjack_pairs takes it
    kCompressed,  // zlib of further frames
  };
  Kind kind = Kind::kWindow;
  uint32_t number = 0;
  std::string_view payload;
  size_t bytes = 0;  // of the whole frame
};

// The frame that begins here; nothing when it has not all come.
// Errors: kInvalid for what begins no frame; kTooLarge for a payload over `bytes_max`.
Result<std::optional<LumberjackFrame>> read_lumberjack_frame(std::string_view bytes, size_t bytes_max);

// Pairs of a kData frame as a JSON object.
void append_lumberjack_pairs(std::string_view payload, std::string& out);

std::string lumberjack_acknowledgement(uint32_t number);

}  // namespace clew::wire
