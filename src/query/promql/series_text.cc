#include "query/promql/series_text.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "query/promql/lexer.h"

namespace clew::query::promql {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Where the metric ends: behind its name, or behind the braces.
size_t metric_end(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && !is_blank(text[at]) && text[at] != '{' && text[at] != '@') ++at;
  size_t brace = at;
  while (brace < text.size() && is_blank(text[brace])) ++brace;
  // `metric {a="b"}` has a metric with labels, `metric {{...}}` a histogram.
  if (brace >= text.size() || text[brace] != '{' || text.substr(brace, 2) == "{{") return at;
  char mark = '\0';
  for (at = brace; at < text.size(); ++at) {
    char c = text[at];
    if (mark != '\0') {
      if (c == '\\' && mark != '`') ++at;
      if (c == mark) mark = '\0';
    } else if (c == '"' || c == '\'' || c == '`') {
      mark = c;
    } else if (c == '}') {
      return at + 1;
    }
  }
  return text.size();
}

class PointParser {
 public:
  PointParser(std::string_view text, bool starts) : text_(text), starts_(starts) {}

  Result<std::vector<SeriesPoint>> run() {
    for (;;) {
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
      if (at_ >= text_.size()) return std::move(points_);
      CLEW_TRY(point());
      if (at_ < text_.size() && !is_blank(text_[at_])) return fail("unexpected character");
    }
  }

