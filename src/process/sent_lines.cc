#include "process/sent_lines.h"

#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "model/own_fields.h"
#include "model/rest.h"
#include "process/line_parser.h"
#include "text/time_format.h"

namespace clew::process {
namespace {

using model::Column;

constexpr std::string_view kPlain = "plain ";
constexpr std::string_view kFollows = " follows";
constexpr int64_t kArrivalSecondsMax = INT64_MAX / 1'000'000'000;
constexpr std::string_view kPathField = "log.file.path";

std::optional<LineNote> parse_line_note(std::string_view text) {
  LineNote note;
  if (!text.starts_with(kPlain)) return std::nullopt;
  text.remove_prefix(kPlain.size());
  size_t zone_end = text.find(kFollows);
  note.zone = text.substr(0, zone_end);
  if (zone_end == std::string_view::npos) return note;
  note.follows = true;
  std::string_view seconds = text.substr(zone_end + kFollows.size());
  if (seconds.empty()) return note;
  const char* end = seconds.data() + seconds.size();
  auto [read, error] = std::from_chars(seconds.data() + 1, end, note.arrival_seconds);
  bool whole = error == std::errc() && read == end;
  if (seconds[0] != ' ' || !whole || note.arrival_seconds <= 0 || note.arrival_seconds > kArrivalSecondsMax) {
    return std::nullopt;
  }
  return note;
}

// The values of a column in the order of their rows.
class Values {
 public:
  explicit Values(const Column& column) : column_(column) {}

  // The value of `row`, which rises from call to call; nothing where it has none.
  std::optional<model::RestField> at(uint32_t row) {
    while (run_ < column_.runs().size() && column_.runs()[run_].row + column_.runs()[run_].count <= row) ++run_;
    if (run_ == column_.runs().size() || column_.runs()[run_].row > row) return std::nullopt;
    model::Kind kind = column_.runs()[run_].kind;
    model::RestField value{.name = {}, .kind = kind, .scale = 0, .lane = 0, .text = {}};
    if (model::kind_has_int(kind)) value.lane = column_.ints()[int_++];
    if (kind == model::Kind::kDecimal) value.scale = column_.scales()[scale_++];
    if (model::kind_has_text(kind)) value.text = column_.text_at(text_++);
    return value;
  }

 private:
  const Column& column_;
  size_t run_ = 0;
  size_t int_ = 0;
  size_t scale_ = 0;
  size_t text_ = 0;
};

// Reads one batch.
class Reader {
 public:
  explicit Reader(const model::Batch& from) : from_(from), out_(from.dataset()) {
    for (const auto& column : from.columns()) {
      if (column->values_count() == 0) continue;
      if (column->name() == model::kLineField)
        line_.emplace(*column);
      else if (column->name() == model::kRawField)
        raw_.emplace(*column);
      else if (column->name() == model::kTimeField)
        time_.emplace(*column);
      else if (column->name() == model::kFlagsField)
        flags_.emplace(*column);
      else
        others_.push_back({column.get(), Values(*column), nullptr});
    }
  }

  Result<model::Batch> run() {
    for (uint32_t row = 0; row < from_.rows(); ++row) {
      std::optional<model::RestField> line = line_->at(row);
      std::optional<model::RestField> raw = raw_ ? raw_->at(row) : std::nullopt;
      std::optional<model::RestField> time = time_ ? time_->at(row) : std::nullopt;
      uint32_t flags = flags_of(row);
      if (!time) return Error(Code::kInvalid, "a row without `_time`");
      take_others(row);
      if (!line) {
        copy(row, raw, *time, flags);
        continue;
      }
      if (!raw) return Error(Code::kInvalid, "a row with `_line` and without `_raw`");
      CLEW_TRY(attach(line->text, time->lane));
      parser_.set_flags(flags);
      if (!parser_.parse_line(raw->text)) copy(row, raw, *time, flags);
      add_others(row);
    }
    return std::move(out_);
  }

