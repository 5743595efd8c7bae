// OTLP log records to columns: the twelve-field event of the load generator, 1,000 to a request, in one resource per
// service as a collector sends them. Counts time per record.
#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "event_gen.h"
#include "wire/otlp_logs.h"

namespace clew::bench {
namespace {

constexpr int kRequests = 16;
constexpr int kRecords = 1000;

void append_record(std::string& records, const std::string& record) {
  records.push_back(0x12);
  size_t n = record.size();
  for (; n >= 0x80; n >>= 7) records.push_back(static_cast<char>(n | 0x80));
  records.push_back(static_cast<char>(n));
  records += record;
}

std::vector<std::string> make_requests() {
  EventGenerator generator(1, Shape::kTwelve, 1'795'170'000'000'000, 1'000'000);
  std::vector<std::string> out;
  for (int r = 0; r < kRequests; ++r) {
    std::map<std::string, std::string> by_service;
    for (int i = 0; i < kRecords; ++i) {
      const Event& event = generator.next();
      std::string record;
      generator.append_otlp_record(event, record);
      append_record(by_service[std::string(event.service)], record);
    }
    out.push_back(EventGenerator::otlp_request({by_service.begin(), by_service.end()}));
  }
  return out;
}

void decode_logs(benchmark::State& state) {
  std::vector<std::string> requests = make_requests();
  wire::OtlpLogsDecoder decoder;
  wire::Intake intake;
  intake.arrival = UnixNanos(1'795'180'000'000'000'000);
  uint64_t checksum = 0;
  uint64_t bytes = 0;
  size_t at = 0;
  for (auto _ : state) {
    const std::string& body = requests[at++ % requests.size()];
    bytes += body.size();
    Result<wire::Events> events = decoder.decode_protobuf(body, intake);
    if (!events.ok() || events->rejected != 0) return state.SkipWithError("a record was rejected");
    if (at > requests.size()) continue;
    for (const auto& column : events->batches[0].columns()) {
      checksum = base::hash_mix(checksum, column->values_count() + column->text().size());
    }
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.counters["ns_per_record"] = benchmark::Counter(static_cast<double>(state.iterations()) * kRecords * 1e-9,
                                                       benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel("checksum " + std::to_string(checksum % 1'000'000));
}
BENCHMARK(decode_logs);

}  // namespace
}  // namespace clew::bench
