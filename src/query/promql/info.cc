// info(): adds the labels of info series (target_info by default) to the series that they describe.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include <map>
#include <set>

#include "query/promql/evaluator.h"
#include "query/promql/matcher.h"

namespace clew::query::promql {
namespace {

constexpr std::string_view kTargetInfo = "target_info";
constexpr std::string_view kIdentifying[] = {"instance", "job"};

// When the info series are looked at: as the first selector of the argument is.
struct Reference {
  AtModifier at;
  int64_t offset = 0;
};

bool find_reference(const Expr& expr, Reference& reference) {
  if (expr.kind == ExprKind::kSelector) {
    const auto& selected = as<SelectorExpr>(expr);
    if (selected.at.set()) reference = {selected.at, 0};
    reference.offset += selected.offset_millis;
    return true;
  }
  if (expr.kind == ExprKind::kSubquery) {
    const auto& subquery = as<SubqueryExpr>(expr);
    if (subquery.at.set()) reference = {subquery.at, 0};
    reference.offset += subquery.offset_millis;
  }
  for (const Expr* child : children_of(expr)) {
    Reference inner = reference;
    if (!find_reference(*child, inner)) continue;
    reference = inner;
    return true;
  }
  return false;
}

bool all_match(const std::vector<Matcher>& matchers, std::string_view value) {
  for (const Matcher& matcher : matchers) {
    if (!matcher.matches(value)) return false;
  }
  return true;
}

}  // namespace

class InfoJoin {
 public:
  InfoJoin(Evaluator& evaluator, const CallExpr& expr, const Grid& grid)
      : evaluator_(evaluator), expr_(expr), grid_(grid) {}

  Result<StreamPtr> run() {
    CLEW_TRY(read_matchers());
    base_ = CLEW_TRY(evaluator_.block(*expr_.args[0], grid_));
    std::vector<bool> is_info(base_->rows.size());
    for (size_t i = 0; i < base_->rows.size(); ++i)
      is_info[i] = all_match(name_matchers_, base_->rows[i].labels.metric_name());
    CLEW_TRY(read_infos(is_info));
    for (size_t i = 0; i < base_->rows.size(); ++i) CLEW_TRY(enrich(base_->rows[i], is_info[i]));
    std::erase_if(made_->rows, [](const Block::Row& row) { return !row.column.any(); });
    CLEW_TRY(join_same_labels(*made_));
    uint64_t bytes = 0;
    for (const Block::Row& row : made_->rows) bytes += row.column.bytes();
    CLEW_TRY(made_->held.add(evaluator_.context_, bytes));
    return StreamPtr(std::move(made_));
  }

 private:
  Status read_matchers() {
    if (expr_.args.size() > 1) {
      for (const contract::LabelMatcher& given : as<SelectorExpr>(*expr_.args[1]).matchers) {
        Matcher matcher = CLEW_TRY(Matcher::make(given));
        if (given.name == model::kMetricNameLabel) {
          name_matchers_.push_back(std::move(matcher));
        } else {
          data_matchers_[given.name].push_back(std::move(matcher));
        }
      }
    }
    if (name_matchers_.empty()) {
      Matcher target = CLEW_TRY(
          Matcher::make({contract::MatchOp::kEqual, std::string(model::kMetricNameLabel), std::string(kTargetInfo)}));
      name_matchers_.push_back(std::move(target));
    }
    return ok_status();
  }

  // One matcher for each identifying label: any of the values that the base series have.
  std::vector<contract::LabelMatcher> identifying_matchers(const std::vector<bool>& is_info) const {
    std::vector<contract::LabelMatcher> matchers;
    for (std::string_view name : kIdentifying) {
      std::set<std::string_view> values;
      for (size_t i = 0; i < base_->rows.size(); ++i) {
        std::string_view value = base_->rows[i].labels.get(name);
        if (!is_info[i] && !value.empty()) values.insert(value);
      }
      if (values.empty()) continue;
      std::string pattern;
      for (std::string_view value : values) {
        if (!pattern.empty()) pattern += '|';
        pattern += re2::RE2::QuoteMeta({value.data(), value.size()});
      }
      matchers.push_back({contract::MatchOp::kRegex, std::string(name), std::move(pattern)});
    }
    return matchers;
  }

