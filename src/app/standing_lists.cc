#include "app/standing_lists.h"

namespace clew::app {

Result<std::unique_ptr<StandingLists>> StandingLists::start(topk::ListServices services, const ServeOptions& options) {
  std::unique_ptr<StandingLists> out(new StandingLists());
  std::vector<topk::ListOptions> wanted;
  for (const auto& [name, list] : options.topk_lists) wanted.push_back(list);
  std::unique_ptr<topk::RedisLists> redis;
  if (!options.topk_redis.empty()) {
    topk::RedisAddress address = CLEW_TRY(topk::parse_redis_address(options.topk_redis));
    redis = std::make_unique<topk::RedisLists>(std::move(address), services.metrics);
  }
  out->lists_ = CLEW_TRY(topk::Lists::make(services, wanted, std::move(redis)));
  if (wanted.empty()) return out;
  out->worker_ = std::make_unique<feed::Worker>(
      services.feed, services.clock, "clew-topk",
      [lists = out->lists_.get()](const std::stop_token&) { return lists->work_once(); });
  return out;
}

}  // namespace clew::app
