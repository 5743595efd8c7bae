// The disk queue's decoders over any bytes. What they accept is encoded to bytes that give the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "queue/queue_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  std::string_view in(reinterpret_cast<const char*>(data), bytes);
  (void)queue::describe_record(in);
  auto record = queue::decode_record(in);
  if (record.ok()) {
    std::string once = queue::encode_record(*record);
    auto again = queue::decode_record(once);
    if (!again.ok() || queue::encode_record(*again) != once) std::abort();
    if (again->offset != record->offset || again->places.size() != record->places.size()) std::abort();
  }
  auto state = queue::decode_state(in);
  if (state.ok()) {
    std::string once = queue::encode_state(*state);
    auto again = queue::decode_state(once);
    if (!again.ok() || queue::encode_state(*again) != once || again->places != state->places) std::abort();
  }
  return 0;
}