 private:
  struct Other {
    const Column* from;
    Values values;
    Column* to;
    std::optional<model::RestField> value = {};
  };

  // Each file's lines follow each other; `time` is the arrival's or that of the line before the batch. That may be long
  // ago: what is likely of the times of this batch is told from its arrival.
  Status attach(std::string_view text, int64_t time) {
    std::string_view path = path_of_row();
    if (last_time_ != nullptr && text == note_text_ && time == time_now_ && path == path_) return {};
    std::optional<LineNote> note = parse_line_note(text);
    std::optional<clew::text::Zone> zone =
        note ? clew::text::Zone::find(note->zone.empty() ? "UTC" : note->zone) : std::nullopt;
    if (!zone) return Error(Code::kInvalid, "a `_line` that is no note: " + clew::quoted(text));
    if (text != note_text_ || time != time_now_) {
      int64_t arrival = note->arrival_seconds > 0 ? note->arrival_seconds * 1'000'000'000 : time;
      parser_.attach(out_, {.arrival = UnixNanos(arrival), .dataset = out_.dataset(), .zone = *zone});
    }
    note_text_ = text;
    time_now_ = time;
    if (last_time_ != nullptr) *last_time_ = parser_.last_time();
    path_ = path;
    auto [known, first] = last_times_.try_emplace(path_);
    if (first && note->follows) known->second = time;
    last_time_ = &known->second;
    parser_.set_last_time(*last_time_);
    return {};
  }

  uint32_t flags_of(uint32_t row) {
    std::optional<model::RestField> value = flags_ ? flags_->at(row) : std::nullopt;
    return value ? static_cast<uint32_t>(value->lane) : 0;
  }
  void take_others(uint32_t row) {
    for (Other& other : others_) other.value = other.values.at(row);
  }
  std::string_view path_of_row() const {
    for (const Other& other : others_) {
      if (other.value && other.from->name() == kPathField) return other.value->text;
    }
    return {};
  }
  // What the line does not say itself.
  void add_others(uint32_t row) {
    for (Other& other : others_) {
      if (!other.value) continue;
      if (other.to == nullptr) {
        other.to = out_.column(other.from->name());
        other.to->note_origins(other.from->origins());
      }
      if (other.to->rows_end() <= row) model::add_value(*other.to, row, *other.value);
    }
  }

  // A row that was read before.
  void copy(uint32_t row, const std::optional<model::RestField>& raw, const model::RestField& time, uint32_t flags) {
    (void)out_.begin_row();
    model::add_value(*out_.column(model::kTimeField), row, time);
    if (raw) model::add_value(*out_.column(model::kRawField), row, *raw);
    if (flags != 0) out_.flag(static_cast<model::Flag>(flags));
    out_.end_row();
    add_others(row);
  }

  const model::Batch& from_;
  model::Batch out_;
  LineParser parser_{Format::kPlain, Expect::kMostly};
  std::optional<Values> line_;
  std::optional<Values> raw_;
  std::optional<Values> time_;
  std::optional<Values> flags_;
  std::vector<Other> others_;
  std::string note_text_;
  int64_t time_now_ = 0;
  std::string path_;
  std::map<std::string, std::optional<int64_t>> last_times_;  // by path
  std::optional<int64_t>* last_time_ = nullptr;               // of `path_`, as it was when its lines began
};

}  // namespace

std::string print_line_note(const LineNote& note) {
  std::string text(kPlain);
  text += note.zone.empty() ? "UTC" : note.zone;
  if (!note.follows) return text;
  text += kFollows;
  if (note.arrival_seconds > 0) text.append(" ").append(std::to_string(note.arrival_seconds));
  return text;
}

Result<model::Batch> read_sent_lines(model::Batch batch) {
  const Column* line = batch.find(model::kLineField);
  if (line == nullptr || line->values_count() == 0) return batch;
  return Reader(batch).run();
}

}  // namespace clew::process
