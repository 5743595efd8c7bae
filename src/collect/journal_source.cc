#include "collect/journal_source.h"

#include <algorithm>
#include <charconv>

#include "text/utf8.h"

namespace clew::collect {
namespace {

constexpr size_t kEntriesAtATime = 1000;  // before time is looked at
constexpr size_t kOpenMax = 1000;         // streams with an event that may go on
constexpr size_t kProgramsMax = 250;      // with a format of their own
constexpr size_t kSampleBytesMax = 16 << 10;
constexpr size_t kNameBytesMax = 4 << 10;          // of "NAME=" before a value
constexpr uint64_t kHoldNanos = 300'000'000;       // a batch waits so long for open events,
constexpr uint64_t kHoldNanosMax = 2'000'000'000;  // and so long while lines come
constexpr uint64_t kQuietNanos = 50'000'000;       // lines of a trace are written faster than this
constexpr uint32_t kIdleMillis = 1000;
constexpr int kDamageMax = 1000;  // errors in a row

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos &&
         (text.size() == 1 || text[0] != '0');
}

}  // namespace

// The messages of one program, which mostly have one format.
struct JournalSource::Program {
  std::string sample;
  size_t detected_bytes = 0;  // of the sample, when the format was last asked for
  process::Format format = process::Format::kPlain;
  std::unique_ptr<process::LineParser> parser;
  uint64_t batch = 0;  // that the parser writes to
};

Result<std::unique_ptr<JournalSource>> JournalSource::open(JournalSourceOptions options, contract::Queue& queue,
                                                           const os::Clock& clock, base::Registry& metrics) {
  std::unique_ptr<JournalReader> reader =
      CLEW_TRY(JournalReader::open(options.journal, options.line_bytes_max + kNameBytesMax));
  return std::make_unique<JournalSource>(std::move(options), std::move(reader), queue, clock, metrics);
}

