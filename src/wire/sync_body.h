// Pages of stored writes on their way from one server to another (`clew sync`): what GET /clew/v1/sync gives and POST
// takes.
//
// A page is writes one after the other, each: string key (PRODUCER:SEQUENCE; varint length and its bytes), u32 bytes of
// its body, the body as POST /clew/v1/batches takes it. Little endian.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::wire {

struct SyncWrite {
  std::string_view key;
  std::string_view body;
};

void append_sync_write(std::string_view key, std::string_view body, std::string& page);

// Views point into `page`. Errors: kInvalid for a page that is shorter than its own lengths say, or empty.
Result<std::vector<SyncWrite>> read_sync_page(std::string_view page);

}  // namespace clew::wire
