#include "query/ppl/bin.h"

#include <charconv>
#include <cmath>

#include "expr/print.h"
#include "query/exec/collect.h"
#include "query/exec/rows.h"
#include "query/ppl/pattern.h"
#include "query/ppl/times.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kBinsMax = 50'000;

struct Options {
  std::string field;
  std::string as;
  std::string span;
  std::optional<int64_t> bins;
  std::optional<double> minspan;
  std::optional<double> start;
  std::optional<double> end;
  std::string aligntime;
};

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> number_at(const model::Vector& vector, uint32_t row) {
  std::string buffer;
  std::string_view text;
  if (!text_of_row(vector, row, buffer, text)) return std::nullopt;
  return number_of(text);
}

// Ranges of numbers, as texts.
struct Ranges {
  enum class Kind : uint8_t { kLinear, kLog } kind = Kind::kLinear;
  double width = 1;   // kLinear
  double base = 10;   // kLog
  double factor = 1;  // kLog: ranges begin at factor * base^n
  bool whole = true;  // bounds print as integers

  std::string text_of(double value) const {
    double low = 0;
    double high = 0;
    if (kind == Kind::kLog) {
      if (value <= 0) return "Invalid";
      double power = std::floor(std::log(value / factor) / std::log(base) + 1e-12);
      low = factor * std::pow(base, power);
      high = low * base;
    } else {
      low = std::floor(value / width) * width;
      high = low + width;
    }
    auto print = [&](double bound) {
      bool integer = whole && bound == std::floor(bound) && std::abs(bound) < 1e15;
      return integer ? std::to_string(static_cast<int64_t>(bound)) : expr::print_value(model::Value::real(bound));
    };
    return print(low) + "-" + print(high);
  }
};

double magnitude(double range) { return range > 0 ? std::pow(10.0, std::floor(std::log10(range))) : 1; }

// Ranges whose width follows from the least and greatest value.
Ranges ranges_of_data(const Options& options, double least, double greatest) {
  Ranges out;
  double range = options.end.value_or(greatest) - options.start.value_or(least);
  if (options.bins) {
    // Powers of ten: whole ones where the range is above 1.
    int power = range > 1 ? 0 : -9;
    auto width = [](int n) { return n < 0 ? 1 / std::pow(10.0, -n) : std::pow(10.0, n); };
    while (power < 300 && std::ceil(range / width(power)) > static_cast<double>(*options.bins)) ++power;
    out.width = width(power);
    return out;
  }
  out.width = magnitude(range);
  if (options.minspan && out.width < *options.minspan)
    out.width = std::pow(10.0, std::ceil(std::log10(*options.minspan)));
  out.whole = options.minspan || options.start || options.end;
  return out;
}

void bin_block(exec::Block& block, Slot in, Slot out, const Ranges& ranges) {
  std::vector<model::Value> values(block.rows);
  const model::Vector* vector = block.find(in);
  for (uint32_t row = 0; vector != nullptr && row < block.rows; ++row) {
    if (auto number = number_at(*vector, row)) values[row] = model::Value::string(ranges.text_of(*number));
  }
  block.set(out, exec::vector_of(values));
}

class FixedBinStep final : public exec::MapStep {
 public:
  FixedBinStep(Slot in, Slot out, Ranges ranges) : in_(in), out_(out), ranges_(ranges) {}
  std::string name() const override { return "bin"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    bin_block(block, in_, out_, ranges_);
    return {};
  }

 private:
  Slot in_;
  Slot out_;
  Ranges ranges_;
};

// Looks at all rows before it knows the ranges.
class DataBinOperator final : public exec::Operator {
 public:
  DataBinOperator(Slot in, Slot out, const Options& options, exec::Run& run)
      : in_(in), out_(out), options_(options), held_(run) {}

