// Metrics from events as the server runs them: the deriver on a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "app/serve.h"
#include "derive/deriver.h"
#include "feed/worker.h"

namespace clew::app {

// Lifetime: the services outlive it; it goes before the stores take no more writes, as what it has counted is written
//           then.
class Derived {
 public:
  // Errors: those of Deriver::open.
  static Result<std::unique_ptr<Derived>> start(derive::DeriveServices services, const ServeOptions& options);
  ~Derived();

  const std::string& warning() const { return deriver_->warning(); }

 private:
  Derived() = default;

  std::unique_ptr<derive::Deriver> deriver_;
  std::unique_ptr<feed::Worker> worker_;
};

}  // namespace clew::app
