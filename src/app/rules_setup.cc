#include "app/rules_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace clew::app {

namespace promql = query::promql;

ServerRules::ServerRules(const RuleSetupParts& parts)
    : parts_(parts),
      damaged_(parts.store.stats().damaged),
      pool_(std::max(1u, std::thread::hardware_concurrency())),
      rules_({.disk = parts.disk,
              .clock = parts.clock,
              .sink = parts.store,
              .source = parts.store,
              .metrics = parts.metrics,
              .alerts = parts.alerts,
              .ask = [this](const std::string& text, int64_t at_millis) { return ask(text, at_millis); },
              .access = {}},
             {}) {}

Result<promql::Answer> ServerRules::ask(const std::string& text, int64_t at_millis) const {
  promql::Options options;
  api::Settings now = parts_.settings.now();
  options.limits.millis_max = now.query_limits.millis;
  options.limits.memory_bytes_max = now.query_limits.memory_bytes;
  options.pool = &pool_;
  options.clock = &parts_.clock;
  options.parse = alert::rule_parse_options();
  promql::Answer answer = CLEW_TRY(promql::run_instant(parts_.store, {}, text, at_millis, options));
  // What is read damaged is an error; what a start had to set aside cannot be asked for: whoever looks at the rule is
  // told.
  if (damaged_ > 0) answer.warnings.push_back(fmt::format("{} damaged pieces of the store are left out", damaged_));
  return answer;
}

Status ServerRules::start(const alert::RulesOptions& options) {
  CLEW_TRY(rules_.load(options));
  rules_.start();
  return {};
}

std::string ServerRules::reload(const alert::RulesOptions& options) {
  Status loaded = rules_.load(options);
  if (!loaded.ok()) return "rules: those before go on:\n" + loaded.error().message();
  size_t groups = 0, rules = 0;
  for (const auto& group : rules_.view()) {
    ++groups;
    rules += group->rules.size();
  }
  if (groups == 0 && options.files.empty()) return {};
  return fmt::format("rules: {} in {} groups", rules, groups);
}

}  // namespace clew::app
