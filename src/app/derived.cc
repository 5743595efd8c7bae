#include "app/derived.h"

#include "app/log_rules.h"

namespace clew::app {

Result<std::unique_ptr<Derived>> Derived::start(derive::DeriveServices services, const ServeOptions& options) {
  derive::DeriveOptions how = options.derived;
  how.dir = options.data + "/derived";
  yaml::Mistakes mistakes;
  how.log_rules = read_log_rules(options.log_rules, mistakes);
  if (!mistakes.empty()) return Error(Code::kInvalid, mistakes.front().message);
  std::unique_ptr<Derived> out(new Derived());
  out->deriver_ = CLEW_TRY(derive::Deriver::open(services, std::move(how)));
  out->worker_ = std::make_unique<feed::Worker>(
      services.feed, services.clock, "clew-derive",
      [deriver = out->deriver_.get()](const std::stop_token&) { return deriver->work_once(); });
  return out;
}

Derived::~Derived() {
  worker_.reset();
  (void)deriver_->catch_up();  // what fails here is read from the feed at the next start
}

}  // namespace clew::app
