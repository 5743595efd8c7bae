// Shipper empties a queue into one or several servers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collect/delivery_watch.h"
#include "collect/refused_batches.h"
#include "collect/ship_lane.h"
#include "os/disk.h"

namespace clew::collect {

enum class ShipTo : uint8_t {
  kFirst,  // the first endpoint that answers; back to an earlier one when that answers again
  kAll,    // mirrored: an entry is acknowledged when every endpoint has stored it
};

struct ShipperOptions {
  std::vector<ShipEndpoint> endpoints;
  ShipTo to = ShipTo::kFirst;
  std::vector<ShipEndpoint> besides = {};  // each of these gets everything as well
  ShipLimits limits;
  std::string refused_dir;  // for batches that a server refuses for what they are (400, 413, 415, 422)
  uint64_t refused_bytes_max = 256u << 20;
};

// An entry is sent until a server has stored or refused it, however long that takes, and acknowledged in order. It may
// be stored by a server whose answer was lost: it is sent again and known by its key.
//
// Threads:  all functions on any thread; up to limits.in_flight_max threads of its own, with kAll for each endpoint.
// Lifetime: what `parts` names, and disk, outlive it.
class Shipper {
 public:
  // Requires: at least one endpoint.
  Shipper(ShipParts parts, os::Disk& disk, ShipperOptions options);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  void start();
  // Begins nothing new, waits so long for answers, and gives up what is in flight then: it stays in the queue.
  void stop(uint32_t at_most_ms);

  std::vector<ShipEndpointState> endpoints() const;
  // Events of batches that were refused for what they are, over restarts.
  uint64_t refused_events() const { return refused_.events(); }
  std::map<std::string, uint64_t> refused_by_source() const { return refused_.events_by_source(); }
  // By source, since the start.
  std::map<std::string, Delivery> deliveries() const { return watch_.all(); }
  // Requests that may be in flight at a time just now, over all lanes.
  uint32_t in_flight_limit() const;

 private:
  void acknowledge();

  ShipParts parts_;
  RefusedBatches refused_;
  DeliveryWatch watch_;
  std::vector<std::unique_ptr<ShipLane>> lanes_;
};

}  // namespace clew::collect
