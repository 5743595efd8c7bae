// Graphite's plain text and InfluxDB's line protocol: samples with their times, a line each, written as they come.
#include <functional>

#include "collect/line_frames.h"
#include "collect/protocol.h"
#include "collect/sample_batcher.h"
#include "wire/graphite.h"
#include "wire/influx_line.h"
#include "wire/metric_names.h"

namespace clew::collect {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

using wire::SeriesLabels;

class SampleLines : public Protocol {
 public:
  SampleLines(EventBatcher& batcher, const ProtocolOptions& options)
      : options_(options),
        batcher_(batcher),
        samples_(*options.samples.sink, options.samples.access, batcher, *options.samples.metrics,
                 options.samples.source) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) final;
  void take_datagram(std::string_view bytes, const std::string&) final {
    LineFrames lines('\n', options_.message_bytes_max);
    (void)take(lines, bytes, true);
  }
  void finish(std::function<void()> finished) final { samples_.finish(std::move(finished)); }

  size_t take(LineFrames& lines, std::string_view bytes, bool end) {
    int64_t now = batcher_.arrive() / kNanosPerMilli;
    size_t taken = lines.split(bytes, end, [&](std::string_view line, process::Whole whole) {
      if (whole == process::Whole::kCut) return batcher_.rejected("too_large", 1);
      if (line.back() == '\r') line.remove_suffix(1);
      if (line.empty() || line.front() == '#') return;
      Status added = add(line, now);
      if (!added.ok()) batcher_.rejected(code_name(added.error().code()), 1);
      samples_.added();
    });
    return taken;
  }
  size_t message_bytes_max() const { return options_.message_bytes_max; }

 protected:
  virtual Status add(std::string_view line, int64_t now_millis) = 0;
  EventBatcher& batcher() { return batcher_; }
  model::MetricBatch& batch() { return samples_.batch(); }

  const ProtocolOptions options_;

 private:
  EventBatcher& batcher_;
  SampleBatcher samples_;
};

class Graphite final : public SampleLines {
 public:
  using SampleLines::SampleLines;

 protected:
  Status add(std::string_view line, int64_t now_millis) override {
    CLEW_TRY(wire::read_graphite_line(line, line_));
    const StatsdOptions& naming = options_.samples.statsd;
    bool is_mapped = naming.mappings && naming.mappings->map(line_.path, mapped_);
    if (!is_mapped) mapped_.labels.clear();
    std::string metric = wire::plain_metric_name(is_mapped ? std::string_view(mapped_.metric) : line_.path);
    if (metric.empty()) return Error(Code::kInvalid, "a path without a letter");
    labels_.clear();
    names_.clear();
    names_.reserve(mapped_.labels.size() + line_.tags.size() + naming.labels.size());  // no name moves
    auto put = [this](SeriesLabels::From from, std::string_view name, std::string_view value) {
      names_.push_back(wire::plain_label_name(name));
      labels_.add(from, names_.back(), value, name);
    };
    for (const auto& [name, value] : mapped_.labels) put(SeriesLabels::From::kScope, name, value);
    for (const auto& [name, value] : line_.tags) put(SeriesLabels::From::kAttribute, name, value);
    for (const auto& [name, value] : naming.labels) put(SeriesLabels::From::kPromoted, name, value);
    batch().begin_series(labels_.pack(metric));
    batch().add_sample(line_.millis != 0 ? line_.millis : now_millis, line_.value);
    return {};
  }

 private:
  wire::GraphiteLine line_;
  wire::NameMappings::Mapped mapped_;
  SeriesLabels labels_;
  std::vector<std::string> names_;
};

class Influx final : public SampleLines {
 public:
  Influx(EventBatcher& to, const ProtocolOptions& options) : SampleLines(to, options) {
    influx_.labels = options.samples.statsd.labels;
  }

 protected:
  Status add(std::string_view line, int64_t now_millis) override {
    influx_.arrival_millis = now_millis;
    uint64_t texts = CLEW_TRY(decoder_.add_line(line, influx_, batch()));
    batcher().rejected("text_field", texts);
    return {};
  }

 private:
  wire::InfluxOptions influx_;
  wire::InfluxDecoder decoder_;
};

class SampleLinesStream final : public net::Conversation {
 public:
  explicit SampleLinesStream(SampleLines& lines) : to_(lines), lines_('\n', lines.message_bytes_max()) {}
  Result<size_t> take(std::string_view bytes, bool end) override { return to_.take(lines_, bytes, end); }

 private:
  SampleLines& to_;
  LineFrames lines_;
};

std::unique_ptr<net::Conversation> SampleLines::converse(const net::PeerPtr&) {
  return std::make_unique<SampleLinesStream>(*this);
}

}  // namespace

ProtocolPtr make_graphite_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Graphite>(batcher, options);
}

ProtocolPtr make_influx_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Influx>(batcher, options);
}

}  // namespace clew::collect
