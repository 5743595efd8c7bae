// Which handler answers which method and path. The table is written out in routes.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/access_gate.h"
#include "api/errors.h"
#include "api/work_pool.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace clew::api {

// Where a handler runs.
enum class Place : uint8_t {
  kHere,  // on the connection's thread: must not block
  kPool,  // on the pool of queries: may take long
};

// One request on its way to a handler.
struct Call {
  net::ExchangePtr exchange;
  contract::Access access;
  std::vector<std::string> names;  // what stands for {NAME} in the path, decoded, in order

  const net::Request& request() const { return exchange->request(); }
};
using CallPtr = std::shared_ptr<Call>;
using Handler = std::function<void(CallPtr)>;

struct Route {
  std::string method;   // "GET" answers HEAD too; "*" answers all
  std::string pattern;  // "/clew/v1/datasets/{NAME}/fields"; a last segment {REST*} takes all that follows
  Need need = Need::kRead;
  Place place = Place::kHere;
  ErrorShape errors = ErrorShape::kClew;
  Handler handler;
};

// Threads:  add before the first request; dispatch and refuse on any thread.
// Lifetime: gate, pool and metrics outlive it.
class Router {
 public:
  Router(const AccessGate& gate, WorkPool& pool, base::Registry& metrics)
      : gate_(gate), pool_(pool), metrics_(metrics) {}

  void add(Route route);
  void add(std::vector<Route> routes);

  // Answers through the route that fits best: literal segments win over names.
  void dispatch(net::ExchangePtr exchange);
  // What the server says by itself for a request that no handler saw.
  net::Response refuse(const net::Request& request, const Error& error);

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> names;
    std::string allowed;  // methods of routes whose path fits, when none fits the method
  };
  Match find(const net::Request& request) const;

  const AccessGate& gate_;
  WorkPool& pool_;
  base::Registry& metrics_;
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> segments_;  // of each route's pattern
};

// Counts a request that was refused for its key.
void count_unauthenticated(base::Registry& metrics, KeyCheck check);

// Answers with an error in the shape of the call's protocol.
void answer_error(const Call& call, ErrorShape shape, const Error& error);

}  // namespace clew::api