 private:
  Error fail(std::string_view what) const {
    return Error(Code::kInvalid, fmt::format("{} at {} in series values", what, quoted(text_.substr(at_))));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Result<size_t> count() {
    if (!is_digit(peek())) return fail("expected a number of times");
    size_t value = 0;
    while (is_digit(peek())) {
      value = value * 10 + static_cast<size_t>(text_[at_++] - '0');
      if (value > kSeriesPointsMax) return fail("too many points");
    }
    return value;
  }

  Status push(const SeriesPoint& point, size_t times) {
    if (points_.size() + times > kSeriesPointsMax) return fail("too many points");
    points_.insert(points_.end(), times, point);
    return ok_status();
  }

  Status point() {
    if (take("_")) {
      size_t times = 1;
      if (take("x")) times = CLEW_TRY(count());
      return push({}, times);
    }
    if (take("stale")) {
      SeriesPoint stale;
      stale.present = true;
      stale.value = model::stale_value();
      return push(stale, 1);
    }
    if (text_.substr(at_, 2) == "{{") return histograms();
    return numbers();
  }

  // A number, or of starts a duration in milliseconds.
  Result<double> number() {
    size_t begin = at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (starts_) return start(begin);
    if (is_digit(peek()) || peek() == '.') {
      while (is_digit(peek()) || peek() == '.') ++at_;
      if (peek() == 'e' || peek() == 'E') {
        ++at_;
        if (peek() == '+' || peek() == '-') ++at_;
        while (is_digit(peek())) ++at_;
      }
    } else {
      while ((peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z')) {
        if (peek() == 'x') break;  // NaNx5
        ++at_;
      }
    }
    std::optional<double> value = parse_number(text_.substr(begin, at_ - begin));
    if (value) return *value;
    at_ = begin;
    return fail("expected a value");
  }

  Result<double> start(size_t begin) {
    bool minus = text_[begin] == '-';
    size_t digits = at_;
    while (is_digit(peek()) || (peek() >= 'a' && peek() <= 'z' && peek() != 'x')) ++at_;
    std::string_view text = text_.substr(digits, at_ - digits);
    std::optional<int64_t> millis = text == "0" ? 0 : parse_duration(text);
    if (!millis) return fail("expected a duration");
    return static_cast<double>(minus ? -*millis : *millis);
  }

  Status numbers() {
    double value = CLEW_TRY(number());
    double step = 0;
    if (peek() == '+' || peek() == '-') {
      step = CLEW_TRY(number());
      if (peek() != 'x') return fail("expected x and a number of times");
    }
    size_t more = 0;
    if (take("x")) more = CLEW_TRY(count());
    for (size_t i = 0; i <= more; ++i) {
      SeriesPoint point;
      point.present = true;
      point.value = value;
      if (starts_) point.start_shift = std::llround(value);
      CLEW_TRY(push(point, 1));
      value += step;
    }
    return ok_status();
  }

  Status histograms() {
    SeriesPoint point;
    point.present = true;
    Histogram first;
    CLEW_TRY(histogram(first, point.hint_given));
    double sign = peek() == '+' ? 1 : peek() == '-' ? -1 : 0;
    Histogram step;
    if (sign != 0) {
      ++at_;
      bool hint = false;
      CLEW_TRY(histogram(step, hint));
      if (peek() != 'x') return fail("expected x and a number of times");
    }
    size_t more = 0;
    if (take("x")) more = CLEW_TRY(count());
    HistogramSum sum(first);
    for (size_t i = 0; i <= more; ++i) {
      if (sign == 0 || i == 0) {
        point.histogram = std::make_shared<const Histogram>(first);
      } else {
        if (sum.add(step, sign).incompatible) return fail("histograms of exponential and custom buckets do not add up");
        Histogram made = sum.result();
        made.reset = first.reset;
        point.histogram = std::make_shared<const Histogram>(std::move(made));
      }
      CLEW_TRY(push(point, 1));
    }
    return ok_status();
  }

  void skip_blanks() {
    while (is_blank(peek())) ++at_;
  }

  Status list(std::vector<double>& values) {
    if (!take("[")) return fail("expected [");
    for (;;) {
      skip_blanks();
      if (take("]")) return ok_status();
      double value = CLEW_TRY(number());
      values.push_back(value);
    }
  }

  Status histogram(Histogram& h, bool& hint_given) {
    if (!take("{{")) return fail("expected {{");
    int32_t offset = 0;
    int32_t negative_offset = 0;
    for (;;) {
      skip_blanks();
      if (take("}}")) break;
      CLEW_TRY(field(h, offset, negative_offset, hint_given));
    }
    auto spans = [](std::vector<model::BucketSpan>& to, int32_t from, size_t length) {
      if (length > 0) to.push_back({from, static_cast<uint32_t>(length)});
    };
    spans(h.positive_spans, offset, h.positive_buckets.size());
    spans(h.negative_spans, negative_offset, h.negative_buckets.size());
    return ok_status();
  }

  Status field(Histogram& h, int32_t& offset, int32_t& negative_offset, bool& hint_given) {
    size_t begin = at_;
    while (peek() == '_' || (peek() >= 'a' && peek() <= 'z')) ++at_;
    std::string_view name = text_.substr(begin, at_ - begin);
    if (!take(":")) return fail("expected a field of a histogram");
    if (name == "buckets") return list(h.positive_buckets);
    if (name == "n_buckets") return list(h.negative_buckets);
    if (name == "custom_values") return list(h.custom_bounds);
    if (name == "counter_reset_hint") return hint(h, hint_given);
    double value = CLEW_TRY(number());
    if (name == "sum") {
      h.sum = value;
    } else if (name == "count") {
      h.count = value;
    } else if (name == "z_bucket") {
      h.zero_count = value;
    } else if (name == "z_bucket_w") {
      h.zero_threshold = value;
    } else if (name == "schema" || name == "offset" || name == "n_offset") {
      if (value != std::floor(value) || std::fabs(value) > 1e6) return fail("expected an integer");
      (name == "schema" ? h.schema : name == "offset" ? offset : negative_offset) = static_cast<int32_t>(value);
    } else {
      at_ = begin;
      return fail("no such field of a histogram");
    }
    return ok_status();
  }

  Status hint(Histogram& h, bool& hint_given) {
    hint_given = true;
    if (take("unknown")) {
      h.reset = model::CounterReset::kUnknown;
    } else if (take("reset")) {
      h.reset = model::CounterReset::kReset;
    } else if (take("not_reset")) {
      h.reset = model::CounterReset::kNotReset;
    } else if (take("gauge")) {
      h.reset = model::CounterReset::kGauge;
    } else {
      return fail("expected unknown, reset, not_reset or gauge");
    }
    return ok_status();
  }

  std::string_view text_;
  bool starts_;
  size_t at_ = 0;
  std::vector<SeriesPoint> points_;
};

}  // namespace

Result<model::Labels> parse_labels(std::string_view text) {
  LexResult lexed = lex(text);
  auto fail = [&](std::string_view what) {
    return Error(Code::kInvalid, fmt::format("{} in the metric {}", what, quoted(text)));
  };
  if (lexed.failed) return fail(lexed.failure.message);
  std::vector<std::pair<std::string, std::string>> labels;
  size_t at = 0;
  auto symbol = [&](std::string_view s) {
    if (lexed.tokens[at].kind != TokenKind::kSymbol || lexed.tokens[at].text != s) return false;
    ++at;
    return true;
  };
  auto is_name = [&] {
    TokenKind kind = lexed.tokens[at].kind;
    return kind == TokenKind::kIdentifier || kind == TokenKind::kString || kind == TokenKind::kNumber;
  };
  if (lexed.tokens[at].kind == TokenKind::kIdentifier)
    labels.emplace_back(model::kMetricNameLabel, lexed.tokens[at++].text);
  if (symbol("{")) {
    while (!symbol("}")) {
      if (!is_name()) return fail("expected a label");
      const Token& name = lexed.tokens[at++];
      if (symbol("=")) {
        if (lexed.tokens[at].kind != TokenKind::kString) return fail("expected a label's value");
        labels.emplace_back(name.text, lexed.tokens[at++].text);
      } else if (name.kind == TokenKind::kString) {
        labels.emplace_back(model::kMetricNameLabel, name.text);
      } else {
        return fail("expected =");
      }
      if (!symbol(",") && !(lexed.tokens[at].kind == TokenKind::kSymbol && lexed.tokens[at].text == "}")) {
        return fail("expected , or }");
      }
    }
  }
  if (lexed.tokens[at].kind != TokenKind::kEnd) return fail("unexpected text");
  return model::Labels::of(std::move(labels));
}

Result<std::vector<SeriesPoint>> parse_points(std::string_view text, bool starts) {
  return PointParser(text, starts).run();
}

Result<SeriesText> parse_series(std::string_view text) {
  size_t end = metric_end(text);
  SeriesText made;
  made.labels = CLEW_TRY(parse_labels(text.substr(0, end)));
  std::string_view rest = text.substr(end);
  if (rest.starts_with("@st")) {
    made.starts = true;
    rest.remove_prefix(3);
  }
  made.points = CLEW_TRY(parse_points(rest, made.starts));
  return made;
}

}  // namespace clew::query::promql
