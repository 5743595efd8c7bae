// Datadog's ways to send metrics: series of both versions, sketches, check runs; and whether a key is good.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/ingest.h"
#include "api/router.h"
#include "api/server_parts.h"
#include "wire/datadog_series.h"
#include "wire/ndjson.h"

namespace clew::api {

// Threads:  all functions on any thread.
// Lifetime: parts and sums outlive it, and it every write: held by whoever calls.
class DatadogPush : public std::enable_shared_from_this<DatadogPush> {
 public:
  DatadogPush(ServerParts& parts, wire::DeltaSums& sums);
  std::vector<Route> routes();

 private:
  enum class Body : uint8_t { kSeries1, kSeries2, kSketches };
  void take(const CallPtr& call, Body body);
  void take_checks(const CallPtr& call);
  Result<wire::Events> decode(wire::DatadogSeriesDecoder& decoder, const net::Request& request, Body body);

  ServerParts& parts_;
  wire::DeltaSums& sums_;
  base::Counter& bad_bodies_;
  base::Counter& points_;
  base::Counter& rejected_;
  SourceCounters checks_;
  DecoderPool<wire::DatadogSeriesDecoder> decoders_;
  DecoderPool<wire::NdjsonDecoder> check_decoders_;
};

}  // namespace clew::api
