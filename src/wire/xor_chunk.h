// Chunks of float samples as Prometheus has them (encoding XOR): times as differences of differences, values as what
// changes of their bits. https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/metric.h"

namespace clew::wire {

constexpr size_t kXorChunkSamples = 120;       // that writers put into one
constexpr size_t kXorChunkSamplesMax = 65535;  // that one can hold

// Requires: 1 to kXorChunkSamplesMax samples in the order of times, as many values as times.
void encode_xor_chunk(std::span<const int64_t> millis, std::span<const double> values, std::string& out);
// Appends. Errors: kInvalid for what ends early or is none.
Status decode_xor_chunk(std::string_view chunk, std::vector<model::Sample>& out);

}  // namespace clew::wire
