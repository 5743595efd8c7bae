#include "app/agent_sources.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <utility>

#include "app/http_source.h"
#include "app/listeners.h"
#include "app/metric_sources.h"
#include "app/pipelines.h"
#include "collect/file_source.h"
#include "collect/health_source.h"
#include "collect/host_source.h"
#include "collect/journal_source.h"
#include "collect/queue_sink.h"
#include "collect/stream_source.h"
#include "wire/index_name.h"

namespace clew::app {
namespace {

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

// What a source's pipeline asks of it: how lines are read, how long they are gathered.
Status use_pipeline(const SourceOptions& source, const SourceParts& parts, collect::BatchOptions& batch,
                    std::optional<process::Format>& format) {
  if (source.pipeline.empty()) return {};
  pipeline::Surroundings around{.geo = &parts.geo,
                                .metrics = &parts.metrics,
                                .clock = &parts.clock,
                                .zone = batch.zone,
                                .host = pipeline::read_host_facts()};
  pipeline::PipelinePtr made = CLEW_TRY(make_pipeline(source.pipeline, parts.pipelines, around));
  // A format that the source names holds; else the first step says how it wants its lines.
  pipeline::Lines lines = pipeline::Lines::kAsTheyCome;
  if (source.format.empty() && made->line_format()) {
    format = made->line_format();
    if (*format != process::Format::kRaw) lines = pipeline::Lines::kReadByFirstStep;
  }
  batch.wait_nanos = std::max(batch.wait_nanos, made->window_ns());
  pipeline::PipelinePtr of = made;
  auto runner = std::make_shared<pipeline::Runner>(std::move(made), lines);
  batch.dropped = std::make_shared<std::map<std::string, uint64_t>>();
  auto watch = [of, dropped = batch.dropped.get()](size_t step, pipeline::Rows&, const pipeline::StepCounts& counts) {
    uint64_t gone = counts.dropped + counts.merged;
    if (gone > 0) (*dropped)[of->step_name(step)] += gone;
  };
  batch.process = [runner, watch, kept = batch.dropped](model::Batch& rows) { return runner->run(rows, watch); };
  return {};
}

collect::BatchOptions batch_options(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::BatchOptions batch;
  batch.source = name;
  batch.dataset = source.dataset;
  batch.zone_name = source.zone;
  batch.compression = parts.compression;
  if (parts.budget != nullptr)
    batch.pace = [budget = parts.budget](const std::atomic<bool>& stop) { budget->keep(stop); };
  if (!source.zone.empty()) batch.zone = text::Zone::find(source.zone).value_or(text::Zone());
  batch.clean = [redaction = parts.redaction](model::Batch& rows) { redaction->redact({&rows, 1}); };
  if (std::string host = host_name(); !host.empty()) batch.fields.emplace_back("host.name", std::move(host));
  return batch;
}

using SourcePtr = std::unique_ptr<collect::Source>;
using Made = Result<SourcePtr>;

Made make_files(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::FileSourceOptions files;
  files.batch = batch_options(name, source, parts);
  files.batch.sends_lines = true;
  // Events tell where they came from in words that hold wherever the agent was started.
  for (const std::string& pattern : source.files) {
    files.patterns.push_back(pattern.starts_with('~') ? pattern : std::filesystem::absolute(pattern).string());
  }
  files.exclude = source.exclude;
  files.format = CLEW_TRY(process::format_by_name(source.format.empty() ? "auto" : source.format));
  CLEW_TRY(use_pipeline(source, parts, files.batch, files.format));
  files.encoding = CLEW_TRY(text::encoding_by_name(source.encoding));
  files.join = source.join;
  files.from_end = source.from_end;
  return SourcePtr(new collect::FileSource(std::move(files), parts.queue, parts.clock, parts.metrics));
}

Made make_journal(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::JournalSourceOptions journal;
  journal.batch = batch_options(name, source, parts);
  journal.journal = {.directory = source.directory, .name_space = source.name_space};
  journal.from_end = source.from_end;
  std::unique_ptr<collect::JournalSource> made =
      CLEW_TRY(collect::JournalSource::open(std::move(journal), parts.queue, parts.clock, parts.metrics));
  return SourcePtr(std::move(made));
}

Made make_host(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::HostSourceOptions host;
  host.source = name;
  if (source.every_millis != 0) host.every_nanos = source.every_millis * 1'000'000;
  if (parts.samples != nullptr) {
    std::vector<std::pair<std::string, std::string>> labels = {{"instance", host_name()}, {"job", name}};
    host.measured = [to = parts.samples, labels](const host::Samples& samples, int64_t unix_millis) {
      model::MetricBatch batch;
      collect::append_host_samples(samples, labels, unix_millis, batch);
      // What the disk does not take is lost; the next measurement comes soon, and the queue's health is told.
      to->write({}, batch, [](const Result<contract::MetricAck>&) {});
    };
  }
  auto made = std::make_unique<collect::HostSource>(std::move(host), host::make_host({}, parts.clock), parts.clock);
  parts.pages.push_back([page = made.get()](std::string& out) { page->append_metrics(out); });
  return SourcePtr(std::move(made));
}

Made make_health(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  CLEW_TRY(collect::HealthSource::check_urls(source.urls));
  collect::HealthSourceOptions health;
  health.batch = batch_options(name, source, parts);
  if (!source.dataset_named) health.batch.dataset = "health";
  std::optional<process::Format> format = process::Format::kNdjson;
  CLEW_TRY(use_pipeline(source, parts, health.batch, format));
  health.urls = source.urls;
  if (source.every_millis != 0) health.every_nanos = source.every_millis * 1'000'000;
  health.timeout_ms = source.timeout_millis;
  return SourcePtr(new collect::HealthSource(std::move(health), parts.queue, parts.clock, parts.metrics));
}

Made make_stdin(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::StreamSource::Options stream;
  stream.format = CLEW_TRY(process::format_by_name(source.format.empty() ? "auto" : source.format));
  stream.batch = batch_options(name, source, parts);
  CLEW_TRY(use_pipeline(source, parts, stream.batch, stream.format));
  stream.join = source.join;
  return SourcePtr(new collect::StreamSource(std::move(stream), STDIN_FILENO, parts.queue, parts.clock, parts.metrics));
}

Made make_http(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::BatchOptions batch = batch_options(name, source, parts);
  std::optional<process::Format> format;
  CLEW_TRY(use_pipeline(source, parts, batch, format));
  collect::QueueSink::Steps steps{.process = std::move(batch.process),
                                  .clean = std::move(batch.clean),
                                  .dropped = std::move(batch.dropped),
                                  .compression = batch.compression};
  // Without a pipeline what the receivers have redacted is as it stays.
  if (!steps.process) steps.clean = nullptr;
  std::unique_ptr<HttpSource> made = CLEW_TRY(HttpSource::open(name, source,
                                                               {.queue = parts.queue,
                                                                .clock = parts.clock,
                                                                .metrics = parts.metrics,
                                                                .disk = parts.disk,
                                                                .dir = parts.dir,
                                                                .redaction = parts.redaction,
                                                                .steps = std::move(steps)}));
  return SourcePtr(std::move(made));
}

Made make_agent_listener(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  collect::BatchOptions batch = batch_options(name, source, parts);
  std::optional<process::Format> format;
  CLEW_TRY(use_pipeline(source, parts, batch, format));
  collect::QueueSink::Steps steps{.process = std::move(batch.process),
                                  .clean = std::move(batch.clean),
                                  .dropped = std::move(batch.dropped),
                                  .compression = batch.compression};
  auto sink = std::make_unique<collect::QueueSink>(parts.queue, std::move(steps), parts.metrics, name);
  std::unique_ptr<collect::Listener> made =
      CLEW_TRY(make_listener(name, source, std::move(sink), parts.samples, parts.clock, parts.metrics, false));
  return SourcePtr(std::move(made));
}

}  // namespace

Made make_source(const std::string& name, const SourceOptions& source, const SourceParts& parts) {
  CLEW_TRY(check_source_dataset(source.dataset));
  if (name == kStdinSource) return make_stdin(name, source, parts);
  if (source.type == "journal") return make_journal(name, source, parts);
  if (is_listener(source)) return make_agent_listener(name, source, parts);
  if (source.type == kHttpSourceType) return make_http(name, source, parts);
  if (source.type == "host") return make_host(name, source, parts);
  if (source.type == "health") return make_health(name, source, parts);
  if (source.type == "check") {
    if (parts.samples == nullptr) return Error(Code::kInvalid, "no server to send measurements to");
    return make_check_source(name, source, {parts.clock, parts.metrics, *parts.samples});
  }
  return make_files(name, source, parts);
}

Status check_source_dataset(const std::string& dataset) {
  if (dataset == "clew") return Error(Code::kForbidden, "\"clew\" is the server's own log: name another dataset");
  return wire::check_dataset_name(dataset);
}

}  // namespace clew::app
