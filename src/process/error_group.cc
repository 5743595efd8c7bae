#include "process/error_group.h"

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "model/canonical.h"
#include "text/message_shape.h"

namespace clew::process {
namespace {

using model::CanonicalStep;
using model::Column;
using model::Kind;

constexpr int kErrorRank = 6;
constexpr size_t kLevelsRemembered = 64;

std::vector<std::string> names_of(const model::Batch& batch) {
  std::vector<std::string> names;
  for (const auto& column : batch.columns()) {
    if (column->values_count() != 0) names.push_back(column->name());
  }
  return names;
}

// The canonical texts of one derived field, read row by row in rising order.
class TextReader {
 public:
  TextReader(const model::Batch& batch, std::string_view field, const std::vector<std::string>& names) {
    for (const CanonicalStep& step : model::canonical_steps(field, names)) {
      const Column* column = batch.find(step.source);
      if (column != nullptr) cursors_.push_back({column, step.how});
    }
  }
  bool empty() const { return cursors_.empty(); }

  // The first text that there is; a list of lines joined.
  std::string at(uint32_t row) {
    for (Cursor& cursor : cursors_) {
      std::optional<std::string> text = cursor.text(row);
      if (text && !text->empty()) return std::move(*text);
    }
    return {};
  }

 private:
  struct Cursor {
    const Column* column;
    model::Derive how;
    size_t run = 0;
    size_t texts = 0;  // of the text lane before `run`

    std::optional<std::string> text(uint32_t row) {
      const auto& runs = column->runs();
      while (run < runs.size() && runs[run].row + runs[run].count <= row) {
        if (model::kind_has_text(runs[run].kind)) texts += runs[run].count;
        ++run;
      }
      if (run == runs.size() || row < runs[run].row) return std::nullopt;
      Kind kind = runs[run].kind;
      if (kind != Kind::kString && kind != Kind::kArray) return std::nullopt;
      std::string_view stored = column->text_at(texts + row - runs[run].row);
      if (how == model::Derive::kCopy || kind == Kind::kArray) return std::string(stored);
      auto source =
          std::make_shared<model::Vector>(model::Vector::constant(model::Value::string(std::string(stored)), 1));
      model::Value value = model::derive(how, source)->value(0);
      if (value.type() != model::Type::kString) return std::nullopt;
      return value.text();
    }
  };
  std::vector<Cursor> cursors_;
};

// Which rows have a level of error or worse.
class LevelMarks {
 public:
  LevelMarks(const model::Batch& batch, const std::vector<std::string>& names) : known_(batch.rows(), false) {
    marks_.assign(batch.rows(), false);
    for (const CanonicalStep& step : model::canonical_steps("level", names)) {
      const Column* column = batch.find(step.source);
      if (column != nullptr) mark(*column, step.how);
    }
  }
  const std::vector<bool>& marks() const { return marks_; }

 private:
  // The first step that gives a level decides, as for readers.
  void mark(const Column& column, model::Derive how) {
    size_t ints = 0;
    size_t texts = 0;
    for (const model::KindRun& run : column.runs()) {
      const bool text = model::kind_has_text(run.kind);
      const bool number = run.kind == Kind::kInt;
      for (uint32_t i = 0; (text || number) && i < run.count; ++i) {
        uint32_t row = run.row + i;
        if (row >= marks_.size() || known_[row]) continue;
        int rank = text ? rank_of(how, column.text_at(texts + i)) : rank_of(how, column.ints()[ints + i]);
        if (rank < 0) continue;
        known_[row] = true;
        marks_[row] = rank >= kErrorRank;
      }
      if (text) texts += run.count;
      if (model::kind_has_int(run.kind)) ints += run.count;
    }
  }

  int rank_of(model::Derive how, std::string_view text) {
    if (text == last_text_ && how == last_how_) return last_rank_;
    last_text_ = text;
    last_how_ = how;
    // A handful of names: a look at each beats a tree.
    for (const TextRank& known : text_ranks_) {
      if (known.how == how && known.text == text) return last_rank_ = known.rank;
    }
    last_rank_ = derived_rank(how, model::Value::string(std::string(text)));
    if (text_ranks_.size() < kLevelsRemembered) text_ranks_.push_back({how, text, last_rank_});
    return last_rank_;
  }
  int rank_of(model::Derive how, int64_t number) {
    auto key = std::pair(static_cast<int>(how), number);
    auto found = number_ranks_.find(key);
    if (found != number_ranks_.end()) return found->second;
    int rank = derived_rank(how, model::Value::bigint(number));
    if (number_ranks_.size() < kLevelsRemembered) number_ranks_.emplace(key, rank);
    return rank;
  }
  // -1 where the value says nothing.
  static int derived_rank(model::Derive how, const model::Value& value) {
    auto source = std::make_shared<model::Vector>(model::Vector::constant(value, 1));
    model::Value level = how == model::Derive::kCopy ? value : model::derive(how, source)->value(0);
    if (level.is_null()) return -1;
    if (level.type() == model::Type::kString) return model::level_rank(level.text());
    return model::level_rank(std::to_string(level.i64()));
  }

  std::vector<bool> known_;
  std::vector<bool> marks_;
  struct TextRank {
    model::Derive how;
    std::string_view text;  // lies in the batch
    int rank;
  };
  std::vector<TextRank> text_ranks_;
  std::map<std::pair<int, int64_t>, int> number_ranks_;
  std::string_view last_text_;
  model::Derive last_how_ = model::Derive::kCopy;
  int last_rank_ = -1;
};

// Rows that have a value in any of the columns a canonical field comes from.
void mark_present(const model::Batch& batch, std::string_view field, const std::vector<std::string>& names,
                  std::vector<bool>& marks) {
  for (const CanonicalStep& step : model::canonical_steps(field, names)) {
    const Column* column = batch.find(step.source);
    if (column == nullptr) continue;
    for (const model::KindRun& run : column->runs()) {
      bool value = run.kind != Kind::kNull && run.kind != Kind::kEmptyObject && run.kind != Kind::kBool;
      for (uint32_t i = 0; value && i < run.count && run.row + i < marks.size(); ++i) marks[run.row + i] = true;
    }
  }
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string error_fingerprint(std::string_view type, std::string_view message, std::string_view stack) {
  std::string text(type);
  text += '\n';
  text += text::message_shape(first_line(message));
  for (const std::string& frame : text::stack_frames(stack)) text += "\n" + frame;
  uint64_t hash = base::hash64(text);
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; hash >>= 4) out[i] = "0123456789abcdef"[hash & 15];
  return out;
}

void add_error_groups(model::Batch& batch) {
  const std::vector<std::string> names = names_of(batch);
  std::vector<bool> marks = LevelMarks(batch, names).marks();
  for (std::string_view field : {"error.type", "error.message", "error.stack"}) {
    mark_present(batch, field, names, marks);
  }
  TextReader type(batch, "error.type", names);
  TextReader error(batch, "error.message", names);
  TextReader stack(batch, "error.stack", names);
  TextReader message(batch, "message", names);
  Column* groups = nullptr;
  for (uint32_t row = 0; row < marks.size(); ++row) {
    if (!marks[row]) continue;
    if (groups == nullptr) groups = batch.column(model::kErrorGroupField);
    std::string what = error.at(row);
    if (what.empty()) what = message.at(row);
    groups->add_string(row, error_fingerprint(type.at(row), what, stack.at(row)));
  }
}

}  // namespace clew::process
