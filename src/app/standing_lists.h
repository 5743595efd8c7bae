// Standing lists as the server runs them, on a thread of their own.
#pragma once

#include <memory>

#include "app/serve.h"
#include "feed/worker.h"
#include "topk/lists.h"

namespace clew::app {

// Lifetime: the services outlive it.
class StandingLists {
 public:
  // Errors: those of topk::Lists::make; kInvalid for the address of Redis.
  static Result<std::unique_ptr<StandingLists>> start(topk::ListServices services, const ServeOptions& options);

  const topk::Lists& lists() const { return *lists_; }
  void stop() { worker_.reset(); }

 private:
  StandingLists() = default;

  std::unique_ptr<topk::Lists> lists_;
  std::unique_ptr<feed::Worker> worker_;  // null: there are none
};

}  // namespace clew::app
