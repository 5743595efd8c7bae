// Steps that read a text as a line of a known format: json, logfmt, access, syslog ... What `clew import` makes of a
// line of that format, these make of a field.
#include <fmt/format.h>

#include "pipeline/step.h"

namespace clew::pipeline {
namespace {

using model::Flag;
using process::Format;

constexpr uint32_t kTimeFlags = static_cast<uint32_t>(Flag::kAssumedZone) | static_cast<uint32_t>(Flag::kAssumedYear) |
                                static_cast<uint32_t>(Flag::kOddTime);
constexpr uint32_t kNoTimeFlags = static_cast<uint32_t>(Flag::kArrivalTime) | static_cast<uint32_t>(Flag::kInferred);

struct LineOptions {
  std::string field = "message";
  std::string target;     // its fields stand below this one
  bool optional = false;  // other texts are left alone
  bool drop = false;      // the field goes when it was read
};

class LineStep final : public Step {
 public:
  LineStep(Format format, LineOptions options, const StepContext& context)
      : options_(std::move(options)),
        clock_(*context.around.clock),
        zone_(context.around.zone),
        parser_(format, process::Expect::kOnly, process::kLineBytesMost) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    side_.clear();
    from_.clear();
    parser_.attach(side_, {.arrival = clock_.now(), .zone = zone_});
    const std::vector<std::string_view>& texts = batch.texts(options_.field);
    for (uint32_t row : on) {
      if (texts[row].data() == nullptr) continue;
      if (parser_.parse_line(texts[row])) from_.push_back(row);
    }
    read_.attach(side_);
    Field* flags = read_.find(model::kFlagsField);
    parsed_.assign(from_.size(), 1);
    for (size_t i = 0; flags != nullptr && i < from_.size(); ++i) {
      const Cell& cell = flags->cells[i];
      bool failed = cell.any() && (static_cast<uint32_t>(cell.lane) & static_cast<uint32_t>(Flag::kParseError)) != 0;
      if (!failed) continue;
      parsed_[i] = 0;
      if (!options_.optional) fail(batch, from_[i], counts);
    }
    take_times(batch, flags);
    if (options_.drop && batch.find(options_.field) != nullptr) {
      Field& field = batch.make(options_.field);
      for (size_t i = 0; i < from_.size(); ++i) {
        if (parsed_[i]) batch.remove(field, from_[i]);
      }
    }
    for (const std::string& name : read_.names()) take_field(batch, name);
  }

 private:
  void take_times(Rows& batch, Field* flags) {
    for (size_t i = 0; i < from_.size(); ++i) {
      if (!parsed_[i]) continue;
      uint32_t seen = flags == nullptr || !flags->cells[i].any() ? 0 : static_cast<uint32_t>(flags->cells[i].lane);
      if ((seen & kNoTimeFlags) != 0) continue;
      batch.set_time(from_[i], read_.time(static_cast<uint32_t>(i)));
      batch.unflag(from_[i], Flag::kArrivalTime);
      for (Flag flag : {Flag::kAssumedZone, Flag::kAssumedYear, Flag::kOddTime}) {
        if ((seen & kTimeFlags & static_cast<uint32_t>(flag)) != 0) batch.flag(from_[i], flag);
      }
    }
  }

  void take_field(Rows& batch, const std::string& name) {
    if (name == model::kShapeField) return take_shapes(batch);
    if (name == model::kTimeField || name == model::kFlagsField || name == model::kRawField) return;
    Field* from = read_.find(name);
    if (from == nullptr) return;
    Field& to = options_.target.empty() ? batch.make(name) : batch.make_named(options_.target + "." + name);
    if (to.origins == 0) to.origins = from->origins;
    for (size_t i = 0; i < from_.size(); ++i) {
      if (parsed_[i] && from->cells[i].any()) batch.set(to, from_[i], from->cells[i]);
    }
  }
  // A line that was read whole is the document from now on; its text would say the same again.
  void take_shapes(Rows& batch) {
    if (!options_.target.empty() || options_.field != "message") return;
    Field* raw = batch.find(model::kRawField);
    if (raw == nullptr) return;
    Field* from = read_.find(model::kShapeField);
    Field& to = batch.make(model::kShapeField);
    for (size_t i = 0; i < from_.size(); ++i) {
      uint32_t row = from_[i];
      if (!parsed_[i] || !from->cells[i].any() || batch.has("message", row) || !raw->cells[row].any()) continue;
      batch.set(to, row, from->cells[i]);
      batch.remove(*raw, row);
    }
  }

  const LineOptions options_;
  const os::Clock& clock_;
  const text::Zone zone_;
  process::LineParser parser_;
  model::Batch side_;
  Rows read_;
  std::vector<uint32_t> from_;   // row of the batch, by row of side_
  std::vector<uint8_t> parsed_;  // by row of side_
};

LineOptions line_options(Options& options) {
  LineOptions out;
  if (options.tree().is_null()) return out;
  out.field = options.text("field", "message");
  out.target = options.text("target");
  out.optional = options.yes("optional");
  out.drop = options.yes("drop");
  if (!out.target.empty()) check_target(options, options.line(), out.target);
  return out;
}

template <Format kFormat>
StepPtr make_line(Options& options, StepContext& context) {
  return std::make_unique<LineStep>(kFormat, line_options(options), context);
}

StepPtr make_parse(Options& options, StepContext& context) {
  std::string name = options.required("format");
  Result<std::optional<Format>> format = process::format_by_name(name.empty() ? "plain" : name);
  if (!format.ok()) options.blame(format.error().message());
  Format wanted = format.ok() ? format->value_or(Format::kPlain) : Format::kPlain;
  return std::make_unique<LineStep>(wanted, line_options(options), context);
}

template <Format kFormat>
constexpr StepKind line_kind(std::string_view name, std::string_view example) {
  return {name, example, make_line<kFormat>, true, kFormat};
}

constexpr StepKind kKinds[] = {
    line_kind<Format::kNdjson>("json", "write json: {field: message}"),
    line_kind<Format::kLogfmt>("logfmt", "write logfmt: {field: message}"),
    line_kind<Format::kAccess>("access", "write access: {field: message}"),
    line_kind<Format::kSyslog>("syslog", "write syslog: {field: message}"),
    line_kind<Format::kW3c>("w3c", "write w3c: {}"),
    line_kind<Format::kZeek>("zeek", "write zeek: {}"),
    line_kind<Format::kMysqlSlow>("mysql_slow", "write mysql_slow: {}"),
    line_kind<Format::kPostgresCsv>("postgres_csv", "write postgres_csv: {}"),
    line_kind<Format::kPlain>("plain", "write plain: {}"),
    {"parse", "write parse: {format: syslog, field: message}", make_parse, true},
};

}  // namespace

std::span<const StepKind> line_steps() { return kKinds; }

}  // namespace clew::pipeline
