// Messages of the syslog protocol: every message that is not blank is one row, comes back byte for byte, and is read
// the same whatever was read before.
#include <string>

#include "process/syslog_rows.h"
#include "wire_check.h"

namespace {

using namespace clew;

struct Reader {
  wire::RowWriter writer;
  process::SyslogRows rows{writer, process::KeepRaw::kAlways};

  std::string read(std::string_view message) {
    model::Batch batch;
    wire::Intake intake = fuzz::intake();
    writer.attach(batch, intake);
    rows.arrive(intake.zone, intake.arrival.get());
    bool added = rows.add(message, {.address = "192.0.2.7", .own_host = {}});
    fuzz::require(batch.rows() == (added ? 1u : 0u));
    if (!added) return {};
    std::string raw = model::row_document(batch, 0);
    fuzz::require(message.starts_with(raw));
    fuzz::require(message.substr(raw.size()).find_first_not_of(std::string_view("\n\r\0", 3)) ==
                  std::string_view::npos);
    return model::row_text(batch, 0);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  static Reader used;
  std::string_view message(reinterpret_cast<const char*>(data), bytes);
  Reader fresh;
  std::string first = fresh.read(message);
  fuzz::require(used.read(message) == first);
  fuzz::require(used.read(message) == first);
  return 0;
}
