// Any bytes as a request of remote read, and as a chunk of samples: what is read of a chunk, written anew, reads the
// same.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "model/metric.h"
#include "wire/remote_read.h"
#include "wire/xor_chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)wire::decode_read_request(bytes);
  std::vector<model::Sample> samples, again;
  if (!wire::decode_xor_chunk(bytes, samples).ok() || samples.empty()) return 0;
  std::vector<int64_t> millis;
  std::vector<double> values;
  for (const model::Sample& sample : samples) {
    // Writers have times in order; what a chunk of somebody else says may not be.
    if (!millis.empty() && (sample.millis <= millis.back() || sample.millis - millis.back() < 0)) return 0;
    if (std::abs(sample.millis) > (int64_t{1} << 60)) return 0;
    millis.push_back(sample.millis);
    values.push_back(sample.value);
  }
  std::string chunk;
  wire::encode_xor_chunk(millis, values, chunk);
  if (!wire::decode_xor_chunk(chunk, again).ok() || again.size() != samples.size()) std::abort();
  for (size_t i = 0; i < samples.size(); ++i) {
    bool same = again[i].millis == samples[i].millis &&
                std::bit_cast<uint64_t>(again[i].value) == std::bit_cast<uint64_t>(samples[i].value);
    if (!same) std::abort();
  }
  return 0;
}
