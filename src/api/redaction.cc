#include "api/redaction.h"

namespace clew::api {

Result<std::shared_ptr<const Redaction>> Redaction::make(RedactionRules rules, base::Registry& metrics) {
  std::shared_ptr<const process::Redactor> redactor = CLEW_TRY(process::Redactor::make(rules.own));
  return std::shared_ptr<const Redaction>(new Redaction(std::move(rules), std::move(redactor), metrics));
}

bool Redaction::is_on(const std::string& dataset) const {
  auto named = rules_.datasets.find(dataset);
  return named == rules_.datasets.end() ? rules_.on : named->second;
}

void Redaction::redact(std::span<model::Batch> batches) const {
  process::RedactionCounts counts = redactor_->no_counts();
  uint64_t rows = 0;
  for (model::Batch& batch : batches) {
    if (is_on(batch.dataset())) rows += redactor_->redact(batch, counts);
  }
  if (rows == 0) return;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    metrics_
        .counter("clew_redacted_total", "secrets replaced before they were stored, by rule",
                 {{"rule", redactor_->rule_names()[i]}})
        .add(counts[i]);
  }
}

}  // namespace clew::api
