#include "query/promql/test_script.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "query/promql/lexer.h"
#include "query/promql/memory_source.h"
#include "query/promql/print.h"
#include "query/promql/promql.h"

namespace clew::query::promql {
namespace {

constexpr double kTolerance = 1e-6;
constexpr int64_t kMinute = 60'000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  size_t end = std::min(text.find_first_of(" \t"), text.size());
  std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

// Seconds or a duration, with a sign.
std::optional<int64_t> parse_time(std::string_view text) {
  bool minus = text.starts_with('-');
  std::string_view bare = minus ? text.substr(1) : text;
  std::optional<int64_t> millis = parse_duration(bare);
  if (!millis) {
    std::optional<double> seconds = parse_number(bare);
    if (seconds) millis = std::llround(*seconds * 1000);
  }
  if (millis && minus) *millis = -*millis;
  return millis;
}

bool almost(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  double sum = std::fabs(a) + std::fabs(b);
  double difference = std::fabs(a - b);
  constexpr double kSmallest = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kTolerance * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

bool almost(const Histogram& a, const Histogram& b) {
  if (a.schema != b.schema || a.custom_bounds.size() != b.custom_bounds.size()) return false;
  for (size_t i = 0; i < a.custom_bounds.size(); ++i) {
    if (!almost(a.custom_bounds[i], b.custom_bounds[i])) return false;
  }
  if (!almost(a.count, b.count) || !almost(a.sum, b.sum) || !almost(a.zero_threshold, b.zero_threshold)) return false;
  if (!almost(a.zero_count, b.zero_count)) return false;
  auto buckets = [](const Histogram& h) {
    std::vector<Bucket> all = all_buckets(h);
    std::erase_if(all, [](const Bucket& bucket) { return bucket.count == 0; });
    return all;
  };
  std::vector<Bucket> x = buckets(a);
  std::vector<Bucket> y = buckets(b);
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!almost(x[i].upper, y[i].upper) || !almost(x[i].lower, y[i].lower) || !almost(x[i].count, y[i].count))
      return false;
  }
  return true;
}

struct Expectation {
  bool any = false;   // something of the kind is expected
  bool none = false;  // nothing is
  std::vector<std::string> messages;
  std::vector<std::string> patterns;

  std::string check(const std::vector<std::string>& said, std::string_view kind) const {
    if (none && !said.empty()) return fmt::format("unexpected {}: {}", kind, said[0]);
    if (!any) return "";
    if (said.empty()) return fmt::format("no {} where one is expected", kind);
    for (const std::string& message : messages) {
      if (std::find(said.begin(), said.end(), message) == said.end()) {
        return fmt::format("expected {} {}, got {}", kind, quote(message), quote(said[0]));
      }
    }
    for (const std::string& pattern : patterns) {
      bool found = std::any_of(said.begin(), said.end(),
                               [&](const std::string& text) { return re2::RE2::PartialMatch(text, pattern); });
      if (!found) return fmt::format("expected {} matching {}, got {}", kind, quote(pattern), quote(said[0]));
    }
    return "";
  }
};

struct Evaluation {
  size_t line = 0;
  bool range = false;
  int64_t start = 0, end = 0, step = 0;  // milliseconds
  std::string query;
  Expectation fail, warn, info;
  bool ordered = false;
  std::optional<double> scalar;
  std::optional<std::string> text;
  bool points_at_steps = false;  // `expect range vector`
  int64_t points_start = 0, points_step = 0;
  std::vector<SeriesText> series;
};

std::string sample_text(const model::SampleColumns& samples, size_t i) {
  return samples.histogram(i) != nullptr ? histogram_text(*samples.histogram(i)) : number_text(samples.values[i]);
}

class Checker {
 public:
  explicit Checker(const Evaluation& evaluation) : e_(evaluation) {}

  // Empty when the answer is as expected.
  std::string check(const Result<Answer>& answer) const {
    std::string said = check_values(answer);
    if (!said.empty() || !answer.ok()) return said;
    said = e_.warn.check(answer->warnings, "warning");
    return said.empty() ? e_.info.check(answer->infos, "info") : said;
  }

