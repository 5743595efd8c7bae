#include "scrape/relabel.h"

#include <openssl/evp.h>
#include <re2/re2.h>

#include <array>
#include <charconv>
#include <utility>

#include "text/utf8.h"

namespace clew::scrape {
namespace {

constexpr std::pair<std::string_view, RelabelAction> kActions[] = {
    {"replace", RelabelAction::kReplace},     {"keep", RelabelAction::kKeep},
    {"drop", RelabelAction::kDrop},           {"keepequal", RelabelAction::kKeepEqual},
    {"dropequal", RelabelAction::kDropEqual}, {"hashmod", RelabelAction::kHashMod},
    {"labelmap", RelabelAction::kLabelMap},   {"labeldrop", RelabelAction::kLabelDrop},
    {"labelkeep", RelabelAction::kLabelKeep}, {"lowercase", RelabelAction::kLowercase},
    {"uppercase", RelabelAction::kUppercase},
};
constexpr int kGroupsMax = 64;  // of a regular expression that a replacement may name

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// The last eight of MD5's sixteen bytes, big endian: what Prometheus shards by.
uint64_t shard_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_md5(), nullptr);
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = hash << 8 | digest[i];
  return hash;
}

// A regular expression that matched, and what its groups hold.
struct Matched {
  explicit Matched(const re2::RE2& of) : regex(of) {}
  bool match(std::string_view text) {
    int wanted = std::min(regex.NumberOfCapturingGroups() + 1, kGroupsMax);
    return regex.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                       wanted);
  }
  // Of `1` or a name; empty when there is none.
  std::string_view group(std::string_view name) const {
    size_t number = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) {
      auto found = regex.NamedCapturingGroups().find(std::string(name));
      if (found == regex.NamedCapturingGroups().end()) return {};
      number = static_cast<size_t>(found->second);
    }
    if (number >= groups.size()) return {};
    return {groups[number].data(), groups[number].size()};
  }
  // $1, ${1}, $name, ${name}; $$ stands for $.
  std::string expanded(std::string_view form) const {
    std::string out;
    for (size_t at = 0; at < form.size();) {
      if (form[at] != '$') {
        out += form[at++];
        continue;
      }
      std::string_view rest = form.substr(at + 1);
      bool braced = rest.starts_with('{');
      size_t end = braced ? 1 : 0;
      while (end < rest.size() && is_word(rest[end])) ++end;
      std::string_view name = rest.substr(braced ? 1 : 0, end - (braced ? 1 : 0));
      bool whole = !name.empty() && (!braced || (end < rest.size() && rest[end] == '}'));
      if (!whole) {
        out += '$';
        at += rest.starts_with('$') ? 2 : 1;
        continue;
      }
      out += group(name);
      at += 1 + end + (braced ? 1 : 0);
    }
    return out;
  }

  const re2::RE2& regex;
  std::array<re2::StringPiece, kGroupsMax> groups{};
};

bool matches(const re2::RE2& regex, std::string_view text) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// ASCII letters.
std::string folded(std::string_view text, bool upper) {
  std::string out;
  for (char c : text) {
    bool change = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
    out += change ? static_cast<char>(c ^ 0x20) : c;
  }
  return out;
}

Error lacks(const char* action, const char* what) {
  return Error(Code::kInvalid, std::string("the relabel action ") + action + " needs " + what);
}

}  // namespace

std::optional<RelabelAction> relabel_action_of(std::string_view name) {
  std::string lower = folded(name, false);
  for (const auto& [known, action] : kActions) {
    if (known == lower) return action;
  }
  return std::nullopt;
}

Result<RelabelRule> RelabelRule::make(RelabelOptions options) {
  const char* name = "";
  for (const auto& [known, action] : kActions) {
    if (action == options.action) name = known.data();
  }
  switch (options.action) {
    case RelabelAction::kReplace:
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
    case RelabelAction::kHashMod:
      if (options.target_label.empty()) return lacks(name, "target_label");
      break;
    default: break;
  }
  if (options.action == RelabelAction::kHashMod && options.modulus == 0) return lacks(name, "modulus");
  re2::RE2::Options how;
  how.set_dot_nl(true);
  how.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(options.regex, how);
  if (!regex->ok()) return Error(Code::kInvalid, "regex " + quoted(options.regex) + ": " + regex->error());
  return RelabelRule(std::move(options), std::move(regex));
}

std::string RelabelRule::joined(const LabelSet& labels) const {
  std::string out;
  for (const std::string& name : options_.source_labels) {
    if (&name != &options_.source_labels.front()) out += options_.separator;
    out += labels.get(name);
  }
  return out;
}

void RelabelRule::replace(LabelSet& labels, const std::string& value) const {
  Matched matched(*regex_);
  if (!matched.match(value)) return;
  std::string target = matched.expanded(options_.target_label);
  if (target.empty() || !text::is_valid_utf8(target)) return;
  labels.set(target, matched.expanded(options_.replacement));
}

void RelabelRule::map_names(LabelSet& labels) const {
  LabelSet::Pairs before = labels.pairs();
  for (const auto& [name, value] : before) {
    Matched matched(*regex_);
    if (!matched.match(name)) continue;
    std::string target = matched.expanded(options_.replacement);
    if (!target.empty()) labels.set(target, value);
  }
}

bool RelabelRule::apply(LabelSet& labels) const {
  std::string value = joined(labels);
  switch (options_.action) {
    case RelabelAction::kReplace: replace(labels, value); return true;
    case RelabelAction::kKeep: return matches(*regex_, value);
    case RelabelAction::kDrop: return !matches(*regex_, value);
    case RelabelAction::kKeepEqual: return labels.get(options_.target_label) == value;
    case RelabelAction::kDropEqual: return labels.get(options_.target_label) != value;
    case RelabelAction::kHashMod:
      labels.set(options_.target_label, std::to_string(shard_hash(value) % options_.modulus));
      return true;
    case RelabelAction::kLabelMap: map_names(labels); return true;
    case RelabelAction::kLabelDrop:
      labels.remove_if([this](const std::string& name) { return matches(*regex_, name); });
      return true;
    case RelabelAction::kLabelKeep:
      labels.remove_if([this](const std::string& name) { return !matches(*regex_, name); });
      return true;
    case RelabelAction::kLowercase: labels.set(options_.target_label, folded(value, false)); return true;
    case RelabelAction::kUppercase: labels.set(options_.target_label, folded(value, true)); return true;
  }
  return true;
}

bool relabel(const std::vector<RelabelRule>& rules, LabelSet& labels) {
  for (const RelabelRule& rule : rules) {
    if (!rule.apply(labels)) return false;
  }
  return true;
}

}  // namespace clew::scrape
