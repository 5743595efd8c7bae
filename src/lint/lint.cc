#include "lint/lint.h"

#include <algorithm>

#include "lint/line_text.h"
#include "lint/row_rules.h"
#include "lint/template_counts.h"
#include "process/continuation.h"
#include "process/importer.h"
#include "process/json_splitter.h"
#include "process/redact_text.h"

namespace clew::lint {
namespace {

constexpr uint32_t kBatchRows = 4096;
constexpr size_t kBatchBytes = 8 << 20;
constexpr size_t kTemplatesShown = 10;

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

// The begin of a text, of whole characters.
std::string_view head_of(std::string_view text) {
  if (text.size() <= kExampleBytesMax) return text;
  size_t end = kExampleBytesMax;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

struct Linter::State {
  State(LintOptions lint_options, std::shared_ptr<const process::Redactor> lint_redactor, UnixNanos lint_now)
      : options(std::move(lint_options)),
        redactor(std::move(lint_redactor)),
        secret_counts(redactor->no_counts()),
        redaction(*redactor, secret_counts) {
    intake.arrival = lint_now;
    intake.zone = options.zone;
  }

  // One file.
  void begin(std::string name) {
    file = std::move(name);
    ++report.files;
    line_no = 0;
    held.clear();
    format.reset();
    splitter = {};
    continuation = {};
    service.clear();
  }
  void feed(std::string_view bytes) {
    report.bytes += bytes.size();
    if (format) return take(bytes);
    held.append(bytes);
    if (held.size() >= process::kSampleBytes) start();
  }
  void end() {
    if (!format) start();
    if (!held.empty()) {
      take_physical(held, {});
      held.clear();
    }
    if (*format == process::Format::kJsonStream) {
      splitter.finish([this](process::JsonSplitter::Piece piece, std::string_view text) { take_piece(piece, text); });
    }
    flush();
  }

  void start() {
    format = options.format ? *options.format : process::detect(held);
    parser.emplace(*format, process::Expect::kOnly);
    parser->attach(batch, intake);
    report.formats[file] = process::format_name(*format);
    std::string first = std::move(held);
    held.clear();
    take(first);
  }
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t newline = bytes.find('\n');
      if (newline == std::string_view::npos) return hold(bytes);
      if (held.empty()) {
        take_physical(bytes.substr(0, newline), "\n");
      } else {
        hold(bytes.substr(0, newline));
        take_physical(held, "\n");
        held.clear();
      }
      bytes.remove_prefix(newline + 1);
    }
  }
  // An object may be longer than a line: its pieces need no room here.
  void hold(std::string_view bytes) {
    if (format == process::Format::kJsonStream) return feed_splitter(bytes);
    size_t room = process::kLineBytesMax + 1 - std::min(held.size(), process::kLineBytesMax + 1);
    held.append(bytes.substr(0, room));
  }

  void take_physical(std::string_view line, std::string_view newline) {
    ++line_no;
    if (*format == process::Format::kJsonStream) {
      feed_splitter(line);
      feed_splitter(newline);
      return;
    }
    bool goes_on = continuation.continues(line) && !line.starts_with('{');
    if (is_blank(line)) return;
    bool secret = check_line(line, line_no);
    note_line(Rule::kMultiLine, goes_on, line, line_no);
    if (!goes_on) add_event(line, line_no, secret, [&] { return parser->parse_line(line); });
  }
  void feed_splitter(std::string_view bytes) {
    splitter.feed(bytes,
                  [this](process::JsonSplitter::Piece piece, std::string_view text) { take_piece(piece, text); });
  }
  void take_piece(process::JsonSplitter::Piece piece, std::string_view text) {
    if (is_blank(text)) return;
    auto lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
    uint64_t first = std::max(line_no, lines + 1) - lines;
    bool secret = check_line(text, first);
    note_line(Rule::kMultiLine, lines > 0, text, first);
    bool object = piece == process::JsonSplitter::Piece::kObject;
    add_event(text, first, secret, [&] { return object ? parser->parse_object(text) : parser->parse_line(text); });
  }

  // Rules that look at bytes. True where the line holds a secret.
  bool check_line(std::string_view line, uint64_t number) {
    ++report.lines;
    note_line(Rule::kBinary, holds_binary(line), line, number);
    note_line(Rule::kColor, holds_color(line), line, number);
    note_line(Rule::kLong, line.size() > kLongLineBytes, line, number);
    note_line(Rule::kBlob, line.size() >= kBlobBytesMin && holds_blob(line), line, number);
    bool secret = holds_secret(line);
    note_line(Rule::kSecret, secret, line, number);
    return secret;
  }
  bool holds_secret(std::string_view line) {
    if (!redaction.redact(line, scratch)) return false;
    for (size_t i = 0; i < secret_counts.size(); ++i) {
      if (secret_counts[i] != 0) ++report.secrets[redactor->rule_names()[i]];
      secret_counts[i] = 0;
    }
    return true;
  }
  void note_line(Rule rule, bool broken, std::string_view line, uint64_t number) {
    ++result(rule).of;
    if (broken) note_broken(rule, line, number, service);
  }

  RuleResult& result(Rule rule) { return report.rules[static_cast<size_t>(rule)]; }

