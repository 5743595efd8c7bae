// Opening a segment's fixed parts, for the reader and for inspection.
#pragma once

#include <memory>

#include "columnar/segment_format.h"

namespace clew::columnar {

struct OpenedTail {
  std::shared_ptr<const os::File> file;
  Tail tail;
  std::string notes;  // what was damaged and has a good second copy; a line each
};

// Errors: kNotFound, kCorrupt, kUnsupported, kIo; they name the file.
Result<OpenedTail> open_segment_tail(os::Disk& disk, const std::string& path);

}  // namespace clew::columnar
