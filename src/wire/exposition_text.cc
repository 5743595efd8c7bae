#include "wire/exposition_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "text/utf8.h"
#include "wire/prometheus_number.h"

namespace clew::wire {
namespace {

constexpr size_t kExemplarsMost = 1;  // a line has one

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_name_begin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool is_name_char(char c) { return is_name_begin(c) || (c >= '0' && c <= '9'); }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) ++end;
  std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  skip_blanks(text);
  return word;
}

// Where the closing quote of the text stands that begins behind an opening one; npos without.
size_t end_of_quoted(std::string_view text, size_t from) {
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

// Undoes \\, \n and \"; false for another escape. Others stay as they are.
bool unescape(std::string_view text, std::string& out) {
  bool known = true;
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char next = text[++i];
    if (next == 'n') {
      out += '\n';
    } else if (next == '\\' || next == '"') {
      out += next;
    } else {
      known = false;
      out += '\\';
      out += next;
    }
  }
  return known;
}

// Help of Prometheus' text keeps its quotes: \" is two characters there.
void unescape_help(std::string_view text, bool open_metrics, std::string& out) {
  if (open_metrics) {
    (void)unescape(text, out);
    return;
  }
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == '\\');
    if (!escape) {
      out += text[i];
      continue;
    }
    out += text[++i] == 'n' ? '\n' : '\\';
  }
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && is_name_begin(name.front()) && std::all_of(name.begin(), name.end(), is_name_char);
}

bool same_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Reads labels behind `{`, or a metric's name among them; leaves `text` behind `}`.
class LabelReader {
 public:
  LabelReader(std::string_view text, bool strict, LabelPairs& labels) : text_(text), strict_(strict), labels_(labels) {}

  // `named`: a metric's name stands before the brace.
  Status read(bool named) {
    while (true) {
      skip_blanks(text_);
      if (text_.empty()) return Error(Code::kInvalid, "labels without their }");
      if (text_.front() == '}') break;
      CLEW_TRY(read_one(named));
      skip_blanks(text_);
      if (!text_.empty() && text_.front() == ',') {
        text_.remove_prefix(1);
        continue;
      }
      if (text_.empty() || text_.front() != '}') {
        return Error(Code::kInvalid, "expected , or } behind a label, not " + quoted(text_));
      }
    }
    text_.remove_prefix(1);
    if (!named) return Error(Code::kInvalid, "labels without a metric's name");
    return {};
  }
  std::string_view rest() const { return text_; }

 private:
  Status read_one(bool& named) {
    std::string name;
    bool was_quoted = text_.front() == '"';
    if (was_quoted) {
      CLEW_TRY(read_quoted(name));
    } else {
      size_t end = 0;
      while (end < text_.size() && is_name_char(text_[end]) && text_[end] != ':') ++end;
      name = text_.substr(0, end);
      if (!is_plain_name(name)) return Error(Code::kInvalid, "no label's name: " + quoted(text_));
      text_.remove_prefix(end);
    }
    skip_blanks(text_);
    if (was_quoted && !named && (text_.empty() || text_.front() != '=')) {
      named = true;
      labels_.emplace_back(model::kMetricNameLabel, std::move(name));
      return {};
    }
    if (text_.empty() || text_.front() != '=') {
      return Error(Code::kInvalid, "expected = behind the label " + quoted(name));
    }
    if (name == model::kMetricNameLabel) return Error(Code::kInvalid, "the label __name__ is the metric's name");
    text_.remove_prefix(1);
    skip_blanks(text_);
    std::string value;
    if (text_.empty() || text_.front() != '"') {
      return Error(Code::kInvalid, "the value of the label " + quoted(name) + " lacks its quotes");
    }
    CLEW_TRY(read_quoted(value));
    bool twice = std::any_of(labels_.begin(), labels_.end(), [&](const auto& label) { return label.first == name; });
    if (twice) return Error(Code::kInvalid, "the label " + quoted(name) + " comes twice");
    labels_.emplace_back(std::move(name), std::move(value));
    return {};
  }

  Status read_quoted(std::string& out) {
    size_t end = end_of_quoted(text_, 1);
    if (end == std::string_view::npos) return Error(Code::kInvalid, "a text without its closing quote");
    bool known = unescape(text_.substr(1, end - 1), out);
    if (!known && strict_) return Error(Code::kInvalid, "an unknown escape in " + quoted(text_.substr(0, end + 1)));
    if (!text::is_valid_utf8(out)) return Error(Code::kInvalid, "a text that is no UTF-8: " + quoted(out));
    text_.remove_prefix(end + 1);
    return {};
  }