  std::string check_values(const Result<Answer>& answer) const {
    if (!answer.ok()) {
      if (!e_.fail.any) return fmt::format("the query failed: {}", answer.error().message());
      return e_.fail.check({answer.error().message()}, "failure");
    }
    if (e_.fail.any) return "the query should fail and did not";
    if (e_.text) return answer->type == ValueType::kString && answer->text == *e_.text ? "" : "another string came";
    if (answer->type == ValueType::kScalar) return check_scalar(*answer);
    if (e_.scalar) return "expected a scalar";
    return check_series(*answer);
  }

 private:
  std::string check_scalar(const Answer& answer) const {
    if (!e_.scalar) return fmt::format("a scalar {} came where series are expected", number_text(answer.scalar));
    if (almost(*e_.scalar, answer.scalar)) return "";
    return fmt::format("expected scalar {}, got {}", number_text(*e_.scalar), number_text(answer.scalar));
  }

  std::string check_series(const Answer& answer) const {
    size_t wanted = 0;
    std::vector<bool> met(answer.series.size());
    for (size_t i = 0; i < e_.series.size(); ++i) {
      const SeriesText& expected = e_.series[i];
      if (std::none_of(expected.points.begin(), expected.points.end(), [](const SeriesPoint& p) { return p.present; }))
        continue;
      ++wanted;
      auto same = [&](const ResultSeries& series) { return series.labels == expected.labels; };
      auto at = std::find_if(answer.series.begin(), answer.series.end(), same);
      if (at == answer.series.end())
        return fmt::format("no series {}{}", model::to_text(expected.labels), all_of(answer));
      auto place = static_cast<size_t>(at - answer.series.begin());
      met[place] = true;
      if (e_.ordered && place != i) {
        return fmt::format("series {} came at place {}, expected {}", model::to_text(expected.labels), place + 1,
                           i + 1);
      }
      std::string said = check_points(expected, at->samples);
      if (!said.empty()) return said;
    }
    if (answer.series.size() == wanted) return "";
    auto extra = static_cast<size_t>(std::find(met.begin(), met.end(), false) - met.begin());
    return fmt::format("unexpected series {}{}", model::to_text(answer.series[std::min(extra, met.size() - 1)].labels),
                       all_of(answer));
  }

  static std::string all_of(const Answer& answer) {
    std::string out = "; the answer is";
    for (size_t i = 0; i < answer.series.size() && i < 4; ++i) {
      out += fmt::format(" {} {}", model::to_text(answer.series[i].labels), sample_text(answer.series[i].samples, 0));
    }
    return answer.series.empty() ? "; the answer is empty" : out;
  }

  std::string check_points(const SeriesText& expected, const model::SampleColumns& samples) const {
    int64_t start = e_.points_at_steps ? e_.points_start : e_.start;
    int64_t step = e_.points_at_steps ? e_.points_step : e_.range ? e_.step : 1;
    size_t next = 0;
    for (size_t i = 0; i < expected.points.size(); ++i) {
      const SeriesPoint& point = expected.points[i];
      if (!point.present) continue;
      int64_t time = start + static_cast<int64_t>(i) * step;
      std::string where = fmt::format("{} at {}", model::to_text(expected.labels), duration_text(time));
      if (next >= samples.size()) return fmt::format("no point of {}", where);
      if (samples.millis[next] != time)
        return fmt::format("a point of {} lies at {}", where, duration_text(samples.millis[next]));
      std::string said = check_point(point, samples, next);
      if (!said.empty()) return where + ": " + said;
      ++next;
    }
    if (next == samples.size()) return "";
    return fmt::format("unexpected point of {} at {}: {}", model::to_text(expected.labels),
                       duration_text(samples.millis[next]), sample_text(samples, next));
  }

  static std::string check_point(const SeriesPoint& point, const model::SampleColumns& samples, size_t i) {
    const Histogram* got = samples.histogram(i);
    std::string expected = point.histogram ? histogram_text(*point.histogram) : number_text(point.value);
    std::string message = fmt::format("expected {}, got {}", expected, sample_text(samples, i));
    if ((got != nullptr) != (point.histogram != nullptr)) return message;
    if (got == nullptr) return almost(point.value, samples.values[i]) ? "" : message;
    if (!almost(*point.histogram, *got)) return message;
    if (!point.hint_given || point.histogram->reset == got->reset) return "";
    return fmt::format("expected hint {}, got {}", static_cast<int>(point.histogram->reset),
                       static_cast<int>(got->reset));
  }

