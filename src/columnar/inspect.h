// What `clew inspect` prints of parts and segments, and what benchmarks ask of them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/disk.h"

namespace clew::columnar {

// Text for a person, one fact a line: rows, times, each column with its kinds, encoding, bytes and statistics; damaged
// blocks are named, and the rest is shown all the same.
// Errors: only when nothing at all can be read of it.
Result<std::string> describe_part(std::string_view bytes);
Result<std::string> describe_segment(os::Disk& disk, const std::string& path);

// Bytes on disk by column, and of "(index)" and "(tail)".
Result<std::map<std::string, uint64_t>> segment_bytes_by_column(os::Disk& disk, const std::string& path);

// Names and numbers of the formats, for `clew inspect --layout`.
std::string describe_layout();

}  // namespace clew::columnar
