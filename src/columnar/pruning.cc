#include "columnar/pruning.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>

#include "columnar/stats.h"
#include "columnar/token_index.h"
#include "model/batch.h"
#include "model/field_type.h"
#include "text/words.h"

namespace clew::columnar {

namespace {

using contract::Predicate;
using model::Type;
using model::Value;

// Evaluates a predicate to "which row groups may match".
class Pruner {
 public:
  Pruner(const PruneInput& in, contract::ScanStats& stats) : in_(in), stats_(stats) {}

  using Maybe = std::vector<bool>;

  Maybe by_stats(const Predicate& p) {
    return combine(p, [&](const Predicate& leaf) {
      Maybe maybe(in_.groups.size());
      for (size_t g = 0; g < maybe.size(); ++g) maybe[g] = leaf_by_stats(leaf, *in_.groups[g]);
      return maybe;
    });
  }

  Maybe by_index(const Predicate& p) {
    return combine(p, [&](const Predicate& leaf) { return leaf_by_index(leaf); });
  }

 private:
  template <class F>
  Maybe combine(const Predicate& p, F leaf) {
    if (p.op != Predicate::Op::kAll && p.op != Predicate::Op::kAny) return leaf(p);
    if (p.children.empty()) return Maybe(in_.groups.size(), true);
    bool all = p.op == Predicate::Op::kAll;
    Maybe maybe(in_.groups.size(), all);
    for (const Predicate& child : p.children) {
      Maybe some = combine(child, leaf);
      for (size_t g = 0; g < maybe.size(); ++g) maybe[g] = all ? maybe[g] && some[g] : maybe[g] || some[g];
    }
    return maybe;
  }

  bool leaf_by_stats(const Predicate& leaf, const RowGroup& group) const;
  Maybe leaf_by_index(const Predicate& leaf);
  Maybe words_in_index(const std::vector<std::string>& words);
  Maybe lookup(uint64_t hash);
  void spare_derived(std::string_view field, Maybe& maybe) const;

  const PruneInput& in_;
  contract::ScanStats& stats_;
  std::map<uint64_t, Maybe> known_;
};

// The number that a value stands for when it is compared with numbers or times; empty when it is none of them.
std::optional<double> number_of_value(const Value& v) {
  switch (v.type()) {
    case Type::kInt:
    case Type::kLong:
    case Type::kTimestamp: return static_cast<double>(v.i64());
    case Type::kULong: return static_cast<double>(static_cast<uint64_t>(v.i64()));
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kDecimal: return number_of(model::Kind::kDecimal, v.i64(), v.scale());
    default: return std::nullopt;
  }
}

struct Span {
  double min = 0;
  double max = 0;
};

// Least and greatest number of a chunk whose every value is a number (or, for times, a time).
std::optional<Span> span_of(const Chunk& chunk, bool times) {
  bool has_times = chunk.kinds >> static_cast<int>(model::Kind::kTime) & 1;
  bool has_bools = chunk.kinds >> static_cast<int>(model::Kind::kBool) & 1;
  if (has_times != times || has_bools) return std::nullopt;
  if (chunk.stats.form == StatsForm::kNumbers) return Span{chunk.stats.number_min, chunk.stats.number_max};
  if (chunk.stats.form != StatsForm::kInts) return std::nullopt;
  return Span{static_cast<double>(chunk.stats.int_min), static_cast<double>(chunk.stats.int_max)};
}

// Doubles may have rounded either side; a step outwards keeps every value inside.
bool may_hold(Predicate::Op op, Span span, double v) {
  double low = std::nextafter(span.min, -INFINITY);
  double high = std::nextafter(span.max, INFINITY);
  switch (op) {
    case Predicate::Op::kEquals:
    case Predicate::Op::kIn: return v >= low && v <= high;
    case Predicate::Op::kLess:
    case Predicate::Op::kLessEq: return low <= v;
    case Predicate::Op::kGreater:
    case Predicate::Op::kGreaterEq: return high >= v;
    default: return true;
  }
}

bool Pruner::leaf_by_stats(const Predicate& leaf, const RowGroup& group) const {
  if (leaf.field.empty() || (leaf.field.starts_with('_') && leaf.field != model::kRawField)) return true;
  Result<StepsPtr> steps = group.names().steps(leaf.field);
  if (!steps.ok()) return true;
  if ((*steps)->empty()) return false;  // no row has the field, and no comparison with null holds
  if (leaf.values.empty() || (*steps)->size() > 1 || (**steps)[0].how != model::Derive::kCopy) return true;
  const std::string& source = (**steps)[0].source;
  const Chunk* chunk = group.directory().find(source);
  if (!chunk || group.names().maybe_in_rest(source)) return true;
  for (const Value& value : leaf.values) {
    std::optional<double> number = number_of_value(value);
    std::optional<Span> span = number ? span_of(*chunk, value.type() == Type::kTimestamp) : std::nullopt;
    if (!span || std::isnan(*number) || may_hold(leaf.op, *span, *number)) return true;
  }
  return false;
}

Pruner::Maybe Pruner::lookup(uint64_t hash) {
  auto it = known_.find(hash);
  if (it != known_.end()) return it->second;
  Result<Maybe> found = look_up(*in_.file, in_.index, hash, in_.groups.size(), stats_);
  Maybe maybe = found.ok() ? std::move(found).take() : Maybe(in_.groups.size(), true);
  return known_.emplace(hash, std::move(maybe)).first->second;
}

Pruner::Maybe Pruner::words_in_index(const std::vector<std::string>& words) {
  Maybe maybe(in_.groups.size(), true);
  for (const std::string& word : words) {
    if (!indexable(word)) continue;
    Maybe some = lookup(index_hash(word));
    for (size_t g = 0; g < maybe.size(); ++g) maybe[g] = maybe[g] && some[g];
  }
  return maybe;
}

// Words that stand whole inside of a substring: those that something other than a word surrounds.
std::vector<std::string> inner_words(std::string_view text) {
  size_t begin = 0;
  size_t end = text.size();
  auto joins = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<uint8_t>(c) > 0x7f;
  };
  while (begin < end && joins(text[begin])) ++begin;
  while (end > begin && joins(text[end - 1])) --end;
  return text::words_of(text.substr(begin, end - begin));
}

// Fields that compare by severity, in any spelling of a level.
bool is_level(std::string_view field) {
  return field == "level" || field == "severity" || field == "severityText" || field == "log.level";
}

// A derived value ("error" of 17) need not be a word that the event has; levels compare by severity in any spelling.
void Pruner::spare_derived(std::string_view field, Maybe& maybe) const {
  if (is_level(field)) maybe.assign(maybe.size(), true);
  if (field.empty() || !model::is_canonical(field)) return;
  for (size_t g = 0; g < maybe.size(); ++g) {
    if (maybe[g]) continue;
    Result<StepsPtr> steps = in_.groups[g]->names().steps(field);
    bool copies = steps.ok() && std::all_of((*steps)->begin(), (*steps)->end(), [](const auto& step) {
                    return step.how == model::Derive::kCopy || step.how == model::Derive::kText;
                  });
    maybe[g] = !copies;
  }
}

Pruner::Maybe Pruner::leaf_by_index(const Predicate& leaf) {
  Maybe maybe(in_.groups.size(), true);
  if (in_.index.hash_bits == 0 || leaf.values.empty()) return maybe;
  if (leaf.field.starts_with('_') && leaf.field != model::kRawField) return maybe;
  bool texts =
      std::all_of(leaf.values.begin(), leaf.values.end(), [](const Value& v) { return v.type() == Type::kString; });
  if (!texts) return maybe;
  switch (leaf.op) {
    case Predicate::Op::kPhrase:
    case Predicate::Op::kEquals: maybe = words_in_index(text::words_of(leaf.values[0].text())); break;
    case Predicate::Op::kContains: maybe = words_in_index(inner_words(leaf.values[0].text())); break;
    case Predicate::Op::kIn: {
      maybe.assign(in_.groups.size(), false);
      for (const Value& v : leaf.values) {
        Maybe some = words_in_index(text::words_of(v.text()));
        for (size_t g = 0; g < maybe.size(); ++g) maybe[g] = maybe[g] || some[g];
      }
      break;
    }
    default: return maybe;
  }
  spare_derived(leaf.field, maybe);
  return maybe;
}

}  // namespace