  std::string_view text_;
  const bool strict_;
  LabelPairs& labels_;
};

// Where the name and the labels of a line end; npos when the labels have no end.
size_t end_of_series(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && line[at] != '{' && !is_blank(line[at])) ++at;
  size_t brace = at;
  while (brace < line.size() && is_blank(line[brace])) ++brace;
  if (brace == line.size() || line[brace] != '{') return at;
  for (size_t i = brace + 1; i < line.size(); ++i) {
    if (line[i] == '}') return i + 1;
    if (line[i] != '"') continue;
    i = end_of_quoted(line, i + 1);
    if (i == std::string_view::npos) break;
  }
  return std::string_view::npos;
}

}  // namespace

bool parse_exposition_value(std::string_view text, double& value) {
  if (text.empty()) return false;
  std::string_view digits = text;
  bool negative = digits.front() == '-';
  if (negative || digits.front() == '+') digits.remove_prefix(1);
  if (digits.empty()) return false;
  if (same_word(digits, "inf") || same_word(digits, "infinity")) {
    value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (same_word(digits, "nan")) {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (digits.front() != '.' && (digits.front() < '0' || digits.front() > '9')) return false;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return false;
  if (error == std::errc::result_out_of_range) {
    value = std::strtod(std::string(digits).c_str(), nullptr);
    if (std::isinf(value)) return false;
  } else if (error != std::errc()) {
    return false;
  }
  if (negative) value = -value;
  return true;
}

TextExposition::TextExposition(std::string_view page, ExpositionFormat format, Strictness strictness)
    : page_(page),
      open_metrics_(format == ExpositionFormat::kOpenMetrics),
      strict_(strictness == Strictness::kStrict),
      has_created_(open_metrics_ && page.find("_created") != std::string_view::npos) {}

Error TextExposition::wrong(const std::string& why) const {
  return Error(Code::kInvalid, "line " + std::to_string(line_number_) + ": " + why);
}

void TextExposition::reject(const Error& why) {
  if (bad_lines_++ == 0) first_mistake_ = wrong(why.message()).message() + " in " + quoted(line_);
}

bool TextExposition::take_line() {
  if (at_ >= page_.size()) return false;
  size_t end = page_.find('\n', at_);
  line_ended_ = end != std::string_view::npos;
  line_ = page_.substr(at_, line_ended_ ? end - at_ : std::string_view::npos);
  at_ = line_ended_ ? end + 1 : page_.size();
  ++line_number_;
  if (!strict_ && line_.ends_with('\r')) line_.remove_suffix(1);
  return true;
}

Result<ExpositionKind> TextExposition::next() {
  while (take_line()) {
    if (ended_ && strict_) return wrong("something stands behind # EOF");
    if (ended_) break;
    Result<ExpositionKind> read = read_line();
    if (read.ok() && *read != ExpositionKind::kEnd) return read;
    if (read.ok()) continue;
    if (strict_) return wrong(read.error().message());
    reject(read.error());
  }
  // A page of OpenMetrics that ends without # EOF was cut.
  if (open_metrics_ && !ended_) {
    ended_ = true;
    Error cut(Code::kInvalid, "the page ends without # EOF: it may be cut");
    if (strict_) return cut;
    reject(cut);
  }
  at_ = page_.size();
  return ExpositionKind::kEnd;
}

// kEnd for a line that says nothing.
Result<ExpositionKind> TextExposition::read_line() {
  std::string_view rest = line_;
  bool exact = open_metrics_ && strict_;
  if (!exact) skip_blanks(rest);
  if (rest.empty()) {
    if (exact) return Error(Code::kInvalid, "an empty line");
    return ExpositionKind::kEnd;
  }
  if (strict_ && !line_ended_ && rest != "# EOF") return Error(Code::kInvalid, "the last line lacks its newline");
  if (rest.front() == '#') return read_comment(rest.substr(1));
  line_.remove_prefix(line_.size() - rest.size());
  return read_sample();
}

Result<ExpositionKind> TextExposition::read_comment(std::string_view rest) {
  if (open_metrics_ && (rest == " EOF" || (!strict_ && rest.starts_with(" EOF")))) {
    ended_ = true;
    return ExpositionKind::kEnd;
  }
  skip_blanks(rest);
  std::string_view word = take_word(rest);
  bool unit = word == "UNIT" && open_metrics_;
  if (word != "HELP" && word != "TYPE" && !unit) {
    if (open_metrics_ && strict_) return Error(Code::kInvalid, "OpenMetrics has no such comment: " + quoted(line_));
    return ExpositionKind::kEnd;
  }
  if (rest.empty()) return ExpositionKind::kEnd;
  if (rest.front() == '"') {
    size_t end = end_of_quoted(rest, 1);
    if (end == std::string_view::npos) return Error(Code::kInvalid, "a name without its closing quote");
    (void)unescape(rest.substr(1, end - 1), metric_);
    rest.remove_prefix(end + 1);
    skip_blanks(rest);
  } else {
    metric_ = take_word(rest);
    if (!is_plain_name(metric_)) return Error(Code::kInvalid, "no metric's name: " + quoted(metric_));
  }
  told_ = {.metric = metric_, .type = model::MetricType::kUnknown, .text = {}};
  if (word == "HELP") {
    if (rest.empty()) return ExpositionKind::kEnd;
    unescape_help(rest, open_metrics_, text_);
    if (!text::is_valid_utf8(text_)) return Error(Code::kInvalid, "a text that is no UTF-8");
    told_.text = text_;
    return ExpositionKind::kHelp;
  }
  while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
  if (word == "UNIT") {
    text_ = rest;
    told_.text = text_;
    return ExpositionKind::kUnit;
  }
  std::optional<model::MetricType> type = model::metric_type_of(rest);
  if (!type) return Error(Code::kInvalid, "an unknown type: " + quoted(rest));
  told_.type = *type;
  typed_ = metric_;
  type_ = *type;
  created_.clear();
  if (has_created_) find_created(metric_);
  return ExpositionKind::kType;
}

Result<ExpositionKind> TextExposition::read_sample() {
  point_.exemplars.clear();
  point_.has_time = false;
  point_.millis = 0;
  point_.start_millis = 0;
  size_t end = end_of_series(line_);
  if (end == std::string_view::npos) return Error(Code::kInvalid, "labels without their }");
  series_ = line_.substr(0, end);
  std::string_view rest = line_.substr(end);
  if (!strict_ && series_.back() != '}' && !is_plain_name(series_)) {
    return Error(Code::kInvalid, "no metric's name: " + quoted(series_));
  }
  skip_blanks(rest);
  std::string_view number = take_word(rest);
  if (number.empty()) return Error(Code::kInvalid, "no value behind " + quoted(series_));
  if (!parse_exposition_value(number, point_.value)) return Error(Code::kInvalid, "no number: " + quoted(number));
  CLEW_TRY(read_time(rest));
  if (!rest.empty()) {
    if (rest.front() != '#' || (strict_ && !open_metrics_)) {
      return Error(Code::kInvalid, "something stands behind the sample: " + quoted(rest));
    }
    CLEW_TRY(read_exemplar(rest.substr(1)));
  }
  if (strict_) {
    LabelPairs labels;
    CLEW_TRY(read_labels(labels));
  }
  if (!created_.empty()) point_.start_millis = created_of_series();
  return ExpositionKind::kSample;
}

namespace {

// Milliseconds in Prometheus' text, seconds in OpenMetrics.
bool parse_time(std::string_view word, bool seconds, int64_t& millis) {
  if (!seconds) {
    if (word.starts_with('+')) word.remove_prefix(1);
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), millis);
    return error == std::errc() && end == word.data() + word.size();
  }
  double value = 0;
  constexpr double kMost = 9e15;
  if (!parse_exposition_value(word, value) || !(std::abs(value) < kMost / 1000)) return false;
  millis = static_cast<int64_t>(std::llround(value * 1000));
  return true;
}

}  // namespace

