// Steps that take a text apart by a pattern: grok, regex, dissect.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "expr/pattern.h"
#include "pipeline/dissect.h"
#include "pipeline/step.h"
#include "text/grok.h"
#include "text/matcher.h"

namespace clew::pipeline {
namespace {

constexpr size_t kPatternsMax = 64;  // of one step

struct Group {
  size_t index = 0;
  std::string name;
  text::GrokType type = text::GrokType::kText;
  std::vector<size_t> same;  // groups of that name before this one: of them the first that took part counts
};

struct Pattern {
  std::unique_ptr<const text::Matcher> matcher;  // null: RE2 alone knows this expression
  std::shared_ptr<const re2::RE2> regex;         // null: the matcher alone knows it
  std::vector<Group> groups;
};

// [source][ip] and source.ip are the same name.
std::string dotted(std::string_view name) {
  if (name.empty() || name.front() != '[') return std::string(name);
  std::string out;
  for (char c : name) {
    if (c == '[')
      out += out.empty() ? "" : ".";
    else if (c != ']')
      out += c;
  }
  return out;
}

class PatternStep final : public Step {
 public:
  PatternStep(std::string field, std::vector<Pattern> patterns, bool optional)
      : field_(std::move(field)), patterns_(std::move(patterns)), optional_(optional) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    fields_.clear();
    for (const Pattern& pattern : patterns_) {
      for (const Group& group : pattern.groups) fields_.push_back(&batch.make_named(group.name));
    }
    for (uint32_t row : on) {
      if (texts[row].data() != nullptr && take(batch, row, texts[row])) continue;
      if (!optional_) fail(batch, row, counts);
    }
  }

 private:
  bool take(Rows& batch, uint32_t row, std::string_view text) {
    size_t first = 0;
    for (const Pattern& pattern : patterns_) {
      if (matches(pattern, text)) {
        for (size_t i = 0; i < pattern.groups.size(); ++i) add(batch, row, pattern.groups[i], *fields_[first + i], i);
        return true;
      }
      first += pattern.groups.size();
    }
    return false;
  }

  // Fills found_ with the groups that have names.
  bool matches(const Pattern& pattern, std::string_view text) {
    found_.resize(pattern.groups.size());
    if (pattern.matcher) {
      text::Matcher::Found found = pattern.matcher->search(text, work_);
      if (found == text::Matcher::Found::kNo) return false;
      if (found == text::Matcher::Found::kYes) {
        for (size_t i = 0; i < found_.size(); ++i) {
          found_[i] = pattern.matcher->group(text, work_, pattern.groups[i].index);
        }
        return true;
      }
    }
    if (!pattern.regex) return false;
    pieces_.resize(static_cast<size_t>(pattern.regex->NumberOfCapturingGroups()) + 1);
    if (!pattern.regex->Match(text, 0, text.size(), re2::RE2::UNANCHORED, pieces_.data(),
                              static_cast<int>(pieces_.size()))) {
      return false;
    }
    for (size_t i = 0; i < found_.size(); ++i) {
      const re2::StringPiece& piece = pieces_[pattern.groups[i].index];
      found_[i] = {piece.data(), piece.size()};
    }
    return true;
  }

  void add(Rows& batch, uint32_t row, const Group& group, Field& field, size_t i) {
    std::string_view text = found_[i];
    if (text.empty()) return;
    for (size_t before : group.same) {
      if (!found_[before].empty()) return;
    }
    Cell cell = Cell::string(text);
    if (group.type != text::GrokType::kText) cell = number_of(batch, text, group.type);
    batch.set(field, row, cell);
  }
  static Cell number_of(Rows& batch, std::string_view text, text::GrokType type) {
    if (text.front() == '+') text.remove_prefix(1);
    if (type == text::GrokType::kInteger) text = text.substr(0, text.find('.'));
    Cell cell = batch.number(text);
    return cell;
  }

