// ServiceGraph: who calls whom, from the two sides of each call, under the names of Tempo's metrics generator.
//
// The side that comes first waits for the other, by arrival and not by the spans' own times. When it has waited in
// vain, a call to something that it names, or from outside, becomes an edge all the same: a virtual node.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/metrics.h"
#include "derive/instrument.h"
#include "derive/spans.h"

namespace clew::derive {

struct ServiceGraphOptions {
  int64_t wait_millis = 10'000;
  size_t waiting_max = 100'000;  // sides of calls; further ones are counted as dropped
  std::vector<double> bounds;    // of the histograms, seconds
  HistogramForm form = HistogramForm::kClassic;
};

// Threads: one at a time.  Lifetime: budget and metrics outlive it.
class ServiceGraph {
 public:
  ServiceGraph(ServiceGraphOptions options, SeriesBudget& budget, base::Registry& metrics);

  void take(const SpanView& span, int64_t now_millis);
  // Sides that have waited long enough.
  void expire(int64_t now_millis);
  size_t waiting() const { return clients_.size() + servers_.size(); }

  Instrument& edges() { return edges_; }
  Instrument& unpaired() { return unpaired_; }
  // Of the sides that wait; the instruments have states of their own.
  Json state() const;
  void restore(const Json& state);

 private:
  struct Side {
    std::string service;
    std::string peer;
    std::string trace_id;
    double seconds = 0;
    int64_t arrived_millis = 0;
    bool failed = false;
    bool messaging = false;
    bool outermost = false;  // a server that nobody called who writes spans
    bool paired = false;     // a client stays, as several may answer one call
  };
  using Sides = std::unordered_multimap<uint64_t, Side>;
  struct Edge {
    std::string_view client = {};
    std::string_view server = {};
    std::string_view connection = {};
    const Side* client_side = nullptr;
    const Side* server_side = nullptr;
  };
  void count(const Edge& edge, int64_t now_millis);
  void count_call(Side& client, const Side& server, int64_t now_millis);
  void take_client(const SpanView& span, int64_t now_millis);
  void take_server(const SpanView& span, int64_t now_millis);
  bool keep(Sides& sides, uint64_t key, Side side);
  void give_up(const Side& side, bool client, int64_t now_millis);
  static Json side_json(uint64_t key, const Side& side);

  const ServiceGraphOptions options_;
  Instrument edges_;
  Instrument unpaired_;
  base::Counter& dropped_;
  Sides clients_;
  Sides servers_;
};

}  // namespace clew::derive
