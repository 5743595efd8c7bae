// Steps that read what an event says of itself: timestamp, level.
#include <fmt/format.h>

#include "model/canonical.h"
#include "pipeline/step.h"
#include "text/time_pattern.h"
#include "wire/row_time.h"

namespace clew::pipeline {
namespace {

using model::Flag;

class TimestampStep final : public Step {
 public:
  TimestampStep(std::string field, std::vector<text::TimePattern> layouts, text::Zone zone, bool drop,
                const os::Clock& clock)
      : field_(std::move(field)), layouts_(std::move(layouts)), zone_(std::move(zone)), drop_(drop), clock_(clock) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    text::TimeContext context{zone_, clock_.now().get()};
    const std::vector<std::string_view>& texts = batch.texts(field_);
    Field* field = batch.find(field_);
    for (uint32_t row : on) {
      if (field != nullptr && field->cells[row].kind == static_cast<uint8_t>(model::Kind::kTime)) {
        batch.set_time(row, field->cells[row].lane);
        continue;
      }
      std::optional<text::Time> time = texts[row].data() == nullptr ? std::nullopt : read(texts[row], context);
      if (!time) {
        fail(batch, row, counts);
        continue;
      }
      take(batch, row, *time, context.now_nanos);
      if (drop_ && field != nullptr) batch.remove(*field, row);
    }
  }

 private:
  std::optional<text::Time> read(std::string_view text, const text::TimeContext& context) {
    for (const text::TimePattern& layout : layouts_) {
      if (std::optional<text::Time> time = layout.parse(text, context, reader_)) return time;
    }
    return std::nullopt;
  }
  static void take(Rows& batch, uint32_t row, const text::Time& time, int64_t now) {
    batch.unflag(row, Flag::kArrivalTime);
    batch.unflag(row, Flag::kInferred);
    if (time.out_of_range || wire::is_odd_time(time.unix_nanos, now)) {
      batch.flag(row, Flag::kOddTime);
      return;
    }
    batch.set_time(row, time.unix_nanos);
    if (time.assumed_zone) batch.flag(row, Flag::kAssumedZone);
    if (time.assumed_year) batch.flag(row, Flag::kAssumedYear);
  }

  const std::string field_;
  const std::vector<text::TimePattern> layouts_;
  const text::Zone zone_;
  const bool drop_;
  const os::Clock& clock_;
  text::TimeReader reader_;
};

StepPtr make_timestamp(Options& options, StepContext& context) {
  std::string field = options.required("field");
  std::vector<std::string> layouts = options.list("formats");
  for (std::string& one : options.list("format")) layouts.push_back(std::move(one));
  if (layouts.empty()) layouts.emplace_back("auto");
  std::vector<text::TimePattern> patterns;
  for (const std::string& layout : layouts) {
    Result<text::TimePattern> pattern = text::TimePattern::make(layout);
    if (pattern.ok())
      patterns.push_back(std::move(pattern).take());
    else
      options.blame(fmt::format("{}: {}", clew::quoted(layout), pattern.error().message()));
  }
  text::Zone zone = context.around.zone;
  std::string name = options.text("zone");
  if (!name.empty()) {
    std::optional<text::Zone> found = text::Zone::find(name);
    if (!found)
      options.blame(fmt::format("{} is no time zone: write Asia/Ho_Chi_Minh, +07:00 or UTC", clew::quoted(name)));
    zone = found.value_or(zone);
  }
  bool drop = options.yes("drop");
  return std::make_unique<TimestampStep>(std::move(field), std::move(patterns), std::move(zone), drop,
                                         *context.around.clock);
}

// level: {field: severity, map: {W: warn, 10: debug}}: a level of clew's words.
class LevelStep final : public Step {
 public:
  LevelStep(std::string field, std::map<std::string, std::string, std::less<>> words, bool optional)
      : field_(std::move(field)), words_(std::move(words)), optional_(optional) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    Field& level = batch.make_named("level");
    for (uint32_t row : on) {
      std::string_view text = texts[row];
      if (auto mapped = words_.find(text); mapped != words_.end()) {
        batch.set(level, row, Cell::string(mapped->second));
        continue;
      }
      int rank = text.data() == nullptr ? 0 : model::level_rank(text);
      if (rank > 0)
        batch.set(level, row, Cell::string(model::level_of_rank(rank)));
      else if (!optional_)
        fail(batch, row, counts);
    }
  }

 private:
  const std::string field_;
  const std::map<std::string, std::string, std::less<>> words_;
  const bool optional_;
};

StepPtr make_level(Options& options, StepContext&) {
  std::string field = options.required("field");
  bool optional = options.yes("optional");
  std::map<std::string, std::string, std::less<>> words;
  for (auto& [word, level] : options.map("map")) {
    int rank = model::level_rank(level.text);
    if (rank == 0) {
      options.blame(level.line, fmt::format("{} is no level: trace, debug, info, notice, warn, error or fatal",
                                            clew::quoted(level.text)));
    }
    words[word] = std::string(model::level_of_rank(rank));
  }
  return std::make_unique<LevelStep>(std::move(field), std::move(words), optional);
}

constexpr StepKind kKinds[] = {
    {"timestamp", "write timestamp: {field: time, formats: ['%d/%b/%Y:%H:%M:%S %z', unix]}", make_timestamp},
    {"level", "write level: {field: severity, map: {W: warn}}", make_level},
};

}  // namespace

std::span<const StepKind> time_steps() { return kKinds; }

}  // namespace clew::pipeline