  void note_broken(Rule rule, std::string_view line, uint64_t number, const std::string& of_service) {
    RuleResult& result = this->result(rule);
    ++result.broken;
    if (result.examples.size() < kExamplesMax) result.examples.push_back(example(line, number));
    std::map<std::pair<std::string, std::string>, uint64_t>& by_place = places[static_cast<size_t>(rule)];
    Last& last = last_places[static_cast<size_t>(rule)];
    if (last.count != nullptr && last.service == of_service && last.file == report.files) {
      ++*last.count;
      return;
    }
    auto key = std::pair(file, of_service);
    auto known = by_place.find(key);
    if (known == by_place.end() && by_place.size() >= kPlacesMax) return;
    uint64_t& count = by_place[std::move(key)];
    last = {&count, of_service, report.files};
    ++count;
  }

  Example example(std::string_view line, uint64_t number) {
    std::string shown;
    if (!redaction.redact(line, shown)) shown = line;
    std::fill(secret_counts.begin(), secret_counts.end(), 0);
    return {file, number, std::string(head_of(shown))};
  }

  // Rules that look at fields, a batch at a time.
  template <class Parse>
  void add_event(std::string_view line, uint64_t number, bool secret, Parse&& parse) {
    if (!parse()) return;
    ++report.events;
    // Enough of it that a secret in the part that is shown is known for one.
    std::string_view kept = line.substr(0, 4 * kExampleBytesMax);
    event_bytes += line.size();
    events.push_back({number, heads.size(), kept.size(), secret});
    heads.append(kept);
    if (batch.rows() >= kBatchRows || event_bytes >= kBatchBytes) flush();
  }
  void flush() {
    std::vector<RowFindings> found = check_rows(batch);
    for (size_t row = 0; row < found.size() && row < events.size(); ++row) take_findings(found[row], events[row]);
    batch.clear();
    if (parser) parser->attach(batch, intake);
    events.clear();
    heads.clear();
    event_bytes = 0;
  }
  struct Event {
    uint64_t line = 0;
    size_t head_begin = 0;
    size_t head_bytes = 0;
    bool secret = false;
  };
  void take_findings(const RowFindings& found, const Event& event) {
    std::string_view head = std::string_view(heads).substr(event.head_begin, event.head_bytes);
    if (!found.service.empty() && found.service != service) service = found.service;
    for (Rule rule : {Rule::kTime, Rule::kYear, Rule::kZone, Rule::kPrecision, Rule::kLevel, Rule::kId, Rule::kContext,
                      Rule::kPrint, Rule::kFormat}) {
      ++result(rule).of;
      if ((found.broken & bit(rule)) != 0) note_broken(rule, head, event.line, service);
    }
    if (found.message.empty()) return;
    ++result(Rule::kTemplate).of;
    if (templates.add(without_secrets(found.message, event.secret))) templates.describe(example(head, event.line));
  }

  // As long as `scratch` is left alone.
  std::string_view without_secrets(std::string_view message, bool secret) {
    if (!secret || !redaction.redact(message, scratch)) return message;
    std::fill(secret_counts.begin(), secret_counts.end(), 0);
    return scratch;
  }

  struct Last {
    uint64_t* count = nullptr;
    std::string service;
    uint64_t file = 0;
  };

  const LintOptions options;
  const std::shared_ptr<const process::Redactor> redactor;
  process::RedactionCounts secret_counts;
  process::TextRedaction redaction;
  wire::Intake intake;
  Report report;
  std::array<std::map<std::pair<std::string, std::string>, uint64_t>, kRules> places;
  std::array<Last, kRules> last_places;
  TemplateCounts templates;

  std::string file;
  uint64_t line_no = 0;
  std::string held;  // the sample, then an unfinished line
  std::optional<process::Format> format;
  process::JsonSplitter splitter;
  process::Continuation continuation;
  std::string service;  // that events named last

  model::Batch batch;
  std::optional<process::LineParser> parser;
  std::vector<Event> events;  // of the batch's rows
  std::string heads;
  size_t event_bytes = 0;
  std::string scratch;
};

Linter::Linter(LintOptions options, std::shared_ptr<const process::Redactor> redactor, UnixNanos now)
    : state_(std::make_unique<State>(std::move(options), std::move(redactor), now)) {}
Linter::~Linter() = default;

void Linter::begin_file(std::string name) { state_->begin(std::move(name)); }
void Linter::feed(std::string_view bytes) { state_->feed(bytes); }
void Linter::end_file() { state_->end(); }

Report Linter::report() const {
  Report report = state_->report;
  for (size_t i = 0; i < kRules; ++i) {
    std::vector<Place>& places = report.rules[i].places;
    for (const auto& [where, broken] : state_->places[i]) places.push_back({where.first, where.second, broken});
    std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.broken > b.broken; });
  }
  report.templates = state_->templates.most(kTemplatesShown);
  RuleResult& repeated = report.rules[static_cast<size_t>(Rule::kTemplate)];
  if (repeated.of >= kTemplateEventsMin && !report.templates.empty()) {
    const TemplateCount& first = report.templates.front();
    repeated.broken = first.events;
    repeated.examples = {first.example};
  }
  return report;
}

}  // namespace clew::lint
