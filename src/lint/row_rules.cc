#include "lint/row_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "lint/line_text.h"
#include "model/canonical.h"

namespace clew::lint {
namespace {

using model::Column;
using model::Flag;
using model::Kind;

constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kTimeTextBytes = 256;  // of a line, in which its time stands
constexpr size_t kLevelsRemembered = 64;

// One column, read by rising rows.
class Cursor {
 public:
  explicit Cursor(const Column& column) : column_(column) {}

  struct Cell {
    Kind kind;
    std::string_view text;  // of the kinds that have one
  };
  std::optional<Cell> at(uint32_t row) {
    const auto& runs = column_.runs();
    while (run_ < runs.size() && runs[run_].row + runs[run_].count <= row) {
      if (model::kind_has_text(runs[run_].kind)) texts_ += runs[run_].count;
      if (model::kind_has_int(runs[run_].kind)) ints_ += runs[run_].count;
      ++run_;
    }
    if (run_ == runs.size() || row < runs[run_].row) return std::nullopt;
    const model::KindRun& run = runs[run_];
    if (!model::kind_has_text(run.kind)) return Cell{run.kind, {}};
    return Cell{run.kind, column_.text_at(texts_ + row - run.row)};
  }
  // Of a row for which at() gave a kind with a number.
  int64_t number(uint32_t row) const { return column_.ints()[ints_ + row - column_.runs()[run_].row]; }