Status TextExposition::read_time(std::string_view& rest) {
  if (rest.empty() || rest.front() == '#') return {};
  std::string_view word = take_word(rest);
  if (!parse_time(word, open_metrics_, point_.millis)) {
    return Error(Code::kInvalid,
                 "no time in " + std::string(open_metrics_ ? "" : "milli") + "seconds: " + quoted(word));
  }
  point_.has_time = true;
  return {};
}

// ` {trace_id="1"} 0.5 1700000000.1`
Status TextExposition::read_exemplar(std::string_view rest) {
  skip_blanks(rest);
  if (rest.empty() || rest.front() != '{') return Error(Code::kInvalid, "an exemplar without labels");
  LabelPairs labels;
  LabelReader reader(rest.substr(1), strict_, labels);
  CLEW_TRY(reader.read(true));
  rest = reader.rest();
  skip_blanks(rest);
  model::Exemplar exemplar;
  std::string_view number = take_word(rest);
  if (!parse_exposition_value(number, exemplar.value)) return Error(Code::kInvalid, "no number: " + quoted(number));
  if (!rest.empty()) {
    std::string_view word = take_word(rest);
    if (!parse_time(word, true, exemplar.millis)) return Error(Code::kInvalid, "no time in seconds: " + quoted(word));
  }
  if (!rest.empty()) return Error(Code::kInvalid, "something stands behind the exemplar: " + quoted(rest));
  exemplar.labels = model::Labels::of(std::move(labels));
  static_assert(kExemplarsMost == 1);
  point_.exemplars.push_back(std::move(exemplar));
  return {};
}

