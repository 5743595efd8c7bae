#include "topk/counter.h"

#include <algorithm>

namespace clew::topk {

Result<std::unique_ptr<Counter>> Counter::make(const Question& question, Where where, int64_t now) {
  CLEW_TRY(check_question(question));
  std::unique_ptr<Counter> made(new Counter(question));
  if (where == Where::kAsk && !question.where.empty()) {
    Result<std::unique_ptr<feed::Expression>> condition =
        feed::Expression::make(question.where, feed::Expression::Kind::kCondition, now);
    if (!condition.ok()) return std::move(condition).error().at("where");
    made->condition_ = std::move(condition).take();
  }
  return made;
}

Result<Counter::Counted> Counter::count(feed::Block& all, const SketchAt& sketch_at) {
  Counted counted;
  const auto& datasets = question_.datasets;
  if (!datasets.empty() && std::find(datasets.begin(), datasets.end(), all.dataset()) == datasets.end()) return counted;
  std::optional<feed::Block> narrowed;
  if (condition_ != nullptr) {
    model::Selection kept = CLEW_TRY(condition_->filter(all));
    if (kept.empty()) return counted;
    narrowed.emplace(all.narrowed(kept));
  }
  feed::Block& block = narrowed ? *narrowed : all;
  std::vector<feed::Texts> keys;
  for (const std::string& field : question_.by) {
    model::VectorPtr column = CLEW_TRY(block.column(field));
    if (column->type == model::Type::kNull) {
      counted.without = block.rows();
      return counted;
    }
    keys.emplace_back(std::move(column));
  }
  model::VectorPtr weights;
  if (!question_.weight.empty()) weights = CLEW_TRY(block.column(question_.weight));
  model::VectorPtr times = CLEW_TRY(block.column("@timestamp"));
  for (uint32_t row = 0; row < block.rows(); ++row) {
    sketch::SpaceSaving* sketch = sketch_at(times->is_null(row) ? 0 : times->i64[times->at(row)]);
    if (sketch == nullptr) continue;
    bool whole = std::none_of(keys.begin(), keys.end(), [row](const feed::Texts& key) { return key.is_null(row); });
    std::optional<double> weight = weights != nullptr ? feed::number_at(*weights, row) : std::optional<double>(1);
    if (!whole || !weight) {
      ++counted.without;
      continue;
    }
    ++counted.events;
    if (keys.size() == 1) {
      sketch->add(keys[0].at(row), *weight);
      continue;
    }
    key_.clear();
    for (feed::Texts& key : keys) {
      if (&key != &keys.front()) key_.push_back(kPartEnd);
      key_.append(key.at(row));
    }
    sketch->add(key_, *weight);
  }
  return counted;
}

Result<Counter::Counted> Counter::count(feed::Block& block, sketch::SpaceSaving& into) {
  return count(block, [&into](int64_t) { return &into; });
}

}  // namespace clew::topk
