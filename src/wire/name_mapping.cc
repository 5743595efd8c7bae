#include "wire/name_mapping.h"

#include "wire/metric_names.h"

namespace clew::wire {
namespace {

constexpr std::string_view kArrow = "=>";
constexpr size_t kTemplatesMax = 1'000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    size_t dot = text.find('.');
    out.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    text.remove_prefix(dot + 1);
  }
}

Error wrong(std::string_view text, std::string_view at, std::string_view what) {
  return Error(Code::kInvalid, "mapping " + quoted(text) + ": column " + std::to_string(at.data() - text.data() + 1) +
                                   ": " + std::string(what));
}

// $1, $2 ... in a text; others stay as they are.
std::string filled(std::string_view text, const std::vector<std::string_view>& stars) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool place = text[i] == '$' && i + 1 < text.size() && text[i + 1] >= '1' && text[i + 1] <= '9';
    if (!place) {
      out.push_back(text[i]);
      continue;
    }
    size_t which = static_cast<size_t>(text[++i] - '1');
    if (which < stars.size()) out.append(stars[which]);
  }
  return out;
}

}  // namespace

Result<NameMappings> NameMappings::parse(const std::vector<std::string>& templates) {
  if (templates.size() > kTemplatesMax) return Error(Code::kInvalid, "more than 1000 mappings");
  NameMappings out;
  for (const std::string& text : templates) {
    Rule rule = CLEW_TRY(parse_one(text));
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

Result<NameMappings::Rule> NameMappings::parse_one(std::string_view text) {
  size_t arrow = text.find(kArrow);
  if (arrow == std::string_view::npos) return wrong(text, text, "write NAME.* => METRIC{label=\"$1\"}");
  Rule rule;
  rule.parts = split(trimmed(text.substr(0, arrow)));
  size_t stars = 0;
  for (size_t i = 0; i < rule.parts.size(); ++i) {
    const std::string& part = rule.parts[i];
    if (part.empty()) return wrong(text, text, "an empty part before =>");
    bool all = part == "**";
    if (all && i + 1 != rule.parts.size()) return wrong(text, text, "** may only be the last part");
    if (part == "*" || all)
      ++stars;
    else if (part.find('*') != std::string::npos)
      return wrong(text, text, "a star is a whole part");
  }
  std::string_view target = trimmed(text.substr(arrow + kArrow.size()));
  size_t brace = target.find('{');
  rule.metric = trimmed(target.substr(0, brace));
  if (rule.metric.empty()) return wrong(text, target, "the metric's name is missing behind =>");
  auto check_places = [&](std::string_view in) -> Status {
    for (size_t i = 0; i + 1 < in.size(); ++i) {
      bool place = in[i] == '$' && in[i + 1] >= '0' && in[i + 1] <= '9';
      if (place && static_cast<size_t>(in[i + 1] - '0') > stars)
        return wrong(text, target, "$" + std::string(1, in[i + 1]) + " with " + std::to_string(stars) + " stars");
    }
    return {};
  };
  CLEW_TRY(check_places(rule.metric));
  if (brace == std::string_view::npos) return rule;
  if (target.back() != '}') return wrong(text, target, "labels that do not end with }");
  std::string_view rest = trimmed(target.substr(brace + 1, target.size() - brace - 2));
  while (!rest.empty()) {
    size_t equals = rest.find("=\"");
    size_t close = equals == std::string_view::npos ? equals : rest.find('"', equals + 2);
    if (close == std::string_view::npos) return wrong(text, rest, "write label=\"value\"");
    std::string name(trimmed(rest.substr(0, equals)));
    std::string value(rest.substr(equals + 2, close - equals - 2));
    if (name.empty() || plain_label_name(name) != name) return wrong(text, rest, "no name of a label");
    CLEW_TRY(check_places(value));
    rule.labels.emplace_back(std::move(name), std::move(value));
    rest = trimmed(rest.substr(close + 1));
    if (rest.empty()) break;
    if (rest.front() != ',') return wrong(text, rest, "a comma between labels");
    rest = trimmed(rest.substr(1));
  }
  return rule;
}

bool NameMappings::map(std::string_view name, Mapped& out) const {
  std::vector<std::string_view> stars;
  for (const Rule& rule : rules_) {
    stars.clear();
    std::string_view rest = name;
    bool fits = true, ended = false;
    for (const std::string& part : rule.parts) {
      if (ended) {
        fits = false;
        break;
      }
      if (part == "**") {
        stars.push_back(rest);
        ended = true;
        break;
      }
      size_t dot = rest.find('.');
      std::string_view here = rest.substr(0, dot);
      if (part != "*" && part != here) {
        fits = false;
        break;
      }
      if (part == "*") stars.push_back(here);
      ended = dot == std::string_view::npos;
      if (!ended) rest.remove_prefix(dot + 1);
    }
    if (!fits || !ended) continue;
    out.metric = filled(rule.metric, stars);
    out.labels.clear();
    for (const auto& [label, value] : rule.labels) out.labels.emplace_back(label, filled(value, stars));
    return true;
  }
  return false;
}

}  // namespace clew::wire
