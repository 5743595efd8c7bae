#include "wire/sync_body.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace clew::wire {

void append_sync_write(std::string_view key, std::string_view body, std::string& page) {
  base::Writer out(page);
  out.string(key);
  out.u32(static_cast<uint32_t>(body.size()));
  out.bytes(body);
}

Result<std::vector<SyncWrite>> read_sync_page(std::string_view page) {
  if (page.empty()) return Error(Code::kInvalid, "a page without a write");
  std::vector<SyncWrite> writes;
  base::Reader in(page);
  while (in.remaining() > 0) {
    size_t at = in.position();
    SyncWrite write;
    write.key = in.string();
    write.body = in.bytes(in.u32());
    if (in.failed()) {
      return Error(Code::kInvalid, fmt::format("write {} at byte {} is longer than the page", writes.size() + 1, at));
    }
    writes.push_back(write);
  }
  return writes;
}

}  // namespace clew::wire
