// What is redacted of which dataset; set by the configuration, changed whole by a reload.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "process/redact.h"
#include "wire/intake.h"

namespace clew::api {

struct RedactionRules {
  bool on = true;                        // of datasets that are not named
  std::map<std::string, bool> datasets;  // on or off
  std::vector<process::OwnRedaction> own;
  bool operator==(const RedactionRules&) const = default;
};

// Threads:  all functions on any thread at once.
// Lifetime: the registry outlives it.
class Redaction {
 public:
  // Errors: those of process::Redactor::make.
  static Result<std::shared_ptr<const Redaction>> make(RedactionRules rules, base::Registry& metrics);

  bool is_on(const std::string& dataset) const;
  // Redacts the batches of datasets where it is on, and counts by rule.
  void redact(std::span<model::Batch> batches) const;
  // What an answer says of a client's bytes, whatever dataset they were meant for.
  std::string message(std::string_view text) const { return redactor_->redact_message(text); }

 private:
  Redaction(RedactionRules rules, std::shared_ptr<const process::Redactor> redactor, base::Registry& metrics)
      : rules_(std::move(rules)), redactor_(std::move(redactor)), metrics_(metrics) {}

  RedactionRules rules_;
  std::shared_ptr<const process::Redactor> redactor_;
  base::Registry& metrics_;
};

}  // namespace clew::api