  Status read_infos(const std::vector<bool>& is_info) {
    std::vector<contract::LabelMatcher> matchers = identifying_matchers(is_info);
    if (matchers.empty()) return ok_status();
    for (const Matcher& matcher : name_matchers_) matchers.push_back(matcher.of());
    for (const auto& [name, each] : data_matchers_) {
      for (const Matcher& matcher : each) matchers.push_back(matcher.of());
    }
    Reference reference;
    find_reference(*expr_.args[0], reference);
    selector_.span = expr_.span;
    selector_.matchers = std::move(matchers);
    selector_.at = reference.at;
    selector_.offset_millis = reference.offset;
    StreamPtr times = CLEW_TRY(evaluator_.selector(selector_, grid_, Evaluator::Wanted::kTimes, "info"));
    StreamPtr values = CLEW_TRY(evaluator_.selector(selector_, grid_, Evaluator::Wanted::kValues, "info"));
    infos_ = CLEW_TRY(collect(evaluator_.context_, *times));
    BlockPtr samples = CLEW_TRY(collect(evaluator_.context_, *values));
    for (const Block::Row& row : samples->rows) {
      if (!row.column.histograms.empty()) return Error(Code::kInvalid, "info sample should be float");
    }
    for (size_t i = 0; i < infos_->rows.size(); ++i) {
      const model::Labels& labels = infos_->rows[i].labels;
      by_identity_[identity(labels)][std::string(labels.metric_name())].push_back(i);
    }
    return ok_status();
  }

  static std::string identity(model::LabelsView labels) {
    std::string key;
    for (std::string_view name : kIdentifying) {
      key += labels.get(name);
      key += '\0';
    }
    return key;
  }

  // The newest of the info series of one name at a step; -1 without one.
  Result<int64_t> newest(const std::vector<size_t>& candidates, size_t step) const {
    int64_t best = -1;
    for (size_t i : candidates) {
      double time = infos_->rows[i].column.values[step];
      if (is_absent(time)) continue;
      if (best < 0 || time > infos_->rows[static_cast<size_t>(best)].column.values[step]) {
        best = static_cast<int64_t>(i);
        continue;
      }
      const Block::Row& other = infos_->rows[static_cast<size_t>(best)];
      if (time == other.column.values[step]) {
        auto millis = static_cast<int64_t>(time * 1000);
        return Error(Code::kInvalid,
                     fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                                 model::to_text(other.labels), millis, model::to_text(infos_->rows[i].labels), millis));
      }
    }
    return best;
  }

  bool empty_matches_all() const {
    for (const auto& [name, matchers] : data_matchers_) {
      if (!all_match(matchers, "")) return false;
    }
    return true;
  }

  // The base's labels with those of the infos that are there.
  Result<model::Labels> joined_labels(const model::Labels& base, const std::vector<int64_t>& infos) const {
    model::LabelsBuilder builder(base);
    std::map<std::string_view, std::string_view> added;
    for (int64_t i : infos) {
      for (model::Label label : infos_->rows[static_cast<size_t>(i)].labels) {
        if (label.name == model::kMetricNameLabel) continue;
        if (!data_matchers_.empty() && data_matchers_.find(std::string(label.name)) == data_matchers_.end()) continue;
        auto [at, fresh] = added.emplace(label.name, label.value);
        if (!fresh && at->second != label.value) {
          return Error(Code::kInvalid, fmt::format("conflicting label: {}", label.name));
        }
        if (base.get(label.name).empty()) builder.set(label.name, label.value);
      }
    }
    return builder.build();
  }

  void put(const Block::Row& base, model::Labels labels, size_t step) {
    auto [at, fresh] = places_.emplace(labels.packed(), made_->rows.size());
    if (fresh) {
      made_->rows.push_back({std::move(labels), base.drops_name, {}});
      made_->rows.back().column.reset(grid_.count);
    }
    Column& column = made_->rows[at->second].column;
    if (base.column.has_histogram(step)) {
      column.set(step, base.column.histograms[step]);
    } else {
      column.values[step] = base.column.values[step];
    }
  }

  Status enrich(const Block::Row& base, bool is_info) {
    auto found = by_identity_.find(identity(base.labels));
    places_.clear();  // two base series with the same result are found by join_same_labels()
    std::vector<int64_t> before;
    model::Labels labels = base.labels;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!base.column.present(step)) continue;
      std::vector<int64_t> infos;
      if (!is_info && found != by_identity_.end()) {
        for (const auto& [name, candidates] : found->second) {
          int64_t info = CLEW_TRY(newest(candidates, step));
          if (info >= 0) infos.push_back(info);
        }
      }
      if (!is_info && infos.empty() && !empty_matches_all()) continue;
      if (infos != before) labels = CLEW_TRY(joined_labels(base.labels, infos));
      before = std::move(infos);
      put(base, labels, step);
    }
    return ok_status();
  }

  Evaluator& evaluator_;
  const CallExpr& expr_;
  Grid grid_;
  std::vector<Matcher> name_matchers_;
  std::map<std::string, std::vector<Matcher>> data_matchers_;
  SelectorExpr selector_;
  BlockPtr base_;
  BlockPtr infos_;
  std::map<std::string, std::map<std::string, std::vector<size_t>>> by_identity_;
  BlockPtr made_ = std::make_unique<Block>();
  absl::flat_hash_map<std::string, size_t> places_;
};

Result<StreamPtr> Evaluator::info(const CallExpr& expr, const Grid& grid) { return InfoJoin(*this, expr, grid).run(); }

}  // namespace clew::query::promql
