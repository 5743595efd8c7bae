#include "topk/question.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace clew::topk {
namespace {

struct Word {
  std::string_view text;
  size_t begin = 0;
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> out;
  for (size_t at = 0; at < text.size();) {
    if (std::isspace(static_cast<unsigned char>(text[at]))) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end]))) ++end;
    out.push_back({text.substr(at, end - at), at});
    at = end;
  }
  return out;
}

bool is_keyword(std::string_view word) {
  for (std::string_view known : {"by", "of", "in", "where", "last"}) {
    if (word == known) return true;
  }
  return false;
}

std::string bare(std::string_view name) {
  bool ticks = name.size() >= 2 && name.front() == '`' && name.back() == '`';
  return std::string(ticks ? name.substr(1, name.size() - 2) : name);
}

// 90s, 5m, 2h30m, 7d, 1w.
std::optional<int64_t> duration_of(std::string_view text) {
  int64_t total = 0;
  while (!text.empty()) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || end == text.data() + text.size()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    size_t letters = text.find_first_of("0123456789");
    std::string_view unit = text.substr(0, letters);
    text.remove_prefix(std::min(unit.size(), text.size()));
    int64_t seconds = unit == "s"   ? 1
                      : unit == "m" ? 60
                      : unit == "h" ? 3'600
                      : unit == "d" ? 86'400
                      : unit == "w" ? 604'800
                                    : 0;
    if (seconds == 0 || number > 3'153'600'000 / seconds) return std::nullopt;  // a hundred years
    total += number * seconds;
  }
  return total == 0 ? std::nullopt : std::optional(total * 1'000'000'000);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), words_(words_of(text)) {}

  Result<Question> parse() {
    CLEW_TRY(take_head());
    while (at_ < words_.size()) CLEW_TRY(take_clause());
    CLEW_TRY(check_question(out_));
    return std::move(out_);
  }

 private:
  Error wrong(const std::string& what) const {
    return Error(Code::kInvalid, what + ": write `10 by endpoint where status >= 500 last 5m`");
  }

  Status take_head() {
    if (at_ < words_.size() && words_[at_].text.find_first_not_of("0123456789") == std::string_view::npos) {
      std::string_view digits = words_[at_++].text;
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out_.rows);
      if (error != std::errc()) return wrong("how many: " + clew::quoted(digits));
    }
    if (at_ < words_.size() && !is_keyword(words_[at_].text)) CLEW_TRY(take_weight(words_[at_++].text));
    if (at_ == words_.size() || words_[at_].text != "by") {
      return wrong(at_ == words_.size() ? "it lacks `by FIELD`"
                                        : "expected `by`, found " + clew::quoted(words_[at_].text));
    }
    return {};
  }

  Status take_weight(std::string_view word) {
    if (word == "count" || word == "count()") return {};
    bool sum = word.starts_with("sum(") && word.ends_with(")") && word.size() > 5;
    if (!sum) return wrong("weighs by count or sum(FIELD), not by " + clew::quoted(word));
    out_.weight = bare(word.substr(4, word.size() - 5));
    return {};
  }

  Status take_clause() {
    std::string_view keyword = words_[at_++].text;
    if (keyword == "by") return take_list("by", out_.by);
    if (keyword == "in") return take_list("in", out_.datasets);
    if (keyword == "of") return take_metric();
    if (keyword == "where") return take_where();
    if (keyword != "last") return wrong("expected by, of, in, where or last, found " + clew::quoted(keyword));
    std::optional<int64_t> last = at_ < words_.size() ? duration_of(words_[at_++].text) : std::optional<int64_t>();
    if (!last) return wrong("last takes a duration such as 90s, 5m, 2h or 7d");
    out_.last_nanos = *last;
    return {};
  }

  Status take_list(std::string_view keyword, std::vector<std::string>& to) {
    bool more = true;
    while (at_ < words_.size() && (more || words_[at_].text.front() == ',')) {
      if (is_keyword(words_[at_].text) && !to.empty() && !more) break;
      std::string_view word = words_[at_++].text;
      more = word.back() == ',';
      while (!word.empty()) {
        std::string_view one = word.substr(0, word.find(','));
        if (!one.empty()) to.push_back(bare(one));
        word.remove_prefix(std::min(one.size() + 1, word.size()));
      }
    }
    if (to.empty() || more) return wrong(std::string(keyword) + " takes a name");
    return {};
  }

  // A selector may have blanks inside of its braces.
  Status take_metric() {
    if (at_ == words_.size()) return wrong("of takes a metric");
    size_t begin = words_[at_].begin;
    size_t end = begin;
    int depth = 0;
    while (at_ < words_.size()) {
      for (char c : words_[at_].text) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      end = words_[at_].begin + words_[at_].text.size();
      ++at_;
      if (depth <= 0) break;
    }
    out_.metric = std::string(text_.substr(begin, end - begin));
    return {};
  }

  Status take_where() {
    if (at_ == words_.size()) return wrong("where takes a condition");
    size_t begin = words_[at_].begin;
    bool ends_with_last = words_.size() >= at_ + 3 && words_[words_.size() - 2].text == "last" &&
                          duration_of(words_.back().text).has_value();
    size_t end = ends_with_last ? words_[words_.size() - 2].begin : text_.size();
    out_.where = std::string(text_.substr(begin, end - begin));
    while (!out_.where.empty() && std::isspace(static_cast<unsigned char>(out_.where.back()))) out_.where.pop_back();
    at_ = ends_with_last ? words_.size() - 2 : words_.size();
    return {};
  }

  const std::string_view text_;
  const std::vector<Word> words_;
  size_t at_ = 0;
  Question out_;
};

}  // namespace

Result<Question> parse_question(std::string_view text) {
  if (text.size() > kQuestionBytesMax) return Error(Code::kTooLarge, "a question of more than 16 KiB");
  return Parser(text).parse();
}

Status check_question(const Question& question) {
  auto wrong = [](std::string message) { return Error(Code::kInvalid, std::move(message)); };
  if (question.rows == 0 || question.rows > kRowsMax) return wrong(fmt::format("rows: 1 to {}", kRowsMax));
  if (question.by.empty()) return wrong("it lacks `by FIELD`");
  if (question.by.size() > kFieldsMax) return wrong(fmt::format("by: more than {} fields", kFieldsMax));
  if (question.datasets.size() > kDatasetsMax) return wrong(fmt::format("in: more than {} datasets", kDatasetsMax));
  if (question.metric.empty()) return {};
  if (!question.where.empty()) return wrong("where: the conditions of a metric stand in its braces");
  if (!question.datasets.empty()) return wrong("in: a metric is in no dataset");
  if (!question.weight.empty()) return wrong("sum(): a metric's own value is its weight");
  return {};
}

std::string join_key(const std::vector<std::string>& parts) {
  std::string key;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) key.push_back(kPartEnd);
    key += part;
  }
  return key;
}

std::vector<std::string> key_parts(std::string_view key) {
  std::vector<std::string> out;
  while (true) {
    size_t end = key.find(kPartEnd);
    out.emplace_back(key.substr(0, end));
    if (end == key.npos) return out;
    key.remove_prefix(end + 1);
  }
}

}  // namespace clew::topk