namespace {

Status labels_of_text(std::string_view series, bool strict, LabelPairs& labels) {
  labels.clear();
  size_t end = 0;
  while (end < series.size() && series[end] != '{' && !is_blank(series[end])) ++end;
  std::string_view name = series.substr(0, end);
  if (!name.empty()) {
    if (!is_plain_name(name)) return Error(Code::kInvalid, "no metric's name: " + quoted(name));
    labels.emplace_back(model::kMetricNameLabel, std::string(name));
  }
  std::string_view rest = series.substr(end);
  skip_blanks(rest);
  if (rest.empty()) return {};
  LabelReader reader(rest.substr(1), strict, labels);
  return reader.read(!name.empty());
}

// Labels of a series without its name, le and quantile: what the parts of one histogram have in common.
std::string common_labels(LabelPairs labels) {
  std::erase_if(labels, [](const auto& label) {
    return label.first == model::kMetricNameLabel || label.first == "le" || label.first == "quantile";
  });
  return model::Labels::of(std::move(labels)).packed();
}

}  // namespace

// Bounds get one form, whatever the page's: a series stays the same when a target goes over to another format.
Status TextExposition::read_labels(LabelPairs& labels) const {
  CLEW_TRY(labels_of_text(series_, strict_, labels));
  bool buckets = type_ == model::MetricType::kHistogram || type_ == model::MetricType::kGaugeHistogram;
  if (!buckets && type_ != model::MetricType::kSummary) return {};
  std::string_view name = buckets ? "le" : "quantile";
  bool of_typed = std::any_of(labels.begin(), labels.end(), [&](const auto& label) {
    if (label.first != model::kMetricNameLabel) return false;
    return buckets ? label.second == typed_ + "_bucket" : label.second == typed_;
  });
  for (auto& [label, value] : labels) {
    double bound = 0;
    if (of_typed && label == name && parse_exposition_value(value, bound)) value = open_metrics_number(bound);
  }
  return {};
}

// Looks ahead at the family's lines: when they began stands behind them.
void TextExposition::find_created(std::string_view metric) {
  std::string name = std::string(metric) + "_created";
  LabelPairs labels;
  for (size_t at = at_; at < page_.size();) {
    size_t end = std::min(page_.find('\n', at), page_.size());
    std::string_view line = page_.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# TYPE") || line == "# EOF") return;
    if (!line.starts_with(name)) continue;
    size_t series_end = end_of_series(line);
    if (series_end == std::string_view::npos) continue;
    if (!labels_of_text(line.substr(0, series_end), false, labels).ok()) continue;
    if (labels.empty() || labels.front().second != name) continue;
    std::string_view rest = line.substr(series_end);
    skip_blanks(rest);
    int64_t millis = 0;
    if (parse_time(take_word(rest), true, millis)) created_[common_labels(labels)] = millis;
  }
}

int64_t TextExposition::created_of_series() const {
  LabelPairs labels;
  if (!read_labels(labels).ok() || labels.empty()) return 0;
  std::string_view name = labels.front().second;
  if (!name.starts_with(typed_) || name.ends_with("_created")) return 0;
  auto found = created_.find(common_labels(std::move(labels)));
  return found == created_.end() ? 0 : found->second;
}

}  // namespace clew::wire