  const Evaluation& e_;
};

class Script {
 public:
  explicit Script(std::string_view text) : text_(text) {
    options_.parse.extended_range_selectors = true;
    options_.analyze = true;
  }

  ScriptOutcome run() {
    size_t begin = 0;
    while (begin <= text_.size() && !broken_) {
      size_t end = std::min(text_.find('\n', begin), text_.size());
      ++line_;
      line(text_.substr(begin, end - begin));
      begin = end + 1;
    }
    if (!broken_) finish_block();
    return std::move(outcome_);
  }

 private:
  enum class Block : uint8_t { kNone, kLoad, kEval };

  void fail(size_t at, std::string message) { outcome_.failures.push_back({at, std::move(message)}); }
  void broken(std::string message) {
    fail(line_, std::move(message));
    broken_ = true;
  }

  void line(std::string_view full) {
    std::string_view text = trimmed(full);
    if (text.starts_with('#')) return;
    if (text.empty()) return finish_block();
    bool indented = full[0] == ' ' || full[0] == '\t';
    if (indented && block_ != Block::kNone) return block_ == Block::kLoad ? load_line(text) : expect_line(text);
    finish_block();
    std::string_view rest = text;
    std::string_view command = take_word(rest);
    if (command == "clear") {
      source_.clear();
    } else if (command == "load" || command == "load_with_nhcb") {
      begin_load(command, rest);
    } else if (command == "eval" || command.starts_with("eval_")) {
      begin_eval(command, rest);
    } else {
      broken(fmt::format("unknown command {}", quoted(command)));
    }
  }

  void begin_load(std::string_view command, std::string_view rest) {
    std::optional<int64_t> step = parse_time(rest);
    if (!step || *step <= 0) return broken("load needs a step");
    load_step_ = *step;
    custom_buckets_ = command == "load_with_nhcb";
    block_ = Block::kLoad;
  }

  void load_line(std::string_view text) {
    Result<SeriesText> series = parse_series(text);
    if (!series.ok()) return broken(series.error().message());
    source_.load(*series, load_step_);
  }

  bool take_time(std::string_view& rest, std::string_view word, int64_t& into) {
    if (take_word(rest) != word) return false;
    std::optional<int64_t> millis = parse_time(take_word(rest));
    if (millis) into = *millis;
    return millis.has_value();
  }

  void begin_eval(std::string_view command, std::string_view rest) {
    evaluation_ = {};
    evaluation_.line = line_;
    evaluation_.fail.any = command == "eval_fail";
    evaluation_.warn.any = command == "eval_warn";
    evaluation_.info.any = command == "eval_info";
    evaluation_.ordered = command == "eval_ordered";
    std::string_view kind = take_word(rest);
    bool good = false;
    if (kind == "instant") {
      good = take_time(rest, "at", evaluation_.start);
      evaluation_.end = evaluation_.start;
    } else if (kind == "range") {
      evaluation_.range = true;
      good = take_time(rest, "from", evaluation_.start) && take_time(rest, "to", evaluation_.end) &&
             take_time(rest, "step", evaluation_.step);
    }
    if (!good) return broken("expected `eval instant at TIME QUERY` or `eval range from TIME to TIME step STEP QUERY`");
    evaluation_.query = rest;
    block_ = Block::kEval;
  }

  void expect_line(std::string_view text) {
    std::string_view rest = text;
    std::string_view word = take_word(rest);
    if (word == "expect") return expect(rest);
    if (word == "expected_fail_message") {
      evaluation_.fail.messages.emplace_back(rest);
      return;
    }
    if (word == "expected_fail_regexp") {
      evaluation_.fail.patterns.emplace_back(rest);
      return;
    }
    if (std::optional<double> number = parse_number(text); number && text.find('{') == std::string_view::npos) {
      evaluation_.scalar = *number;
      return;
    }
    Result<SeriesText> series = parse_series(text);
    if (!series.ok()) return broken(series.error().message());
    evaluation_.series.push_back(std::move(*series));
  }

