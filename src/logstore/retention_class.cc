#include "logstore/retention_class.h"

#include <algorithm>
#include <set>

#include "contract/event_source.h"
#include "logstore/log_store.h"
#include "model/vector.h"

namespace clew::logstore {
namespace {

constexpr size_t kMatchBytesMax = 512;

// The text that a rule's value is compared with; empty for what no rule can mean.
std::string text_of(const model::Value& value) {
  switch (value.type()) {
    case model::Type::kString:
    case model::Type::kIp: return value.text();
    case model::Type::kBool: return value.i64() != 0 ? "true" : "false";
    case model::Type::kInt:
    case model::Type::kLong: return std::to_string(value.i64());
    case model::Type::kULong: return std::to_string(static_cast<uint64_t>(value.i64()));
    default: return {};
  }
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kClassNameBytesMax || name == kDefaultClass) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Status mark_block(const contract::Granule& granule, uint32_t block, const ClassRule& rule, uint8_t index,
                  std::vector<uint8_t>& classes) {
  contract::ScanStats stats;
  model::Selection rows;
  granule.alive(block, rows);
  if (rows.empty()) return {};
  model::VectorPtr values = CLEW_TRY(granule.column(rule.field, block, rows, stats));
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (!values->is_null(i) && text_of(values->value(i)) == rule.value) classes[rows[i]] = index;
  }
  return {};
}

const ClassRule* find_rule(const DatasetSettings& settings, std::string_view name) {
  auto found = std::find_if(settings.classes.begin(), settings.classes.end(),
                            [&](const ClassRule& rule) { return rule.name == name; });
  return found == settings.classes.end() ? nullptr : &*found;
}

}  // namespace

Status check_class_rules(const std::vector<ClassRule>& rules) {
  if (rules.size() > kClassRulesMax) {
    return Error(Code::kInvalid, "a dataset has at most " + std::to_string(kClassRulesMax) + " retention classes");
  }
  std::set<std::string_view> names;
  for (const ClassRule& rule : rules) {
    if (!is_name(rule.name)) {
      return Error(Code::kInvalid, "retention class " + quoted(rule.name) +
                                       ": a name has 1 to 64 letters, digits, _ and -, and is not \"default\"");
    }
    if (!names.insert(rule.name).second)
      return Error(Code::kInvalid, "retention class " + quoted(rule.name) + " twice");
    bool fits = !rule.field.empty() && !rule.value.empty() && rule.field.size() <= kMatchBytesMax &&
                rule.value.size() <= kMatchBytesMax;
    if (!fits) {
      return Error(Code::kInvalid,
                   "retention class " + quoted(rule.name) + ": say which events, FIELD=VALUE, each 1 to 512 bytes");
    }
    if (rule.rule.hot_days > rule.rule.total_days) {
      return Error(Code::kInvalid, "retention class " + quoted(rule.name) + ": more hot days than days in all");
    }
  }
  return {};
}

Classifier::Classifier(const std::vector<ClassRule>& rules) {
  for (const ClassRule& rule : rules) by_weight_.push_back(&rule);
  // 0 days in all: kept for ever.
  auto weight = [](const ClassRule* r) { return r->rule.total_days == 0 ? UINT32_MAX : r->rule.total_days; };
  std::sort(by_weight_.begin(), by_weight_.end(), [&](const ClassRule* a, const ClassRule* b) {
    if (weight(a) != weight(b)) return weight(a) < weight(b);
    return a->name > b->name;
  });
}

std::string Classifier::name(size_t index) const {
  return index == 0 ? std::string(kDefaultClass) : by_weight_[index - 1]->name;
}

Result<std::vector<uint8_t>> Classifier::classes_of(const columnar::RowSource& rows) const {
  if (by_weight_.empty()) return std::vector<uint8_t>();
  std::vector<uint8_t> classes(rows.rows(), 0);
  contract::GranulePtr granule = rows.granule(Seq(UINT64_MAX), nullptr);
  for (size_t r = 0; r < by_weight_.size(); ++r) {
    for (uint32_t block = 0; block * contract::kBlockRows < granule->rows(); ++block) {
      CLEW_TRY(mark_block(*granule, block, *by_weight_[r], static_cast<uint8_t>(r + 1), classes));
    }
  }
  return classes;
}

bool has_class_rule(const DatasetSettings& settings, std::string_view retention_class) {
  return find_rule(settings, retention_class) != nullptr;
}

RetentionRule rule_of_class(const DatasetSettings& settings, std::string_view retention_class,
                            const RetentionRule& otherwise) {
  if (const ClassRule* rule = find_rule(settings, retention_class)) return rule->rule;
  return settings.retention.value_or(otherwise);
}

}  // namespace clew::logstore
