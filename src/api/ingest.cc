#include "api/ingest.h"

#include <charconv>

#include "process/error_group.h"

namespace clew::api {

SourceCounters::SourceCounters(base::Registry& metrics, std::string source)
    : metrics_(metrics),
      source_(std::move(source)),
      received_(metrics.counter("clew_events_received_total", "events that arrived", {{"source", source_}})),
      stored_(metrics.counter("clew_events_stored_total", "events stored durably", {{"source", source_}})),
      duplicate_(metrics.counter("clew_events_duplicate_total", "events of batches that were stored before",
                                 {{"source", source_}})) {}

void SourceCounters::rejected(std::string_view reason, uint64_t events) {
  if (events == 0) return;
  metrics_
      .counter("clew_events_rejected_total", "events refused, by reason",
               {{"reason", std::string(reason)}, {"source", source_}})
      .add(events);
  if (kept_ != nullptr) kept_->rejected(reason, events);
}

void SourceCounters::rejected(const wire::Events& events) {
  if (events.rejected == 0) return;
  for (size_t i = 0; i < std::size(events.rejected_by_reason); ++i) {
    rejected(wire::reason_name(static_cast<wire::Reason>(i)), events.rejected_by_reason[i]);
  }
}

void SourceCounters::dropped(std::string_view rule, uint64_t events) {
  metrics_
      .counter("clew_events_dropped_total", "events that a rule took away, by rule",
               {{"rule", std::string(rule)}, {"source", source_}})
      .add(events);
  if (kept_ != nullptr) kept_->dropped(rule, events);
}

void SourceCounters::written(uint64_t rows, const FlagCounts& flags, const Result<contract::Ack>& result) {
  if (!result.ok()) return rejected(code_name(result.error().code()), rows);
  if (result->duplicate) {
    duplicate_.add(rows);
    if (kept_ != nullptr) kept_->duplicate(rows);
    return;
  }
  uint64_t conflicts = result->conflicts.size();
  rejected("exists", conflicts);
  stored_.add(rows - conflicts);
  if (kept_ == nullptr) return;
  kept_->stored(rows - conflicts);
  kept_->flagged(flags);
}

Result<std::optional<contract::BatchKey>> parse_batch_key(std::string_view text) {
  constexpr size_t kProducerBytesMax = 256;
  if (text.empty()) return std::optional<contract::BatchKey>();
  size_t colon = text.rfind(':');
  contract::BatchKey key;
  const char* end = text.data() + text.size();
  bool ok = colon != std::string_view::npos && colon > 0 && colon <= kProducerBytesMax;
  if (ok) {
    key.producer = std::string(text.substr(0, colon));
    auto [stop, error] = std::from_chars(text.data() + colon + 1, end, key.sequence);
    ok = error == std::errc() && stop == end;
  }
  if (!ok) return Error(Code::kInvalid, "Clew-Batch " + clew::quoted(text) + " is not PRODUCER:SEQUENCE");
  return std::optional<contract::BatchKey>(std::move(key));
}

wire::Events counts_of(const wire::Events& events) {
  wire::Events counts;
  counts.received = events.received;
  counts.rejected = events.rejected;
  counts.rejections = events.rejections;
  return counts;
}

void Ingest::set_redaction(std::shared_ptr<const Redaction> redaction) {
  base::MutexLock lock(mutex_);
  redaction_ = std::move(redaction);
}

void Ingest::set_pipelines(std::shared_ptr<const DatasetPipelines> pipelines) {
  base::MutexLock lock(mutex_);
  pipelines_ = std::move(pipelines);
}

void Ingest::run_pipelines(SourceCounters& counters, Incoming& incoming) const {
  std::shared_ptr<const DatasetPipelines> pipelines;
  {
    base::MutexLock lock(mutex_);
    pipelines = pipelines_;
  }
  if (pipelines == nullptr) return;
  // What is created by its `_id` is named by batch and row until it is written: it stays where it is.
  std::vector<uint32_t> but;
  for (const contract::CreateRow& create : incoming.creates) but.push_back(create.batch);
  pipelines->run(incoming.events.batches, but,
                 [&](std::string_view rule, uint64_t events) { counters.dropped(rule, events); });
  if (incoming.creates.empty())
    std::erase_if(incoming.events.batches, [](const model::Batch& b) { return b.rows() == 0; });
}

std::shared_ptr<const Redaction> Ingest::redaction() const {
  base::MutexLock lock(mutex_);
  return redaction_;
}

std::string Ingest::clean_text(std::string text) const {
  std::shared_ptr<const Redaction> now = redaction();
  return now == nullptr ? text : now->message(text);
}

Error Ingest::clean(const Error& error) const { return {error.code(), clean_text(error.message())}; }

Result<wire::Events> Ingest::clean(Result<wire::Events> events) const {
  if (!events.ok()) return clean(events.error());
  for (wire::Rejection& rejection : events->rejections) rejection.message = clean_text(std::move(rejection.message));
  return events;
}

void Ingest::write(SourceCounters& counters, Incoming incoming, Done done) {
  counters.received(incoming.events.received);
  counters.rejected(incoming.events);
  run_pipelines(counters, incoming);
  if (std::shared_ptr<const Redaction> redact = redaction()) redact->redact(incoming.events.batches);
  uint64_t rows = 0;
  for (model::Batch& batch : incoming.events.batches) {
    rows += batch.rows();
    process::add_error_groups(batch);
  }
  if (rows == 0) return done(nullptr, nullptr);
  FlagCounts flags;
  flags.add(incoming.events.batches);
  contract::Write write{.access = std::move(incoming.access),
                        .key = std::move(incoming.key),
                        .batches = std::move(incoming.events.batches),
                        .creates = std::move(incoming.creates)};
  sink_.write(std::move(write), [&counters, rows, flags, done = std::move(done)](Result<contract::Ack> result) {
    counters.written(rows, flags, result);
    if (result.ok())
      done(&*result, nullptr);
    else
      done(nullptr, &result.error());
  });
}

}  // namespace clew::api
