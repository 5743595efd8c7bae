#include "derive/deriver.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "derive/sink_write.h"

namespace clew::derive {
namespace {

constexpr uint64_t kWindowSeqs = 65'536;
constexpr uint64_t kNanosPerMilli = 1'000'000;
constexpr uint64_t kRetryNs = 1'000'000'000;
constexpr size_t kBatchSeries = 20'000;           // of one write to the store of metrics
constexpr uint64_t kRememberedAtStart = 262'144;  // events looked at again for the spans in them

}  // namespace

struct Deriver::Parts {
  Parts(const DeriveOptions& options, base::Registry& metrics, base::Counter& refused)
      : budget(options.series_max, refused),
        recent(options.remembered_spans),
        spans({.dimensions = options.dimensions, .bounds = options.span_bounds, .form = options.histograms}, budget),
        requests(options.span_bounds, budget),
        graph({.wait_millis = options.graph_wait_millis, .bounds = options.graph_bounds, .form = options.histograms},
              budget, metrics) {
    fields.dimensions = options.dimensions;
    if (options.spans) {
      instruments.push_back(&spans.calls());
      instruments.push_back(&spans.goals());
    }
    if (options.requests) instruments.push_back(&requests.requests());
    if (options.service_graph) {
      instruments.push_back(&graph.edges());
      instruments.push_back(&graph.unpaired());
    }
  }
  SeriesBudget budget;
  RecentIds recent;
  SpanFields fields;
  SpanMetrics spans;
  RequestMetrics requests;
  ServiceGraph graph;
  std::vector<std::unique_ptr<LogMetric>> rules;
  std::vector<Instrument*> instruments;
};

Deriver::Deriver(DeriveServices services, DeriveOptions options)
    : services_(services),
      options_(std::move(options)),
      file_(services_.disk, options_.dir),
      refused_(services_.metrics.counter("clew_derived_series_refused_total",
                                         "Label values of derived metrics beyond metrics.series_max: counted under "
                                         "overflow=\"true\"")),
      repeated_(services_.metrics.counter("clew_derived_spans_repeated_total", "Spans that came again: not counted")),
      damaged_(services_.metrics.counter("clew_derived_events_damaged_total",
                                         "Events that derived metrics lack because they cannot be read")),
      failures_(services_.metrics.counter("clew_derived_failures_total",
                                          "Times that derived metrics could not be kept or written: tried again")) {}

Deriver::~Deriver() = default;

Result<std::unique_ptr<Deriver>> Deriver::open(DeriveServices services, DeriveOptions options) {
  std::unique_ptr<Deriver> deriver(new Deriver(services, std::move(options)));
  if (services.source != nullptr && deriver->options_.vital_signs) {
    deriver->vital_signs_ = std::make_unique<VitalSigns>(*services.source, services.sink, services.clock,
                                                         services.metrics, deriver->options_.interval_millis);
  }
  CLEW_TRY(deriver->load());
  deriver->due_ns_ = services.clock.monotonic_ns() + deriver->options_.interval_millis * kNanosPerMilli;
  return deriver;
}

Status Deriver::make_parts() {
  parts_ = std::make_unique<Parts>(options_, services_.metrics, refused_);
  for (const LogRule& rule : options_.log_rules) {
    std::unique_ptr<LogMetric> made =
        CLEW_TRY(LogMetric::make(rule, services_.clock.now().get(), parts_->budget, services_.metrics));
    parts_->instruments.push_back(&made->instrument());
    parts_->rules.push_back(std::move(made));
  }
  return {};
}

Status Deriver::load() {
  CLEW_TRY(make_parts());
  Seq committed = services_.feed.committed();
  Result<std::optional<Json>> read = file_.read();
  if (!read.ok() && read.error().code() != Code::kCorrupt) return std::move(read).error();
  if (!read.ok()) {
    CLEW_TRY(file_.set_aside());
    warning_ = "derived metrics: " + read.error().message() + ": set aside as .damaged, counting begins anew";
  }
  bool found = read.ok() && read->has_value();
  place_ = found ? Seq((**read).at("place").get<uint64_t>()) : committed;
  if (place_ > committed) place_ = committed;  // of a store that is gone
  if (found) {
    const Json& state = **read;
    for (Instrument* instrument : parts_->instruments) {
      auto saved = state.at("instruments").find(instrument->plan().name);
      if (saved != state.at("instruments").end()) instrument->restore(*saved);
    }
    parts_->graph.restore(state.at("graph"));
    remember_spans();
  }
  changed_ = true;
  // What comes before the first interval is over counts too, should it end in a crash.
  return found ? Status() : keep();
}

// The spans before the place, so that those which come again are known.
void Deriver::remember_spans() {
  uint64_t from = place_.get() - std::min(place_.get(), kRememberedAtStart);
  contract::FeedPiece piece = services_.feed.read({}, {Seq(from), place_});
  // What cannot be read is not remembered.
  (void)feed::visit(piece, [&](feed::Block& block) {
    return each_span(block, {}, [&](const SpanView& span) { parts_->recent.add(span.key()); });
  });
}

Status Deriver::take(feed::Block& block) {
  int64_t now = now_millis();
  for (const auto& rule : parts_->rules) CLEW_TRY(rule->take(block, now));
  if (options_.requests) CLEW_TRY(parts_->requests.take(block, now));
  if (!options_.spans && !options_.service_graph && !options_.requests) return {};
  return each_span(block, parts_->fields, [&](const SpanView& span) {
    if (!parts_->recent.add(span.key())) return repeated_.add();
    if (options_.spans) parts_->spans.take(span, now);
    if (options_.requests) parts_->requests.take(span, now);
    if (options_.service_graph) parts_->graph.take(span, now);
  });
}

Result<bool> Deriver::read_window() {
  Seq committed = services_.feed.committed();
  if (place_ >= committed) return false;
  Seq up_to(std::min(committed.get(), place_.get() + kWindowSeqs));
  contract::FeedPiece piece = services_.feed.read({}, {place_, up_to});
  Result<feed::Visited> visited = feed::visit(piece, [this](feed::Block& block) { return take(block); });
  if (!visited.ok()) {
    // Some of the window is counted, and nobody knows which: back to what was kept, which counts none of it.
    CLEW_TRY(load());
    return std::move(visited).error();
  }
  damaged_.add(visited->damaged_rows);
  changed_ = true;
  place_ = piece.range.up_to;
  return place_ < committed;
}

Status Deriver::keep() {
  Json instruments = Json::object();
  for (Instrument* instrument : parts_->instruments) instruments[instrument->plan().name] = instrument->state();
  CLEW_TRY(file_.write(
      {{"place", place_.get()}, {"instruments", std::move(instruments)}, {"graph", parts_->graph.state()}}));
  changed_ = false;
  return {};
}

Status Deriver::write_out() {
  int64_t now = now_millis();
  parts_->graph.expire(now);
  model::MetricBatch batch;
  for (Instrument* instrument : parts_->instruments) {
    instrument->settle(now - static_cast<int64_t>(options_.interval_millis) / 2);
    instrument->end_idle(now - options_.idle_millis, now, batch);
  }
  if (changed_) CLEW_TRY(keep());
  for (Instrument* instrument : parts_->instruments) {
    Status sent;
    instrument->emit(now, batch, [&] {
      if (batch.series().size() >= kBatchSeries && sent.ok()) sent = write_and_wait(services_.sink, batch);
    });
    CLEW_TRY(std::move(sent));
    CLEW_TRY(write_and_wait(services_.sink, batch));
    if (instrument->told()) changed_ = true;
  }
  return {};
}

feed::Worker::Next Deriver::work_once() {
  uint64_t now_ns = services_.clock.monotonic_ns();
  Result<bool> more = read_window();
  if (!more.ok()) {
    failures_.add();
    return {.due_ns = now_ns + kRetryNs, .pause = true};
  }
  if (now_ns >= due_ns_) {
    Status written = write_out();
    if (written.ok() && vital_signs_ != nullptr) written = vital_signs_->write();
    if (!written.ok()) failures_.add();
    due_ns_ = now_ns + options_.interval_millis * kNanosPerMilli;
  }
  return {.due_ns = *more ? 0 : due_ns_};
}

Status Deriver::catch_up() {
  for (bool more = true; more;) more = CLEW_TRY(read_window());
  return write_out();
}

}  // namespace clew::derive