 private:
  const Column& column_;
  size_t run_ = 0;
  size_t texts_ = 0;  // of the lanes before `run_`
  size_t ints_ = 0;
};

std::string_view text_of(std::vector<Cursor>& cursors, uint32_t row) {
  for (Cursor& cursor : cursors) {
    auto cell = cursor.at(row);
    if (cell && cell->kind == Kind::kString && !cell->text.empty()) return cell->text;
  }
  return {};
}

// What every event of a program has, so that it says nothing of this one.
constexpr std::string_view kFrameFields[] = {
    "message",     "level",      "logger",        "service.name",   "host.name",       "code.function",
    "code.file",   "code.line",  "code.module",   "code.namespace", "process.pid",     "thread.name",
    "source.kind", "error.type", "error.message", "error.stack",    "severity_number",
};
constexpr std::string_view kFrameNames[] = {
    "@version", "version", "v",         "args",         "stack_info", "stack_trace",     "levelno",
    "msecs",    "created", "pathname",  "thread",       "taskname",   "relativecreated", "processname",
    "name",     "program", "thread_id", "process_name", "pid",        "hostname",        "environment",
    "env",      "tags",    "@metadata", "beat",         "agent",      "syslog.facility", "syslog.msgid",
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

class BatchCheck {
 public:
  explicit BatchCheck(const model::Batch& batch) : batch_(batch), rows_(batch.rows()) {
    for (const auto& column : batch.columns()) {
      if (column->values_count() != 0 && !column->name().starts_with('_')) names_.push_back(column->name());
    }
    for (std::string_view own : {model::kRawField, model::kFlagsField, model::kTimeField}) find(own);
  }

  std::vector<RowFindings> run() {
    check_times();
    mark_levels();
    mark_fields();
    std::vector<Cursor> messages = cursors_of("message");
    std::vector<Cursor> services = cursors_of("service.name");
    std::vector<Cursor> raw = own_cursor(model::kRawField);
    for (uint32_t row = 0; row < rows_.size(); ++row) {
      Row& facts = rows_[row];
      std::string_view line = text_of(raw, row);
      out_[row].message = text_of(messages, row);
      if (out_[row].message.empty() && !facts.named) out_[row].message = line;
      out_[row].service = text_of(services, row);
      bool is_text = !line.empty();
      if (is_text && !(facts.id && facts.own)) note_marks(facts, line);
      judge(facts, is_text, out_[row].broken);
    }
    return std::move(out_);
  }

 private:
  struct Row {
    bool level = false;
    bool id = false;
    bool own = false;    // a field that tells something of this event
    bool named = false;  // a level is not asked of it: access log lines have a status, spans an outcome
    bool timed = true;
  };

  void find(std::string_view own) {
    const Column* column = batch_.find(own);
    if (column != nullptr && column->values_count() != 0) own_.emplace_back(own, column);
  }
  std::vector<Cursor> own_cursor(std::string_view name) const {
    std::vector<Cursor> out;
    for (const auto& [own, column] : own_) {
      if (own == name) out.emplace_back(*column);
    }
    return out;
  }
  std::vector<const Column*> columns_of(std::string_view canonical) const {
    std::vector<const Column*> out;
    for (const model::CanonicalStep& step : model::canonical_steps(canonical, names_)) {
      out.push_back(batch_.find(step.source));
    }
    return out;
  }
  std::vector<Cursor> cursors_of(std::string_view canonical) const {
    std::vector<Cursor> out;
    for (const Column* column : columns_of(canonical)) out.emplace_back(*column);
    return out;
  }

  // Calls take(row) for each row whose value says something.
  template <class Take>
  void for_values(const Column& column, Take&& take) {
    size_t texts = 0;
    for (const model::KindRun& run : column.runs()) {
      bool text = model::kind_has_text(run.kind);
      for (uint32_t i = 0; i < run.count && run.row + i < rows_.size(); ++i) {
        std::string_view value = text ? column.text_at(texts + i) : std::string_view();
        bool says = text ? !value.empty() && value != "-" && value != "[]" : model::kind_has_int(run.kind);
        if (says) take(run.row + i, text, value);
      }
      if (text) texts += run.count;
    }
  }

  void mark_levels() {
    for (const Column* column : columns_of("level")) {
      for_values(*column, [this](uint32_t row, bool is_text, std::string_view value) {
        rows_[row].level = rows_[row].level || !is_text || is_level(value);
      });
    }
    for (std::string_view name : {"http.response.status_code", "start", "goal", "action_status"}) {
      const Column* column = batch_.find(name);
      if (column == nullptr) continue;
      for_values(*column, [this](uint32_t row, bool, std::string_view) { rows_[row].named = true; });
    }
  }
  bool is_level(std::string_view value) {
    auto known = levels_.find(value);
    if (known != levels_.end()) return known->second;
    bool level = model::level_rank(value) != 0;
    if (levels_.size() < kLevelsRemembered) levels_.emplace(value, level);
    return level;
  }

  void mark_fields() {
    std::vector<const Column*> frame;
    for (std::string_view name : kFrameFields) {
      for (const Column* column : columns_of(name)) frame.push_back(column);
    }
    std::vector<const Column*> ids;
    for (std::string_view name : {"request_id", "trace_id", "span_id", "user_id"}) {
      for (const Column* column : columns_of(name)) ids.push_back(column);
    }
    for (const std::string& name : names_) {
      const Column* column = batch_.find(name);
      std::string last = lower_case(name);
      for (std::string_view prefix : {"@fields.", "fields."}) {
        if (last.starts_with(prefix)) last.erase(0, prefix.size());
      }
      bool is_frame = std::find(frame.begin(), frame.end(), column) != frame.end() ||
                      std::find(std::begin(kFrameNames), std::end(kFrameNames), last) != std::end(kFrameNames) ||
                      model::time_role(name) != model::TimeRole::kNone;
      bool is_id = std::find(ids.begin(), ids.end(), column) != ids.end() || (!is_frame && names_id(name));
      if (is_frame && !is_id) continue;
      for_values(*column, [&](uint32_t row, bool, std::string_view) {
        rows_[row].own = true;
        rows_[row].id = rows_[row].id || is_id;
      });
    }
  }
  static void note_marks(Row& row, std::string_view line) {
    Marks marks = marks_of(line);
    row.id = row.id || marks.id;
    row.own = row.own || marks.pair || marks.id;
  }

  void check_times();
  std::vector<Cursor> time_cursors() const;
  static RuleBits broken_by_time(uint32_t flags, int64_t nanos, std::string_view text, std::optional<Kind> number);

  static void judge(const Row& row, bool is_text, RuleBits& broken) {
    if (!row.level && !row.named) broken |= bit(Rule::kLevel);
    if (!row.id) broken |= bit(Rule::kId);
    if (!row.id && !row.own) broken |= bit(Rule::kContext);
    if (is_text && !row.level && !row.named && !row.own && !row.timed) broken |= bit(Rule::kPrint);
  }

  const model::Batch& batch_;
  std::vector<Row> rows_;
  std::vector<RowFindings> out_ = std::vector<RowFindings>(rows_.size());
  std::vector<std::string> names_;
  std::vector<std::pair<std::string_view, const Column*>> own_;
  std::unordered_map<std::string_view, bool> levels_;
};

// By precedence, as the receiver decides.
std::vector<Cursor> BatchCheck::time_cursors() const {
  std::vector<std::pair<model::TimeRole, const Column*>> found;
  for (const std::string& name : names_) {
    model::TimeRole role = model::time_role(name);
    if (role < model::TimeRole::kMsecs) found.emplace_back(role, batch_.find(name));
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Cursor> out;
  for (const auto& [role, column] : found) out.emplace_back(*column);
  return out;
}

RuleBits BatchCheck::broken_by_time(uint32_t flags, int64_t nanos, std::string_view text, std::optional<Kind> number) {
  auto has = [flags](Flag flag) { return (flags & static_cast<uint32_t>(flag)) != 0; };
  if (has(Flag::kArrivalTime) || has(Flag::kInferred) || has(Flag::kOddTime)) {
    return bit(Rule::kTime) | (begins_short_year(text) ? bit(Rule::kYear) : 0);
  }
  bool epoch = number.has_value() || text.find_first_not_of("0123456789.") == std::string_view::npos;
  bool whole = nanos % kSecond == 0;
  if (epoch) {
    bool coarse = whole && (number ? *number == Kind::kInt : text.find('.') == std::string_view::npos);
    return coarse ? bit(Rule::kPrecision) : 0;
  }
  RuleBits broken = 0;
  if (has(Flag::kAssumedZone)) broken |= bit(Rule::kZone);
  if (has(Flag::kAssumedYear) || !says_year(text, nanos)) broken |= bit(Rule::kYear);
  if (whole && !says_fraction(text, nanos)) broken |= bit(Rule::kPrecision);
  return broken;
}

void BatchCheck::check_times() {
  std::vector<Cursor> raw = own_cursor(model::kRawField);
  std::vector<Cursor> flag_cursors = own_cursor(model::kFlagsField);
  std::vector<Cursor> nano_cursors = own_cursor(model::kTimeField);
  std::vector<Cursor> times = time_cursors();
  for (uint32_t row = 0; row < rows_.size(); ++row) {
    uint32_t flags = 0;
    if (!flag_cursors.empty() && flag_cursors[0].at(row)) flags = static_cast<uint32_t>(flag_cursors[0].number(row));
    int64_t nanos = !nano_cursors.empty() && nano_cursors[0].at(row) ? nano_cursors[0].number(row) : 0;
    std::string_view text = text_of(raw, row).substr(0, kTimeTextBytes);
    std::optional<Kind> number;
    for (Cursor& cursor : times) {
      if (!text.empty()) break;
      auto cell = cursor.at(row);
      if (!cell || cell->kind == Kind::kNull) continue;
      text = cell->text;
      if (cell->kind != Kind::kString) number = cell->kind;
      break;
    }
    RuleBits broken = broken_by_time(flags, nanos, text, number);
    rows_[row].timed = (broken & bit(Rule::kTime)) == 0;
    if ((flags & static_cast<uint32_t>(Flag::kParseError)) != 0) broken |= bit(Rule::kFormat);
    if ((flags & static_cast<uint32_t>(Flag::kDuplicateKey)) != 0) broken |= bit(Rule::kFormat);
    out_[row].broken |= broken;
  }
}

}  // namespace

std::vector<RowFindings> check_rows(const model::Batch& batch) { return BatchCheck(batch).run(); }

}  // namespace clew::lint
