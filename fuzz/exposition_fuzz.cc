// Pages of metrics; the first byte chooses the format (t text, o OpenMetrics, p protocol buffers). Oracle: a lenient
// reader of text refuses no page; a page that is exact says the same to both readers; and what was read, written as a
// page and read again, is the same.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/exposition.h"
#include "wire/exposition_write.h"

namespace {

using clew::Result;
namespace model = clew::model;
namespace wire = clew::wire;

constexpr int64_t kMillis = 1'700'000'000'000;

Result<wire::DecodedExposition> decode(std::string_view page, wire::ExpositionFormat format,
                                       wire::Strictness strictness) {
  return wire::decode_exposition(page, {.format = format, .strictness = strictness, .millis = kMillis, .extra = {}});
}

// Float samples as a page. A bucket's bounds have one form already.
std::string written(const model::MetricBatch& batch) {
  std::string page;
  for (const model::MetricBatch::Series& series : batch.series()) {
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      const model::Sample& sample = batch.samples()[i];
      wire::write_sample(batch.labels_of(series), {}, sample.value, sample.millis, page);
    }
  }
  return page;
}

void check_same(const model::MetricBatch& a, const model::MetricBatch& b) {
  CHECK(a.series().size() == b.series().size());
  CHECK(a.samples().size() == b.samples().size());
  for (size_t i = 0; i < a.series().size(); ++i) {
    CHECK(a.labels_of(a.series()[i]) == b.labels_of(b.series()[i]));
  }
  for (size_t i = 0; i < a.samples().size(); ++i) {
    CHECK(a.samples()[i].millis == b.samples()[i].millis);
    double x = a.samples()[i].value, y = b.samples()[i].value;
    CHECK(x == y || (x != x && y != y));
  }
}

bool has_name(const model::MetricBatch& batch) {
  for (const auto& series : batch.series()) {
    if (batch.labels_of(series).metric_name().empty()) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes == 0) return 0;
  std::string_view page(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  auto format = data[0] == 'o'   ? wire::ExpositionFormat::kOpenMetrics
                : data[0] == 'p' ? wire::ExpositionFormat::kProtobuf
                                 : wire::ExpositionFormat::kText;
  Result<wire::DecodedExposition> lenient = decode(page, format, wire::Strictness::kLenient);
  Result<wire::DecodedExposition> strict = decode(page, format, wire::Strictness::kStrict);
  if (format == wire::ExpositionFormat::kProtobuf) return 0;
  CHECK(lenient.ok());
  if (strict.ok()) {
    CHECK(lenient->bad_lines == 0, lenient->first_mistake);
    check_same(lenient->batch, strict->batch);
  }
  if (!has_name(lenient->batch)) return 0;
  Result<wire::DecodedExposition> again =
      decode(written(lenient->batch), wire::ExpositionFormat::kText, wire::Strictness::kLenient);
  CHECK(again.ok());
  CHECK(again->bad_lines == 0, again->first_mistake);
  if (lenient->batch.histograms().empty()) {
    CHECK(again->batch.samples().size() == lenient->batch.samples().size());
    for (size_t i = 0; i < again->batch.series().size() && i < lenient->batch.series().size(); ++i) {
      CHECK(again->batch.labels_of(again->batch.series()[i]) == lenient->batch.labels_of(lenient->batch.series()[i]));
    }
  }
  return 0;
}