  Status push(exec::Block block) override {
    const model::Vector* vector = block.find(in_);
    for (uint32_t row = 0; vector != nullptr && row < block.rows; ++row) {
      auto number = number_at(*vector, row);
      if (!number) continue;
      least_ = any_ ? std::min(least_, *number) : *number;
      greatest_ = any_ ? std::max(greatest_, *number) : *number;
      any_ = true;
    }
    CLEW_TRY(held_.add(exec::memory_bytes(block)));
    blocks_.push_back(std::move(block));
    return {};
  }

  Status finish() override {
    Ranges ranges = ranges_of_data(options_, least_, greatest_);
    for (exec::Block& block : blocks_) {
      if (!next_->wants_more()) break;
      bin_block(block, in_, out_, ranges);
      CLEW_TRY(next_->push(std::move(block)));
    }
    return next_->finish();
  }
  bool wants_more() const override { return true; }

 private:
  Slot in_;
  Slot out_;
  const Options& options_;
  exec::Held held_;
  std::vector<exec::Block> blocks_;
  bool any_ = false;
  double least_ = 0;
  double greatest_ = 0;
};

class DataBinStep final : public exec::Step {
 public:
  DataBinStep(Slot in, Slot out, Options options) : in_(in), out_(out), options_(std::move(options)) {}
  std::string name() const override { return "bin"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override {
    return std::make_unique<DataBinOperator>(in_, out_, options_, run);
  }

 private:
  Slot in_;
  Slot out_;
  Options options_;
};

// Cuts times, from an anchor on.
class TimeBinStep final : public exec::MapStep {
 public:
  TimeBinStep(Slot in, Slot out, int64_t width, int64_t anchor) : in_(in), out_(out), width_(width), anchor_(anchor) {}
  std::string name() const override { return "bin"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    std::vector<model::Value> values(block.rows);
    const model::Vector* vector = block.find(in_);
    for (uint32_t row = 0; vector != nullptr && row < block.rows; ++row) {
      model::Value value = vector->value(row);
      if (value.type() != model::Type::kTimestamp) continue;
      int64_t rest = (value.i64() - anchor_) % width_;
      values[row] = model::Value::timestamp(value.i64() - (rest < 0 ? rest + width_ : rest));
    }
    block.set(out_, exec::vector_of(values));
    return {};
  }

 private:
  Slot in_;
  Slot out_;
  int64_t width_;
  int64_t anchor_;
};

// `log10`, `2log10`, `log2`.
std::optional<Ranges> log_ranges(std::string_view span) {
  size_t log = span.find("log");
  if (log == std::string_view::npos) return std::nullopt;
  Ranges out;
  out.kind = Ranges::Kind::kLog;
  out.whole = false;
  auto factor = log == 0 ? std::optional<double>(1) : number_of(span.substr(0, log));
  auto base = log + 3 == span.size() ? std::optional<double>(10) : number_of(span.substr(log + 3));
  if (!factor || !base || *factor <= 0 || *base <= 1) return std::nullopt;
  out.factor = *factor;
  out.base = *base;
  return out;
}

class Bin final : public Command {
 public:
  explicit Bin(Options options) : options_(std::move(options)) {}

