#include "query/ppl/trendline.h"

#include <deque>

#include "query/exec/gather.h"
#include "query/exec/sort.h"
#include "query/exec/sums.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr int64_t kWindowMax = 10'000;

struct Line {
  bool weighted = false;  // wma: the newest value counts most
  int64_t window = 1;
  std::string field;
  std::string name;
};

class TrendStep final : public exec::Step {
 public:
  struct Bound {
    Line line;
    Slot in = 0;
    Slot out = 0;
  };
  TrendStep(std::vector<Bound> lines, std::string text) : lines_(std::move(lines)), text_(std::move(text)) {}
  std::string name() const override { return "trendline"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override {
    for (const Bound& line : lines_) out.push_back(line.in);
  }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override { return std::make_unique<Trend>(lines_, run); }

 private:
  class Trend final : public exec::Operator {
   public:
    Trend(const std::vector<Bound>& lines, exec::Run& run) : lines_(lines), windows_(lines.size()), run_(run) {}
    Status push(exec::Block block) override {
      CLEW_TRY(run_.check());
      for (size_t i = 0; i < lines_.size(); ++i) {
        model::VectorPtr column = exec::column_of(block, lines_[i].in);
        std::vector<Value> values(block.rows);
        for (uint32_t row = 0; row < block.rows; ++row) values[row] = next_value(i, column->value(row));
        block.set(lines_[i].out, exec::vector_of(values));
      }
      return next_->push(std::move(block));
    }

   private:
    // A row without a number has no average and is in nobody's window.
    Value next_value(size_t i, const Value& value) {
      if (!exec::is_number(value.type())) return {};
      std::deque<double>& window = windows_[i];
      auto size = static_cast<size_t>(lines_[i].line.window);
      window.push_back(exec::to_real(value));
      if (window.size() > size) window.pop_front();
      if (window.size() < size) return {};
      double sum = 0;
      double weights = 0;
      for (size_t n = 0; n < size; ++n) {
        double weight = lines_[i].line.weighted ? static_cast<double>(n + 1) : 1.0;
        sum += weight * window[n];
        weights += weight;
      }
      return Value::real(sum / weights);
    }

    const std::vector<Bound>& lines_;
    std::vector<std::deque<double>> windows_;
    exec::Run& run_;
  };

  std::vector<Bound> lines_;
  std::string text_;
};

class Trendline final : public Command {
 public:
  Trendline(std::string sort_field, bool descending, std::vector<Line> lines)
      : sort_field_(std::move(sort_field)), descending_(descending), lines_(std::move(lines)) {}

  std::string print() const override {
    std::string out = "trendline";
    if (!sort_field_.empty()) out += std::string(" sort ") + (descending_ ? "-" : "") + expr::print_name(sort_field_);
    for (const Line& line : lines_) {
      out += std::string(line.weighted ? " wma(" : " sma(") + std::to_string(line.window) + ", " +
             expr::print_name(line.field) + ") as " + expr::print_name(line.name);
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    if (!sort_field_.empty()) {
      Column key = CLEW_TRY(pipeline.field(sort_field_));
      std::vector<exec::SortKey> keys = {{key.slot, descending_, exec::SortAs::kAuto}};
      pipeline.add(std::make_shared<exec::SortStep>(std::move(keys), UINT64_MAX, "sort " + sort_field_));
    }
    std::vector<TrendStep::Bound> bound;
    for (const Line& line : lines_) {
      Column in = CLEW_TRY(pipeline.field(line.field));
      bound.push_back({line, in.slot, pipeline.context.new_slot()});
    }
    pipeline.add(std::make_shared<TrendStep>(bound, print()));
    for (const TrendStep::Bound& line : bound) pipeline.scope.set({line.line.name, line.out, Type::kDouble});
    return {};
  }

 private:
  std::string sort_field_;
  bool descending_;
  std::vector<Line> lines_;
};

Result<Line> parse_line(CommandParser& parser) {
  Line line;
  line.weighted = parser.tokens.accept_word("wma");
  if (!line.weighted && !parser.tokens.accept_word("sma"))
    return parser.tokens.fail_expected("sma(n, field) or wma(n, field)");
  CLEW_TRY(parser.tokens.expect("("));
  line.window = CLEW_TRY(parser.integer());
  if (line.window < 1 || line.window > kWindowMax)
    return parser.fail("the window is 1 to " + std::to_string(kWindowMax) + " rows");
  CLEW_TRY(parser.tokens.expect(","));
  line.field = CLEW_TRY(parser.name());
  CLEW_TRY(parser.tokens.expect(")"));
  line.name = line.field + "_trendline";
  if (parser.tokens.accept_word("as")) line.name = CLEW_TRY(parser.name_or_string());
  return line;
}

}  // namespace

Result<CommandPtr> parse_trendline(CommandParser& parser) {
  std::string sort_field;
  bool descending = false;
  if (parser.tokens.accept_word("sort")) {
    descending = parser.tokens.accept("-");
    if (!descending) parser.tokens.accept("+");
    sort_field = CLEW_TRY(parser.name());
  }
  std::vector<Line> lines;
  do {
    Line line = CLEW_TRY(parse_line(parser));
    lines.push_back(std::move(line));
    parser.tokens.accept(",");
  } while (!parser.at_end());
  return CommandPtr(std::make_shared<Trendline>(std::move(sort_field), descending, std::move(lines)));
}

}  // namespace clew::query::ppl
