#include "alert/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "alert/expand.h"
#include "model/labels.h"
#include "query/promql/duration.h"
#include "query/promql/promql.h"
#include "text/utf8.h"
#include "yaml/fields.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

std::string trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

class Reader {
 public:
  Reader(const std::string& file, const RuleFileOptions& options, yaml::Mistakes& mistakes)
      : file_(file), options_(options), mistakes_(mistakes) {}

  std::vector<RuleGroup> read(const yaml::Tree& root) {
    std::vector<RuleGroup> groups;
    yaml::Fields fields("", root, mistakes_);
    if (const yaml::Tree* all = fields.list("groups")) {
      for (const yaml::Tree& one : all->items) groups.push_back(read_group(one));
    }
    finish(fields);
    check_names(groups);
    return groups;
  }

 private:
  void finish(yaml::Fields& fields) {
    if (!options_.ignore_unknown) fields.finish();
  }

  void check_names(const std::vector<RuleGroup>& groups) {
    std::set<std::string> seen;
    for (const RuleGroup& group : groups) {
      if (group.name.empty()) {
        mistakes_.push_back({group.line, "a group has no name: write name: NAME"});
      } else if (!seen.insert(group.name).second) {
        mistakes_.push_back({group.line, fmt::format("groupname: {} is repeated in the same file; give each group a "
                                                     "name of its own",
                                                     quoted(group.name))});
      }
    }
  }

  std::optional<int64_t> duration(yaml::Fields& fields, std::string_view key) {
    const yaml::Tree* value = fields.text(key);
    if (value == nullptr) return std::nullopt;
    std::optional<int64_t> millis = promql::parse_duration(value->text);
    if (!millis) {
      fields.blame(value->line, fmt::format("{}: {} is no duration: write 30s, 5m or 1h30m", key, quoted(value->text)));
    }
    return millis;
  }

  RuleGroup read_group(const yaml::Tree& tree) {
    RuleGroup group;
    group.file = file_;
    group.line = tree.line;
    const yaml::Tree* name = tree.find("name");
    yaml::Fields fields(name == nullptr ? "group" : fmt::format("group {}", quoted(name->text)), tree, mistakes_);
    group.name = fields.text_or_empty("name");
    group.interval_millis = duration(fields, "interval");
    if (group.interval_millis == 0) group.interval_millis.reset();
    group.query_offset_millis = duration(fields, "query_offset");
    if (const yaml::Tree* limit = fields.text("limit")) {
      const char* end = limit->text.data() + limit->text.size();
      auto [at, error] = std::from_chars(limit->text.data(), end, group.limit);
      if (error != std::errc() || at != end) {
        fields.blame(limit->line, "limit: " + quoted(limit->text) + " is no whole number");
      }
    }
    NamedTexts labels = fields.texts("labels");
    check_labels(fields, labels);
    if (const yaml::Tree* rules = fields.list("rules")) {
      for (size_t i = 0; i < rules->items.size(); ++i) {
        group.rules.push_back(read_rule(group, i, labels, rules->items[i]));
      }
    }
    finish(fields);
    return group;
  }

  Rule read_rule(const RuleGroup& group, size_t index, const NamedTexts& group_labels, const yaml::Tree& tree) {
    Rule rule;
    rule.line = tree.line;
    const yaml::Tree* named = tree.find("alert") != nullptr ? tree.find("alert") : tree.find("record");
    yaml::Fields fields(fmt::format("group {}, rule {}, {}", quoted(group.name), index + 1,
                                    quoted(named == nullptr ? std::string() : named->text)),
                        tree, mistakes_);
    std::string record = fields.text_or_empty("record");
    std::string alert = fields.text_or_empty("alert");
    rule.kind = alert.empty() ? RuleKind::kRecord : RuleKind::kAlert;
    rule.name = alert.empty() ? record : alert;
    rule.expr = trimmed(fields.text_or_empty("expr"));
    std::optional<int64_t> wait = duration(fields, "for");
    std::optional<int64_t> keep = duration(fields, "keep_firing_for");
    rule.for_millis = wait.value_or(0);
    rule.keep_firing_millis = keep.value_or(0);
    NamedTexts own = fields.texts("labels");
    rule.annotations = fields.texts("annotations");
    check_labels(fields, own);
    check_kind(fields, record, alert);
    check_expr(fields, rule.expr);
    if (rule.kind == RuleKind::kAlert) {
      check_templates(fields, own, rule.annotations);
    } else {
      check_record(fields, record);
    }
    rule.labels = std::move(own);
    for (const auto& [name, value] : group_labels) {
      bool there = std::any_of(rule.labels.begin(), rule.labels.end(), [&](const auto& l) { return l.first == name; });
      if (!there) rule.labels.emplace_back(name, value);
    }
    std::sort(rule.labels.begin(), rule.labels.end());
    std::sort(rule.annotations.begin(), rule.annotations.end());
    finish(fields);
    return rule;
  }

