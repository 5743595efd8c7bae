#include "collect/shipper.h"

#include <algorithm>

#include "base/check.h"

namespace clew::collect {

Shipper::Shipper(ShipParts parts, os::Disk& disk, ShipperOptions options)
    : parts_(std::move(parts)), refused_(disk, options.refused_dir, options.refused_bytes_max) {
  CHECK(!options.endpoints.empty() || !options.besides.empty());
  std::vector<std::vector<ShipEndpoint>> groups;
  if (options.to == ShipTo::kAll) {
    for (ShipEndpoint& endpoint : options.endpoints) groups.push_back({std::move(endpoint)});
  } else if (!options.endpoints.empty()) {
    groups.push_back(std::move(options.endpoints));
  }
  for (ShipEndpoint& endpoint : options.besides) groups.push_back({std::move(endpoint)});
  for (auto& group : groups) {
    lanes_.push_back(std::make_unique<ShipLane>(parts_, options.limits, std::move(group), refused_, watch_,
                                                [this] { acknowledge(); }));
  }
}

Shipper::~Shipper() { stop(0); }

void Shipper::start() {
  for (auto& lane : lanes_) lane->start();
}

void Shipper::stop(uint32_t at_most_ms) {
  uint64_t deadline_ns = parts_.clock.monotonic_ns() + uint64_t{at_most_ms} * 1'000'000;
  for (auto& lane : lanes_) lane->begin_stop();
  for (auto& lane : lanes_) lane->stop(deadline_ns);
}

// What every lane is done with.
void Shipper::acknowledge() {
  uint64_t offset = UINT64_MAX;
  for (const auto& lane : lanes_) offset = std::min(offset, lane->done_up_to());
  // Files that could not be removed are tried again with the next acknowledgement.
  (void)parts_.queue.acknowledge(offset);
}

std::vector<ShipEndpointState> Shipper::endpoints() const {
  std::vector<ShipEndpointState> out;
  for (const auto& lane : lanes_) {
    for (ShipEndpointState& state : lane->endpoints()) out.push_back(std::move(state));
  }
  return out;
}

uint32_t Shipper::in_flight_limit() const {
  uint32_t limit = 0;
  for (const auto& lane : lanes_) limit += lane->in_flight_limit();
  return limit;
}

}  // namespace clew::collect