  std::string print() const override {
    std::string out = "bin " + expr::print_name(options_.field);
    if (!options_.span.empty()) out += " span=" + expr::print_string(options_.span);
    if (options_.bins) out += " bins=" + std::to_string(*options_.bins);
    if (options_.minspan) out += " minspan=" + expr::print_value(model::Value::real(*options_.minspan));
    if (options_.start) out += " start=" + expr::print_value(model::Value::real(*options_.start));
    if (options_.end) out += " end=" + expr::print_value(model::Value::real(*options_.end));
    if (!options_.aligntime.empty()) out += " aligntime=" + expr::print_string(options_.aligntime);
    return options_.as == options_.field ? out : out + " as " + expr::print_name(options_.as);
  }

  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(options_.field));
    Slot out = pipeline.context.new_slot();
    if (in.type == model::Type::kTimestamp) {
      CLEW_TRY(bind_time(pipeline, in.slot, out));
      pipeline.scope.set({options_.as, out, model::Type::kTimestamp});
      return {};
    }
    if (options_.span.empty()) {
      pipeline.add(std::make_shared<DataBinStep>(in.slot, out, options_));
    } else {
      Ranges ranges;
      if (auto log = log_ranges(options_.span)) {
        ranges = *log;
      } else {
        auto width = number_of(options_.span);
        if (!width || *width <= 0)
          return pipeline.fail(expr::kSemanticError, "span is no number above 0: " + quoted(options_.span));
        ranges.width = *width;
      }
      pipeline.add(std::make_shared<FixedBinStep>(in.slot, out, ranges));
    }
    pipeline.scope.set({options_.as, out, model::Type::kString});
    return {};
  }

 private:
  Status bind_time(Pipeline& pipeline, Slot in, Slot out) const {
    Result<expr::TimeSpan> span = expr::parse_time_span(options_.span.empty() ? "1m" : options_.span);
    if (!span.ok()) return pipeline.fail(expr::kSemanticError, "span is no time span: " + quoted(options_.span));
    if (span->calendar()) {
      expr::Expr literal;
      literal.kind = expr::ExprKind::kTimeSpan;
      literal.time_span = *span;
      expr::ExprPtr call =
          expr::make_call("span", {expr::make_field(options_.field), std::make_shared<const expr::Expr>(literal)});
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*call));
      pipeline.add(
          std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{out, std::move(bound)}}, "bin", print()));
      return {};
    }
    int64_t anchor = 0;
    if (!options_.aligntime.empty()) {
      auto time = parse_time_word(options_.aligntime, pipeline.context.now());
      if (!time) return pipeline.fail(expr::kSemanticError, "aligntime is no time: " + quoted(options_.aligntime));
      anchor = *time;
    }
    if (span->nanos() <= 0) return pipeline.fail(expr::kSemanticError, "span must be above 0");
    pipeline.add(std::make_shared<TimeBinStep>(in, out, span->nanos(), anchor));
    return {};
  }

  Options options_;
};

Result<bool> take_number(CommandParser& parser, std::string_view key, std::optional<double>& out) {
  auto text = CLEW_TRY(parser.option(key));
  if (!text) return false;
  out = number_of(*text);
  if (!out) return parser.fail("`" + std::string(key) + "` is a number, not " + quoted(*text));
  return true;
}

Status take_options(CommandParser& parser, Options& options) {
  while (true) {
    if (auto span = CLEW_TRY(parser.option("span"))) {
      options.span = *span;
      // `2log10` and the like lex as a number and a word.
      if (parser.tokens.peek().kind == expr::TokenKind::kIdentifier && !parser.tokens.peek().space_before) {
        options.span += parser.tokens.next().text;
      }
      continue;
    }
    if (auto bins = CLEW_TRY(parser.int_option("bins"))) {
      if (*bins < 2 || *bins > kBinsMax) return parser.fail("bins is 2 to " + std::to_string(kBinsMax));
      options.bins = *bins;
      continue;
    }
    if (auto time = CLEW_TRY(parser.option("aligntime"))) {
      options.aligntime = *time;
      continue;
    }
    bool minspan = CLEW_TRY(take_number(parser, "minspan", options.minspan));
    bool start = CLEW_TRY(take_number(parser, "start", options.start));
    bool end = CLEW_TRY(take_number(parser, "end", options.end));
    if (!minspan && !start && !end) return {};
  }
}

}  // namespace

Result<CommandPtr> parse_bin(CommandParser& parser) {
  Options options;
  CLEW_TRY(take_options(parser, options));
  options.field = CLEW_TRY(parser.name());
  CLEW_TRY(take_options(parser, options));
  options.as = options.field;
  if (parser.tokens.accept_word("as")) options.as = CLEW_TRY(parser.name());
  return CommandPtr(std::make_shared<Bin>(std::move(options)));
}

}  // namespace clew::query::ppl