  static void check_kind(yaml::Fields& fields, const std::string& record, const std::string& alert) {
    if (!record.empty() && !alert.empty()) fields.blame("alert", "only one of 'record' and 'alert' must be set");
    if (record.empty() && alert.empty()) fields.blame(fields.line(), "one of 'record' or 'alert' must be set");
  }

  static void check_expr(yaml::Fields& fields, const std::string& expr) {
    if (expr.empty()) return fields.blame("expr", "field 'expr' must be set in rule");
    Result<promql::ExprPtr> tree = promql::parse(expr, rule_parse_options());
    if (!tree.ok()) {
      return fields.blame("expr", fmt::format("could not parse expression: {}", tree.error().message()));
    }
    promql::ValueType type = promql::type_of(**tree);
    if (type != promql::ValueType::kVector && type != promql::ValueType::kScalar) {
      fields.blame("expr", fmt::format("the expression gives a {}; a rule needs an instant vector or a scalar",
                                       promql::type_text(type)));
    }
  }

  static void check_record(yaml::Fields& fields, const std::string& record) {
    for (const char* key : {"for", "keep_firing_for", "annotations"}) {
      if (fields.any(key) != nullptr) {
        fields.blame(key, fmt::format("invalid field '{}' in recording rule: only alerts have it", key));
      }
    }
    if (record.find_first_of("{}") != std::string::npos) {
      fields.blame("record", "braces present in the recording rule name; should it be in expr?: " + quoted(record));
    } else if (!text::is_valid_utf8(record)) {
      fields.blame("record", "invalid recording rule name: " + quoted(record));
    }
  }

  static void check_labels(yaml::Fields& fields, const NamedTexts& labels) {
    for (const auto& [name, value] : labels) {
      if (name.empty() || !text::is_valid_utf8(name) || name == model::kMetricNameLabel) {
        fields.blame("labels", fmt::format("invalid label name: {}", quoted(name)));
      }
      if (!text::is_valid_utf8(value)) fields.blame("labels", fmt::format("invalid label value: {}", quoted(value)));
    }
  }

  static void check_templates(yaml::Fields& fields, const NamedTexts& labels, const NamedTexts& annotations) {
    for (const auto& [name, value] : labels) {
      Status read = check_template(value);
      if (!read.ok()) fields.blame("labels", fmt::format("label {}: {}", quoted(name), read.error().message()));
    }
    for (const auto& [name, value] : annotations) {
      if (name.empty() || !text::is_valid_utf8(name)) {
        fields.blame("annotations", fmt::format("invalid annotation name: {}", quoted(name)));
      }
      Status read = check_template(value);
      if (!read.ok()) {
        fields.blame("annotations", fmt::format("annotation {}: {}", quoted(name), read.error().message()));
      }
    }
  }

  const std::string& file_;
  const RuleFileOptions& options_;
  yaml::Mistakes& mistakes_;
};

}  // namespace

bool Rule::same_as(const Rule& other) const {
  return kind == other.kind && name == other.name && expr == other.expr && for_millis == other.for_millis &&
         keep_firing_millis == other.keep_firing_millis && labels == other.labels && annotations == other.annotations;
}

bool RuleGroup::same_as(const RuleGroup& other) const {
  return file == other.file && name == other.name && interval_millis == other.interval_millis &&
         query_offset_millis == other.query_offset_millis && limit == other.limit &&
         std::equal(rules.begin(), rules.end(), other.rules.begin(), other.rules.end(),
                    [](const Rule& a, const Rule& b) { return a.same_as(b); });
}

query::promql::ParseOptions rule_parse_options() {
  promql::ParseOptions options;
  options.extended_range_selectors = true;
  return options;
}

std::vector<RuleGroup> read_rules(const std::string& text, const std::string& file, const RuleFileOptions& options,
                                  yaml::Mistakes& mistakes) {
  if (text.size() > kRuleFileBytesMax) {
    mistakes.push_back({0, "no file of rules: over 16 MiB"});
    return {};
  }
  size_t before = mistakes.size();
  yaml::Tree root = yaml::parse_yaml(text, mistakes);
  if (mistakes.size() > before) return {};
  std::vector<RuleGroup> groups = Reader(file, options, mistakes).read(root);
  std::stable_sort(mistakes.begin() + static_cast<std::ptrdiff_t>(before), mistakes.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return groups;
}

}  // namespace clew::alert
