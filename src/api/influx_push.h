// InfluxDB's ways to write: /write and /api/v2/write, and what its clients ask before.
#pragma once

#include <memory>
#include <vector>

#include "api/ingest.h"
#include "api/router.h"
#include "api/server_parts.h"
#include "wire/influx_line.h"

namespace clew::api {

// Threads:  all functions on any thread.
// Lifetime: the parts outlive it, and it every write: held by whoever calls.
class InfluxPush : public std::enable_shared_from_this<InfluxPush> {
 public:
  explicit InfluxPush(ServerParts& parts);
  std::vector<Route> routes();

 private:
  enum class Version : uint8_t { k1, k2 };
  struct Decoder {
    wire::InfluxDecoder lines;
    model::MetricBatch batch;
  };
  void write(const CallPtr& call, Version version);

  ServerParts& parts_;
  base::Counter& lines_;
  base::Counter& bad_lines_;
  base::Counter& texts_;
  DecoderPool<Decoder> decoders_;
};

}  // namespace clew::api
