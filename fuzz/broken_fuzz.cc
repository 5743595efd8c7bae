// Fails on purpose for one input, to prove that the harness sees a failure: ./dev fuzz finds "clew!" in seconds, and
// ctest expects the replay of exactly that input to die.
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes == 5 && std::memcmp(data, "clew!", 5) == 0) std::abort();
  return 0;
}