  void expect(std::string_view rest) {
    std::string_view kind = take_word(rest);
    Expectation* of = kind == "fail"   ? &evaluation_.fail
                      : kind == "warn" ? &evaluation_.warn
                      : kind == "info" ? &evaluation_.info
                                       : nullptr;
    if (of != nullptr) {
      of->any = true;
      if (rest.starts_with("msg:")) of->messages.emplace_back(trimmed(rest.substr(4)));
      if (rest.starts_with("regex:")) of->patterns.emplace_back(trimmed(rest.substr(6)));
    } else if (kind == "no_warn") {
      evaluation_.warn.none = true;
    } else if (kind == "no_info") {
      evaluation_.info.none = true;
    } else if (kind == "ordered") {
      evaluation_.ordered = true;
    } else if (kind == "string") {
      LexResult lexed = lex(rest);
      evaluation_.text = lexed.tokens[0].text;
    } else if (kind == "range" && take_word(rest) == "vector") {
      int64_t end = 0;
      evaluation_.points_at_steps = take_time(rest, "from", evaluation_.points_start) && take_time(rest, "to", end) &&
                                    take_time(rest, "step", evaluation_.points_step);
    } else {
      broken(fmt::format("unknown expectation {}", quoted(kind)));
    }
  }

  void finish_block() {
    if (block_ == Block::kLoad && custom_buckets_) source_.add_custom_buckets();
    bool evaluate = block_ == Block::kEval;
    block_ = Block::kNone;
    if (!evaluate) return;
    std::string said = evaluate_all();
    if (said.empty()) {
      ++outcome_.passed;
    } else {
      fail(evaluation_.line, fmt::format("{}: {}", evaluation_.query, said));
    }
  }

  Result<Answer> ask(std::string_view query) const {
    const Evaluation& e = evaluation_;
    if (e.range) return run_range(source_, {}, query, {e.start, e.end, e.step}, options_);
    return run_instant(source_, {}, query, e.start, options_);
  }

  std::string evaluate_all() const {
    Checker checker(evaluation_);
    Result<Answer> answer = ask(evaluation_.query);
    std::string said = checker.check(answer);
    if (!said.empty()) return said;
    Result<ExprPtr> tree = parse(evaluation_.query, options_.parse);
    if (!tree.ok()) return "";
    said = checker.check_values(ask(print(**tree)));
    if (!said.empty()) return fmt::format("as printed ({}): {}", print(**tree), said);
    said = checker.check_values(ask(print_pretty(**tree)));
    if (!said.empty()) return fmt::format("as formatted: {}", said);
    if (evaluation_.range || !answer.ok() || answer->type != ValueType::kVector || tells_of_query(**tree)) return "";
    said = as_middle_of_range(checker);
    return said.empty() ? "" : "as the middle of a range: " + said;
  }

  // start(), end(), range(), step() differ between an instant and a range query.
  static bool tells_of_query(const Expr& expr) {
    std::string text = print(expr);
    for (std::string_view call : {"start()", "end()", "range()", "step()"}) {
      if (text.find(call) != std::string::npos) return true;
    }
    return false;
  }

  std::string as_middle_of_range(const Checker& checker) const {
    int64_t at = evaluation_.start;
    Result<Answer> answer = run_range(source_, {}, evaluation_.query, {at - kMinute, at + kMinute, kMinute}, options_);
    if (!answer.ok()) return answer.error().message();
    // Series with a point there; the order of values is an instant query's.
    for (ResultSeries& series : answer->series) {
      model::SampleColumns kept;
      for (size_t i = 0; i < series.samples.size(); ++i) {
        if (series.samples.millis[i] != at) continue;
        kept.millis.push_back(at);
        kept.values.push_back(series.samples.values[i]);
        if (series.samples.histogram(i) != nullptr) kept.histograms.push_back(series.samples.histograms[i]);
      }
      series.samples = std::move(kept);
    }
    std::erase_if(answer->series, [](const ResultSeries& series) { return series.samples.size() == 0; });
    if (!evaluation_.ordered) return checker.check_values(answer);
    Evaluation unordered = evaluation_;
    unordered.ordered = false;
    return Checker(unordered).check_values(answer);
  }

  std::string_view text_;
  Options options_;
  MemorySource source_;
  ScriptOutcome outcome_;
  size_t line_ = 0;
  bool broken_ = false;
  Block block_ = Block::kNone;
  int64_t load_step_ = 0;
  bool custom_buckets_ = false;
  Evaluation evaluation_;
};

}  // namespace

ScriptOutcome run_script(std::string_view text) { return Script(text).run(); }

}  // namespace clew::query::promql
