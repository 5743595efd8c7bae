// Any bytes as a file of places. What opens must answer, the same each time and for each form of an address, or say
// that it is damaged.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geo/database.h"
#include "os/sim_disk.h"

// libmaxminddb 1.7.1 leaves some KiB behind when MMDB_open() meets damaged metadata; nothing of ours can free them.
extern "C" const char* __lsan_default_suppressions() { return "leak:libmaxminddb\n"; }

namespace {

// What is said of an address; empty where it is unknown.
std::string answer(const clew::geo::Database& database, std::string_view text) {
  auto record = database.find(*clew::geo::parse_address(text));
  if (!record.ok()) return record.error().message();
  if (!*record) return {};
  auto place = database.place(**record);
  if (!place.ok()) return place.error().message();
  std::string out;
  for (const std::string& property : place->texts) out += property + "|";
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  clew::os::SimDisk disk(1);
  auto file = disk.open("/db", clew::os::OpenMode::kReplace);
  if (!file.ok() || !(*file)->write_at(0, {reinterpret_cast<const char*>(data), size}).ok()) abort();
  for (auto addresses : {clew::geo::Addresses::kAll, clew::geo::Addresses::kGlobal}) {
    auto database = clew::geo::Database::open(disk, "/db", addresses);
    if (!database.ok()) continue;
    for (std::string_view text : {"81.2.69.142", "8.8.8.8", "10.1.2.3", "0.0.0.0", "255.255.255.255"}) {
      std::string first = answer(**database, text);
      if (answer(**database, text) != first) abort();
      if (answer(**database, "::ffff:" + std::string(text)) != first) abort();
    }
    for (std::string_view text : {"2001:4860::1", "::1", "ffff::", "2001:db8::1"}) {
      std::string first = answer(**database, text);
      if (answer(**database, text) != first) abort();
    }
  }
  return 0;
}