  const std::string field_;
  const std::vector<Pattern> patterns_;
  const bool optional_;
  text::Matcher::Work work_;
  std::vector<std::string_view> found_;
  std::vector<re2::StringPiece> pieces_;
  std::vector<Field*> fields_;  // of the groups of all patterns, in order
};

// `regex` spells groups (?P<name>...) or (?<name>...).
// Errors: kInvalid when neither knows the expression; kTooLarge.
Result<Pattern> compile(const std::string& regex) {
  Pattern out;
  Result<std::unique_ptr<const text::Matcher>> matcher = text::Matcher::compile(regex);
  if (matcher.ok()) out.matcher = std::move(matcher).take();
  if (out.matcher && out.matcher->beyond_re2()) return out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(expr::kRegexMemoryBytesMax);
  auto plain = std::make_shared<re2::RE2>(regex, options);
  if (plain->ok()) {
    out.regex = std::move(plain);
    return out;
  }
  // Java's spelling of groups is not RE2's.
  Result<std::shared_ptr<const re2::RE2>> respelled = expr::compile_regex(regex);
  if (respelled.ok())
    out.regex = std::move(respelled).take();
  else if (!out.matcher)
    return matcher.error().code() == Code::kInvalid ? matcher.error() : respelled.error();
  return out;
}

std::vector<std::pair<size_t, std::string>> named_groups(const Pattern& pattern) {
  std::vector<std::pair<size_t, std::string>> out;
  if (pattern.matcher) {
    const std::vector<std::string>& names = pattern.matcher->group_names();
    for (size_t i = 1; i < names.size(); ++i) {
      if (!names[i].empty()) out.emplace_back(i, names[i]);
    }
    return out;
  }
  for (const auto& [index, name] : pattern.regex->CapturingGroupNames()) {
    out.emplace_back(static_cast<size_t>(index), name);
  }
  return out;
}

void add_group(Pattern& pattern, Group group) {
  for (size_t i = 0; i < pattern.groups.size(); ++i) {
    if (pattern.groups[i].name == group.name) group.same.push_back(i);
  }
  pattern.groups.push_back(std::move(group));
}

std::vector<std::string> pattern_texts(Options& options) {
  std::vector<std::string> out;
  if (options.tree().is_text() || options.tree().is_list()) {
    out = options.whole_list("patterns");
  } else {
    out = options.list("patterns");
    for (std::string& one : options.list("pattern")) out.push_back(std::move(one));
  }
  if (out.empty()) options.blame("lacks patterns");
  if (out.size() > kPatternsMax) options.blame(fmt::format("has more than {} patterns", kPatternsMax));
  return out;
}

StepPtr make_grok(Options& options, StepContext&) {
  std::vector<std::string> texts = pattern_texts(options);
  text::GrokOptions grok{.unnamed = false, .definitions = {}};
  for (auto& [name, value] : options.map("definitions")) grok.definitions[name] = value.text;
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) {
    Result<text::Grok> expanded = text::expand_grok(text, grok);
    Result<Pattern> pattern = expanded.ok() ? compile(expanded->regex) : Result<Pattern>(expanded.error());
    if (!pattern.ok()) {
      std::string hint =
          expanded.ok() ? "" : "; `clew pipeline parts` lists the parts there are, `definitions` adds some";
      options.blame(fmt::format("{}: {}{}", clew::quoted(text), pattern.error().message(), hint));
      continue;
    }
    for (const auto& [index, group] : named_groups(*pattern)) {
      for (const text::GrokField& field : expanded->fields) {
        if (field.group != group) continue;
        std::string name = dotted(field.name);
        if (check_target(options, options.line(), name)) add_group(*pattern, {index, name, field.type, {}});
      }
    }
    patterns.push_back(std::move(pattern).take());
  }
  return std::make_unique<PatternStep>(options.text("field", "message"), std::move(patterns), options.yes("optional"));
}

StepPtr make_regex(Options& options, StepContext&) {
  std::vector<Pattern> patterns;
  for (const std::string& text : pattern_texts(options)) {
    Result<Pattern> pattern = compile(text);
    if (!pattern.ok()) {
      options.blame(fmt::format("{}: {}", clew::quoted(text), pattern.error().message()));
      continue;
    }
    for (const auto& [index, name] : named_groups(*pattern)) {
      if (check_target(options, options.line(), name)) add_group(*pattern, {index, name, text::GrokType::kText, {}});
    }
    if (pattern->groups.empty())
      options.blame(clew::quoted(text) + " has no group with a name: write (?<status>[0-9]+)");
    patterns.push_back(std::move(pattern).take());
  }
  return std::make_unique<PatternStep>(options.text("field", "message"), std::move(patterns), options.yes("optional"));
}

class DissectStep final : public Step {
 public:
  DissectStep(std::string field, std::vector<Dissect> patterns, bool optional)
      : field_(std::move(field)), patterns_(std::move(patterns)), optional_(optional) {}

  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    for (uint32_t row : on) {
      bool taken = false;
      for (size_t i = 0; i < patterns_.size() && !taken; ++i) {
        taken = texts[row].data() != nullptr && patterns_[i].read(texts[row], found_);
      }
      if (!taken && !optional_) fail(batch, row, counts);
      for (size_t i = 0; taken && i < found_.size(); ++i) {
        const Dissect::Value& value = found_[i];
        Cell cell = value.joined ? Cell::string(batch.keep(value.text)) : Cell::string(value.view);
        if (value.number) cell = batch.number(cell.text());
        batch.set(batch.make_named(value.name), row, cell);
      }
    }
  }

 private:
  const std::string field_;
  const std::vector<Dissect> patterns_;
  const bool optional_;
  std::vector<Dissect::Value> found_;
};

StepPtr make_dissect(Options& options, StepContext&) {
  std::vector<Dissect> patterns;
  for (const std::string& text : pattern_texts(options)) {
    Result<Dissect> pattern = Dissect::make(text);
    if (!pattern.ok()) {
      options.blame(fmt::format("{}: {}", clew::quoted(text), pattern.error().message()));
      continue;
    }
    for (const std::string& name : pattern->names()) check_target(options, options.line(), name);
    patterns.push_back(std::move(pattern).take());
  }
  return std::make_unique<DissectStep>(options.text("field", "message"), std::move(patterns), options.yes("optional"));
}

constexpr StepKind kKinds[] = {
    {"grok", "write grok: {field: message, patterns: ['%{IP:client.ip} %{WORD:method}']}", make_grok, true},
    {"regex", "write regex: {field: message, pattern: '^(?<client>\\S+) (?<method>\\w+)'}", make_regex, true},
    {"dissect", "write dissect: {field: message, pattern: '%{client} - %{user} [%{time}]'}", make_dissect, true},
};

}  // namespace

std::span<const StepKind> pattern_steps() { return kKinds; }

}  // namespace clew::pipeline
