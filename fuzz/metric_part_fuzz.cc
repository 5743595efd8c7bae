// Any bytes as a group of chunks, a footer, a record of the journal, a coded run: an error, or values that come back
// when they are written again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "metricstore/metric_record.h"
#include "metricstore/part_format.h"
#include "metricstore/value_coder.h"

namespace {

using namespace clew;

void check_group(std::string_view bytes) {
  Result<metricstore::Group> group = metricstore::Group::unpack(bytes);
  if (!group.ok()) return;
  model::SampleColumns samples;
  for (const metricstore::ChunkView& chunk : group->chunks()) {
    samples.clear();
    if (!group->read(chunk, INT64_MIN, INT64_MAX, samples).ok()) continue;
    if (samples.values.size() != samples.millis.size()) std::abort();
    if (!samples.histograms.empty() && samples.histograms.size() != samples.size()) std::abort();
    if (!samples.starts.empty() && samples.starts.size() != samples.size()) std::abort();
  }
}

void check_record(std::string_view bytes) {
  Result<metricstore::MetricRecord> record = metricstore::decode_record(bytes);
  if (!record.ok()) return;
  std::string once, twice;
  metricstore::encode_record(record->defined, record->ids, record->batch, once);
  Result<metricstore::MetricRecord> again = metricstore::decode_record(once);
  if (!again.ok()) std::abort();
  metricstore::encode_record(again->defined, again->ids, again->batch, twice);
  if (once != twice) std::abort();
}

void check_run(std::string_view bytes, size_t count) {
  std::vector<int64_t> values(count), back(count);
  base::Reader in(bytes);
  if (!metricstore::decode_coded(in, count, values.data()).ok()) return;
  metricstore::ValueCoder coder;
  std::string out;
  if (!coder.encode(values, SIZE_MAX, out)) std::abort();
  base::Reader again(out);
  if (!metricstore::decode_coded(again, count, back.data()).ok() || !again.finish().ok() || back != values)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  switch (data[0] % 4) {
    case 0: check_group(bytes); break;
    case 1: check_record(bytes); break;
    case 2: check_run(bytes, size_t{1} + data[1] % 200); break;
    default: {
      base::Reader in(bytes);
      metricstore::SeriesRuns runs = metricstore::SeriesRuns::read(in);
      std::string out;
      base::Writer to(out);
      runs.write(to);
      if (in.failed()) break;
      base::Reader back(out);
      if (metricstore::SeriesRuns::read(back).runs() != runs.runs() || !back.finish().ok()) std::abort();
    }
  }
  return 0;
}