JournalSource::JournalSource(JournalSourceOptions options, std::unique_ptr<JournalReader> reader,
                             contract::Queue& queue, const os::Clock& clock, base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      reader_(std::move(reader)),
      maker_(options_.batch, queue, clock, metrics),
      others_(std::make_unique<Program>()),
      entries_(metrics.counter("clew_agent_journal_entries_total", "Entries of the journal read",
                               {{"source", options_.batch.source}})),
      no_message_(metrics.counter("clew_agent_dropped_total", "Entries left out, by reason",
                                  {{"source", options_.batch.source}, {"reason", "no_message"}})),
      errors_(metrics.counter("clew_agent_read_errors_total", "Files that could not be read",
                              {{"source", options_.batch.source}})) {}
JournalSource::~JournalSource() = default;

void JournalSource::stop() {
  stop_ = true;
  reader_->wake();
}

Status JournalSource::seek() {
  std::map<std::string, std::string> places = queue_.places();
  auto known = places.find(place_key());
  if (known != places.end()) return reader_->seek(known->second);
  return options_.from_end ? reader_->seek_end() : reader_->seek_begin();
}

Status JournalSource::run() {
  CLEW_TRY(seek());
  while (!stop_) {
    bool more = CLEW_TRY(read_some());
    give_older_than(options_.event_wait_nanos);
    CLEW_TRY(flush_if_due());
    if (more) continue;
    bool waits = !open_.empty() || !maker_.empty();
    reader_->wait(waits ? static_cast<uint32_t>(options_.batch.wait_nanos / 1'000'000) : kIdleMillis);
  }
  give_older_than(0);
  Status flushed = flush();
  // What a full queue does not take before the end is read again by the next run.
  bool later = !flushed.ok() && (flushed.error().code() == Code::kOverloaded || flushed.error().code() == Code::kFull);
  return later ? Status() : flushed;
}

// Whether there may be more.
Result<bool> JournalSource::read_some() {
  int damaged = 0;
  for (size_t i = 0; i < kEntriesAtATime; ++i) {
    Result<bool> next = reader_->next();
    if (!next.ok()) {
      errors_.add();
      if (++damaged > kDamageMax) return next.error();
      continue;
    }
    if (!*next) return false;
    // Taken now: the entry's file may be gone when the batch is kept.
    cursor_ = CLEW_TRY(reader_->cursor());
    take_entry();
    if (maker_.due()) break;
  }
  return true;
}

void JournalSource::take_entry() {
  moved_ = true;
  entries_.add();
  entry_.message.clear();
  entry_.program.clear();
  entry_.values.clear();
  entry_.fields.clear();
  entry_.rest.clear();
  entry_.unix_nanos = reader_->received_nanos();
  bool message = false;
  std::string stream;
  reader_->fields([&](std::string_view name, std::string_view value) {
    if (name == "MESSAGE") {
      message = true;
      entry_.message = value;
      return;
    }
    if (name == "_SOURCE_REALTIME_TIMESTAMP" && is_number(value)) {
      int64_t micros = 0;
      std::from_chars(value.data(), value.data() + value.size(), micros);
      if (micros < INT64_MAX / 1000) entry_.unix_nanos = micros * 1000;
    }
    if (name == "_STREAM_ID") stream = value;
    if (name == "SYSLOG_IDENTIFIER") entry_.program = value;
    const JournalField* field = names_.find(name);
    if (field == nullptr) {
      entry_.rest.append(name).append("=").append(value).append("\n");
    } else if (!field->name.empty()) {
      size_t begin = entry_.values.size();
      entry_.values.append(value);
      entry_.fields.push_back({field, begin, entry_.values.size()});
    }
  });
  if (!message) {
    no_message_.add();
    return;
  }
  grown_ns_ = clock_.monotonic_ns();
  if (stream.empty()) return give(entry_);  // not from an output: whole as it is
  auto open = open_.find(stream);
  if (open != open_.end()) {
    Event& event = open->second;
    if (event.continuation.continues(entry_.message)) {
      event.message.append("\n").append(entry_.message);
      event.grown_ns = grown_ns_;
      return;
    }
    give(event);
  } else if (open_.size() >= kOpenMax) {
    give_older_than(0);
  }
  // The continuation of the stream has seen this line as the first of its event, or is told so now.
  Event& event = open_[stream];
  process::Continuation continuation = event.continuation;
  if (open == open_.end()) (void)continuation.continues(entry_.message);
  event = entry_;
  event.continuation = continuation;
  event.grown_ns = grown_ns_;
}

void JournalSource::give_older_than(uint64_t wait_nanos) {
  uint64_t now = clock_.monotonic_ns();
  std::erase_if(open_, [&](auto& open) {
    if (now - open.second.grown_ns < wait_nanos) return false;
    give(open.second);
    return true;
  });
}

JournalSource::Program& JournalSource::program_of(const Event& event) {
  auto found = programs_.find(event.program);
  if (found == programs_.end() && programs_.size() < kProgramsMax) {
    found = programs_.emplace(event.program, std::make_unique<Program>()).first;
  }
  Program& program = found == programs_.end() ? *others_ : *found->second;
  if (&program != others_.get() && program.sample.size() < kSampleBytesMax) {
    program.sample.append(event.message).append("\n");
    if (program.sample.size() >= 2 * program.detected_bytes) {
      program.detected_bytes = program.sample.size();
      process::Format format = process::detect(program.sample);
      if (format == process::Format::kJsonStream) format = process::Format::kNdjson;
      if (format != program.format) program.parser.reset();
      program.format = format;
    }
  }
  if (!program.parser) {
    program.parser =
        std::make_unique<process::LineParser>(program.format, process::Expect::kMostly, options_.line_bytes_max);
    program.batch = 0;
  }
  if (program.batch != maker_.number()) maker_.attach(*program.parser);
  program.batch = maker_.number();
  return program;
}

void JournalSource::give(const Event& event) {
  fields_.clear();
  for (const Event::Field& field : event.fields) {
    std::string_view value = std::string_view(event.values).substr(field.begin, field.end - field.begin);
    fields_.push_back({field.field->name, value, field.field->number && is_number(value)});
  }
  if (!event.rest.empty()) fields_.push_back({"journald.rest", event.rest});
  maker_.add_line(*program_of(event).parser, event.message, fields_, event.unix_nanos);
}

// The cursor may not pass events that are open: a batch waits for them, but not for ever.
Status JournalSource::flush_if_due() {
  if (!open_.empty()) {
    bool full = maker_.rows() >= options_.batch.rows_max;
    uint64_t age = maker_.age_nanos();
    bool quiet = clock_.monotonic_ns() - grown_ns_ >= kQuietNanos;
    if (!full && age < kHoldNanosMax && !(quiet && age >= kHoldNanos)) return {};
    give_older_than(0);
    return flush();
  }
  return maker_.due() || (maker_.empty() && moved_) ? flush() : Status();
}

Status JournalSource::flush() {
  if (!moved_) return {};
  CLEW_TRY(maker_.flush({{place_key(), cursor_}}, stop_));
  moved_ = false;
  return {};
}

}  // namespace clew::collect
