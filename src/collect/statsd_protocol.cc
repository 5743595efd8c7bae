// StatsD and DogStatsD: samples are added up for an interval, events and service checks are log events.
#include <atomic>

#include "collect/line_frames.h"
#include "collect/protocol.h"
#include "collect/sample_batcher.h"
#include "collect/statsd_aggregator.h"

namespace clew::collect {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr auto kNewlines = wire::Newlines::kBlank;

class Statsd final : public Protocol {
 public:
  Statsd(EventBatcher& batcher, const ProtocolOptions& options)
      : batcher_(batcher),
        options_(options),
        clock_(*options.samples.clock),
        samples_(*options.samples.sink, options.samples.access, batcher, *options.samples.metrics,
                 options.samples.source),
        received_(options.samples.metrics->counter("clew_statsd_samples_total", "Values that StatsD clients sent",
                                                   {{"source", options.samples.source}})),
        aggregator_(options.samples.statsd, now_millis()) {
    options.samples.metrics->gauge("clew_statsd_series", "Series that StatsD's values are added up to",
                                   {{"source", options.samples.source}}, [series = series_] { return series->load(); });
    schedule();
  }

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view bytes, const std::string& from) override {
    LineFrames lines('\n', options_.message_bytes_max);
    (void)take(lines, bytes, true, from);
  }
  void finish(std::function<void()> finished) override {
    flush();
    samples_.finish(std::move(finished));
  }

  size_t take(LineFrames& lines, std::string_view bytes, bool end, const std::string& from) {
    now_ = batcher_.arrive() / kNanosPerMilli;
    events_ = 0;
    size_t taken = lines.split(bytes, end, [&](std::string_view line, process::Whole whole) {
      if (whole == process::Whole::kCut) return batcher_.rejected("too_large", 1);
      add(line, from);
    });
    batcher_.added(events_, bytes.size());
    return taken;
  }
  size_t message_bytes_max() const { return options_.message_bytes_max; }

 private:
  int64_t now_millis() const { return clock_.now().get() / kNanosPerMilli; }

  void schedule() {
    batcher_.after(options_.samples.flush_ms, [this] {
      flush();
      schedule();
    });
  }
  void flush() {
    if (samples_.behind()) return;  // the next interval has it all
    aggregator_.flush(now_millis(), samples_.batch());
    *series_ = static_cast<double>(aggregator_.series_count());
    samples_.flush();
  }

  void add(std::string_view line, const std::string& from) {
    if (line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) return;
    wire::StatsdForm form = wire::statsd_form_of(line);
    Status added = form == wire::StatsdForm::kSamples ? add_samples(line) : add_event(line, form, from);
    if (!added.ok()) batcher_.rejected(code_name(added.error().code()), 1);
  }

  Status add_samples(std::string_view line) {
    CLEW_TRY(wire::read_statsd_line(line, line_));
    CLEW_TRY(aggregator_.add(line_, now_));
    received_.add(line_.values.size());
    return {};
  }

  Status add_event(std::string_view line, wire::StatsdForm form, const std::string& from) {
    CLEW_TRY(wire::statsd_json(line, form, json_));
    wire::RowWriter& rows = batcher_.rows();
    rows.begin_row();
    if (batcher_.json().read(json_.data(), json_.data() + json_.size(), kNewlines) == nullptr) {
      rows.abandon_row();
      return Error(Code::kInvalid, batcher_.json().error());
    }
    wire::Field* address = rows.field("log.source.address");
    if (!from.empty() && !rows.has(address)) {
      rows.note_origin(address, model::Origin::kResource);
      rows.add_string(address, from);
    }
    rows.end_row();
    ++events_;
    return {};
  }

  EventBatcher& batcher_;
  const ProtocolOptions options_;
  const os::Clock& clock_;
  SampleBatcher samples_;
  base::Counter& received_;
  StatsdAggregator aggregator_;
  // Of a gauge that may be asked for when this is gone.
  const std::shared_ptr<std::atomic<double>> series_ = std::make_shared<std::atomic<double>>(0);
  wire::StatsdLine line_;
  std::string json_;
  int64_t now_ = 0;
  uint32_t events_ = 0;
};

class StatsdStream final : public net::Conversation {
 public:
  StatsdStream(Statsd& statsd, std::string from)
      : statsd_(statsd), from_(std::move(from)), lines_('\n', statsd.message_bytes_max()) {}
  Result<size_t> take(std::string_view bytes, bool end) override { return statsd_.take(lines_, bytes, end, from_); }

 private:
  Statsd& statsd_;
  const std::string from_;
  LineFrames lines_;
};

std::unique_ptr<net::Conversation> Statsd::converse(const net::PeerPtr& peer) {
  return std::make_unique<StatsdStream>(*this, peer->address());
}

}  // namespace

ProtocolPtr make_statsd_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Statsd>(batcher, options);
}

}  // namespace clew::collect
