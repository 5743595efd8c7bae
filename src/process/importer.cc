#include "process/importer.h"

#include "process/json_splitter.h"

namespace clew::process {

struct Importer::State {
  State(ImportOptions import_options, UnixNanos arrival, Sink import_sink)
      : options(std::move(import_options)), sink(std::move(import_sink)), batch(options.dataset) {
    intake.arrival = arrival;
    intake.dataset = options.dataset;
    intake.zone = options.zone;
  }

  void start() {
    format = options.format ? *options.format : detect(held);
    parser.emplace(*format, options.format ? options.expect : Expect::kMostly, options.line_bytes_max);
    parser->attach(batch, intake);
    JoinRule rule = join_rule(*format);
    join = rule && (options.join_traces || rule.how != JoinRule::How::kTraces);
    continuation = Continuation(rule);
    std::string first = std::move(held);
    held.clear();
    take(first);
  }

  void take(std::string_view bytes) {
    if (*format == Format::kJsonStream) {
      splitter.feed(bytes, [this](JsonSplitter::Piece piece, std::string_view text) { take_piece(piece, text); });
      return;
    }
    while (!bytes.empty() && status.ok()) {
      size_t newline = bytes.find('\n');
      if (newline == std::string_view::npos) {
        hold(bytes);
        return;
      }
      if (held.empty()) {
        take_line(bytes.substr(0, newline));
      } else {
        hold(bytes.substr(0, newline));
        take_line(held);
        held.clear();
      }
      bytes.remove_prefix(newline + 1);
    }
  }
  // Of a line over the limit one byte more than the limit is held: the parser then sees that it was cut.
  void hold(std::string_view bytes) {
    size_t room = options.line_bytes_max + 1 - std::min(held.size(), options.line_bytes_max + 1);
    held.append(bytes.substr(0, room));
  }

  void take_piece(JsonSplitter::Piece piece, std::string_view text) {
    if (!status.ok()) return;
    bool added = piece == JsonSplitter::Piece::kObject ? parser->parse_object(text) : parser->parse_line(text);
    count(added, text.size());
  }
  void take_line(std::string_view line) {
    if (!join) return count(parser->parse_line(line), line.size());
    bool goes_on = continuation.continues(line);
    if (!goes_on) end_event();
    if (goes_on) event.push_back('\n');
    event.append(line);
  }
  void end_event() {
    if (!event.empty()) count(parser->parse_line(event), event.size());
    event.clear();
  }

  void count(bool added, size_t bytes) {
    if (!added) return;
    ++events;
    batch_bytes += bytes;
    if (batch.rows() >= options.batch_rows_max || batch_bytes >= options.batch_bytes_max) flush();
  }

  void flush() {
    if (batch.rows() == 0) return;
    status = sink(std::move(batch));
    batch = model::Batch(options.dataset);
    batch_bytes = 0;
    parser->attach(batch, intake);
  }

  ImportOptions options;
  Sink sink;
  wire::Intake intake;
  std::optional<Format> format;
  model::Batch batch;
  std::optional<LineParser> parser;
  JsonSplitter splitter;
  std::string held;   // the sample, then an unfinished line
  bool join = false;  // of a format whose events have more lines than one
  Continuation continuation;
  std::string event;  // that may go on
  size_t batch_bytes = 0;
  uint64_t events = 0;
  Status status;  // the sink's first error
};

Importer::Importer(ImportOptions options, UnixNanos arrival, Sink sink)
    : state_(std::make_unique<State>(std::move(options), arrival, std::move(sink))) {}
Importer::~Importer() = default;

Status Importer::feed(std::string_view bytes) {
  State& s = *state_;
  if (!s.parser) {
    s.held.append(bytes);
    if (s.held.size() >= kSampleBytes) s.start();
  } else {
    s.take(bytes);
  }
  return s.status;
}

Status Importer::finish() {
  State& s = *state_;
  if (!s.parser) s.start();
  if (*s.format == Format::kJsonStream) {
    s.splitter.finish([&s](JsonSplitter::Piece piece, std::string_view text) { s.take_piece(piece, text); });
  } else if (!s.held.empty()) {
    s.take_line(s.held);
  }
  if (s.join && s.status.ok()) s.end_event();
  if (s.status.ok()) s.flush();
  return s.status;
}

std::optional<Format> Importer::format() const { return state_->format; }
uint64_t Importer::events() const { return state_->events; }

}  // namespace clew::process