Result<std::vector<bool>> prune(const PruneInput& in, const Predicate& where, contract::ScanStats& stats) {
  Pruner pruner(in, stats);
  std::vector<bool> maybe = pruner.by_stats(where);
  auto left = static_cast<uint64_t>(std::count(maybe.begin(), maybe.end(), true));
  stats.granules_pruned_by_stats.fetch_add(maybe.size() - left, std::memory_order_relaxed);
  if (left == 0) return maybe;
  std::vector<bool> indexed = pruner.by_index(where);
  for (size_t g = 0; g < maybe.size(); ++g) {
    if (!maybe[g] || indexed[g]) continue;
    maybe[g] = false;
    stats.granules_pruned_by_index.fetch_add(1, std::memory_order_relaxed);
  }
  return maybe;
}

namespace {

struct Seen {
  std::map<model::Type, uint64_t> types;
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  model::Origins origins = 0;
};

}  // namespace

std::vector<contract::FieldInfo> fields_of(std::span<const RowGroup* const> groups) {
  std::map<std::string, Seen, std::less<>> seen;
  auto note = [&](std::string_view name, model::Type type, uint64_t values, const RowGroup& group) {
    auto it = seen.find(name);
    if (it == seen.end()) it = seen.emplace(std::string(name), Seen{}).first;
    if (type != model::Type::kNull) it->second.types[type] += values;
    it->second.first = std::min(it->second.first, group.time_min());
    it->second.last = std::max(it->second.last, group.time_max());
  };
  for (const RowGroup* group : groups) {
    for (const Chunk& chunk : group->directory().chunks) {
      if (chunk.name.starts_with('_')) continue;
      // How the values divide among several kinds is not kept; each counts as the share it would have.
      auto kinds = static_cast<uint64_t>(__builtin_popcount(chunk.kinds));
      for (int k = 0; k < 16; ++k) {
        if (chunk.kinds >> k & 1)
          note(chunk.name, model::type_of(static_cast<model::Kind>(k)), chunk.values / kinds + 1, *group);
      }
      if (auto it = seen.find(chunk.name); it != seen.end()) it->second.origins |= chunk.origins;
    }
    Result<std::vector<RestName>> rest = read_rest_table(group->directory().rest_table);
    if (!rest.ok()) continue;
    for (const RestName& r : *rest) {
      for (int k = 0; k < 16; ++k) {
        if (r.kinds >> k & 1) note(r.name, model::type_of(static_cast<model::Kind>(k)), 1, *group);
      }
    }
  }
  std::vector<contract::FieldInfo> out;
  for (auto& [name, s] : seen) {
    contract::FieldInfo info;
    info.name = name;
    info.first_seen = s.first;
    info.last_seen = s.last;
    info.origins = s.origins;
    std::vector<std::pair<uint64_t, model::Type>> order;
    for (auto [type, count] : s.types) order.emplace_back(count, type);
    std::sort(order.rbegin(), order.rend());
    for (auto [count, type] : order) info.types.push_back(type);
    out.push_back(std::move(info));
  }
  return out;
}

}  // namespace clew::columnar
