#include "metricstore/series_index.h"

#include <re2/re2.h>

#include <algorithm>

namespace clew::metricstore {
namespace {

using contract::LabelMatcher;
using contract::MatchOp;

constexpr int64_t kRegexMemoryMax = 8 << 20;
constexpr size_t kGallopRatio = 16;

bool negative(MatchOp op) { return op == MatchOp::kNotEqual || op == MatchOp::kNotRegex; }

std::vector<SeriesId> intersect(const std::vector<SeriesId>& a, const std::vector<SeriesId>& b) {
  const std::vector<SeriesId>& few = a.size() < b.size() ? a : b;
  const std::vector<SeriesId>& many = a.size() < b.size() ? b : a;
  std::vector<SeriesId> out;
  if (many.size() / kGallopRatio <= few.size()) {
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
    return out;
  }
  auto from = many.begin();
  for (SeriesId series : few) {
    from = std::lower_bound(from, many.end(), series);
    if (from == many.end()) break;
    if (*from == series) out.push_back(series);
  }
  return out;
}

// "a|b|c" of plain texts: the values that it can match; nothing when it is more than that.
std::optional<std::vector<std::string>> alternatives(std::string_view regex) {
  if (regex.find_first_of("\\.+*?()[]{}^$") != std::string_view::npos) return std::nullopt;
  std::vector<std::string> values;
  while (true) {
    size_t bar = regex.find('|');
    values.emplace_back(regex.substr(0, bar));
    if (bar == std::string_view::npos) return values;
    regex.remove_prefix(bar + 1);
  }
}

void sort_counts(std::vector<SeriesIndex::Count>& counts) {
  std::sort(counts.begin(), counts.end(),
            [](const auto& a, const auto& b) { return a.count != b.count ? a.count > b.count : a.name < b.name; });
}

}  // namespace

struct ValueMatcher::State {
  MatchOp op = MatchOp::kEqual;
  std::string value;
  std::optional<std::vector<std::string>> values;
  std::unique_ptr<RE2> regex;
};

ValueMatcher::ValueMatcher() : state_(std::make_unique<State>()) {}
ValueMatcher::~ValueMatcher() = default;
ValueMatcher::ValueMatcher(ValueMatcher&&) noexcept = default;
ValueMatcher& ValueMatcher::operator=(ValueMatcher&&) noexcept = default;

Result<ValueMatcher> ValueMatcher::make(const LabelMatcher& matcher) {
  ValueMatcher made;
  made.state_->op = matcher.op;
  made.state_->value = matcher.value;
  if (matcher.op == MatchOp::kEqual || matcher.op == MatchOp::kNotEqual) return made;
  made.state_->values = alternatives(matcher.value);
  if (made.state_->values) return made;
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryMax);
  made.state_->regex = std::make_unique<RE2>(matcher.value, options);
  if (!made.state_->regex->ok()) {
    return Error(Code::kInvalid, "the regular expression " + quoted(matcher.value) + " of label " +
                                     quoted(matcher.name) + ": " + made.state_->regex->error());
  }
  return made;
}

bool ValueMatcher::matches(std::string_view value) const {
  bool found = false;
  if (state_->regex) {
    found = RE2::FullMatch({value.data(), value.size()}, *state_->regex);
  } else if (state_->values) {
    found = std::find(state_->values->begin(), state_->values->end(), value) != state_->values->end();
  } else {
    found = value == state_->value;
  }
  return found != negative(state_->op);
}

SeriesIndex::SeriesIndex() : by_labels_(0, Hash{this}, Equal{this}) {}

std::optional<SeriesIndex::PairId> SeriesIndex::find_pair(std::string_view name, std::string_view value) const {
  const Name* known = find_name(name);
  if (known == nullptr) return std::nullopt;
  auto found = known->values.find(value);
  return found == known->values.end() ? std::nullopt : std::optional(found->second);
}

const SeriesIndex::Name* SeriesIndex::find_name(std::string_view name) const {
  auto found = names_by_text_.find(name);
  return found == names_by_text_.end() ? nullptr : &names_[found->second];
}

SeriesIndex::PairId SeriesIndex::pair_of(model::Label label) {
  auto known = names_by_text_.find(label.name);
  if (known == names_by_text_.end()) {
    names_.push_back({std::string(label.name), {}});
    known = names_by_text_.emplace(names_.back().name, static_cast<uint32_t>(names_.size() - 1)).first;
  }
  Name& name = names_[known->second];
  auto found = name.values.find(label.value);
  if (found != name.values.end()) return found->second;
  auto id = static_cast<PairId>(pairs_.size());
  if (free_pairs_.empty()) {
    pairs_.emplace_back();
  } else {
    id = free_pairs_.back();
    free_pairs_.pop_back();
  }
  Pair& pair = pairs_[id];
  pair.name = known->second;
  pair.value = label.value;
  name.values.emplace(pair.value, id);
  return id;
}

bool SeriesIndex::is(SeriesId series, model::LabelsView labels) const {
  auto [at, end] = pairs_of(series);
  for (model::Label label : labels) {
    if (at == end) return false;
    const Pair& pair = pairs_[series_pairs_[at++]];
    if (pair.value != label.value || names_[pair.name].name != label.name) return false;
  }
  return at == end;
}

std::optional<SeriesId> SeriesIndex::find(model::LabelsView labels) const {
  auto found = by_labels_.find(labels);
  return found == by_labels_.end() ? std::nullopt : std::optional(*found);
}

const std::vector<SeriesId>& SeriesIndex::series_of(const Pair& pair) {
  if (pair.sorted < pair.series.size()) {
    auto middle = pair.series.begin() + pair.sorted;
    std::sort(middle, pair.series.end());
    std::inplace_merge(pair.series.begin(), middle, pair.series.end());
    pair.sorted = static_cast<uint32_t>(pair.series.size());
  }
  return pair.series;
}

SeriesId SeriesIndex::add(model::LabelsView labels) {
  SeriesId series = static_cast<SeriesId>(begins_.size());
  if (free_.empty()) {
    begins_.push_back(0);
    lengths_.push_back(kFree);
    hashes_.push_back(0);
  } else {
    series = free_.back();
    free_.pop_back();
  }
  put(series, labels);
  return series;
}

void SeriesIndex::add_at(SeriesId series, model::LabelsView labels) {
  if (series < begins_.size()) {
    std::erase(free_, series);
  } else {
    for (size_t id = begins_.size(); id < series; ++id) free_.push_back(static_cast<SeriesId>(id));
    begins_.resize(series + size_t{1});
    lengths_.resize(series + size_t{1}, kFree);
    hashes_.resize(series + size_t{1});
  }
  put(series, labels);
}

void SeriesIndex::put(SeriesId series, model::LabelsView labels) {
  begins_[series] = static_cast<uint32_t>(series_pairs_.size());
  for (model::Label label : labels) {
    PairId id = pair_of(label);
    Pair& pair = pairs_[id];
    if (pair.sorted == pair.series.size() && (pair.series.empty() || pair.series.back() < series)) ++pair.sorted;
    pair.series.push_back(series);
    series_pairs_.push_back(id);
  }
  lengths_[series] = static_cast<uint16_t>(series_pairs_.size() - begins_[series]);
  hashes_[series] = model::hash_of(labels);
  by_labels_.insert(series);
}

void SeriesIndex::remove(const std::vector<SeriesId>& series) {
  std::vector<PairId> touched;
  for (SeriesId id : series) {
    by_labels_.erase(id);
    auto [at, end] = pairs_of(id);
    garbage_ += end - at;
    touched.insert(touched.end(), series_pairs_.begin() + static_cast<ptrdiff_t>(at),
                   series_pairs_.begin() + static_cast<ptrdiff_t>(end));
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (PairId id : touched) {
    Pair& pair = pairs_[id];
    std::vector<SeriesId> rest;
    const std::vector<SeriesId>& all = series_of(pair);
    std::set_difference(all.begin(), all.end(), series.begin(), series.end(), std::back_inserter(rest));
    rest.shrink_to_fit();
    pair.series = std::move(rest);
    pair.sorted = static_cast<uint32_t>(pair.series.size());
    if (!pair.series.empty()) continue;
    names_[pair.name].values.erase(pair.value);
    pair.value = std::string();
    free_pairs_.push_back(id);
  }
  for (SeriesId id : series) lengths_[id] = kFree;
  free_.insert(free_.end(), series.begin(), series.end());
  if (garbage_ > series_pairs_.size() / 2) drop_garbage();
}

void SeriesIndex::drop_garbage() {
  std::vector<PairId> kept;
  kept.reserve(series_pairs_.size() - garbage_);
  for (size_t id = 0; id < begins_.size(); ++id) {
    auto [at, end] = pairs_of(static_cast<SeriesId>(id));
    begins_[id] = static_cast<uint32_t>(kept.size());
    kept.insert(kept.end(), series_pairs_.begin() + static_cast<ptrdiff_t>(at),
                series_pairs_.begin() + static_cast<ptrdiff_t>(end));
  }
  series_pairs_ = std::move(kept);
  garbage_ = 0;
}

size_t SeriesIndex::series_of_metric(std::string_view metric) const {
  std::optional<PairId> pair = find_pair(model::kMetricNameLabel, metric);
  return pair ? pairs_[*pair].series.size() : 0;
}

size_t SeriesIndex::values_of_label(std::string_view name) const {
  const Name* known = find_name(name);
  return known == nullptr ? 0 : known->values.size();
}

void SeriesIndex::append_labels(SeriesId series, std::string& packed) const {
  auto [at, end] = pairs_of(series);
  for (; at < end; ++at) {
    const Pair& pair = pairs_[series_pairs_[at]];
    model::append_packed({names_[pair.name].name, pair.value}, packed);
  }
}

std::string_view SeriesIndex::label_value(SeriesId series, std::string_view name) const {
  auto known = names_by_text_.find(name);
  if (known == names_by_text_.end()) return {};
  auto [at, end] = pairs_of(series);
  for (; at < end; ++at) {
    const Pair& pair = pairs_[series_pairs_[at]];
    if (pair.name == known->second) return pair.value;
  }
  return {};
}

std::vector<SeriesId> SeriesIndex::with_value(const LabelMatcher& matcher, const ValueMatcher& values,
                                              bool matching) const {
  std::vector<SeriesId> out;
  const Name* name = find_name(matcher.name);
  if (name == nullptr) return out;
  if (matcher.op == MatchOp::kEqual && matching) {
    auto pair = name->values.find(matcher.value);
    if (pair != name->values.end()) out = series_of(pairs_[pair->second]);
    return out;
  }
  size_t lists = 0;
  for (const auto& [value, pair] : name->values) {
    if (values.matches(value) != matching) continue;
    const std::vector<SeriesId>& series = series_of(pairs_[pair]);
    out.insert(out.end(), series.begin(), series.end());
    ++lists;
  }
  if (lists > 1) std::sort(out.begin(), out.end());
  return out;
}

Result<std::vector<SeriesId>> SeriesIndex::select(const std::vector<LabelMatcher>& matchers) const {
  std::optional<std::vector<SeriesId>> found;
  std::vector<std::vector<SeriesId>> without;
  for (const LabelMatcher& matcher : matchers) {
    ValueMatcher value = CLEW_TRY(ValueMatcher::make(matcher));
    if (value.matches({})) {
      // Series without the label match too: those whose value does not are taken away.
      std::vector<SeriesId> others = with_value(matcher, value, false);
      if (!others.empty()) without.push_back(std::move(others));
      continue;
    }
    std::vector<SeriesId> having = with_value(matcher, value, true);
    found = found ? intersect(*found, having) : std::move(having);
    if (found->empty()) return std::vector<SeriesId>();
  }
  if (!found) {
    found.emplace();
    for (size_t i = 0; i < end(); ++i) {
      if (!is_free(static_cast<SeriesId>(i))) found->push_back(static_cast<SeriesId>(i));
    }
  }
  for (const std::vector<SeriesId>& others : without) {
    std::vector<SeriesId> rest;
    std::set_difference(found->begin(), found->end(), others.begin(), others.end(), std::back_inserter(rest));
    found = std::move(rest);
  }
  return std::move(*found);
}

std::vector<std::string> SeriesIndex::label_names() const {
  std::vector<std::string> names;
  for (const auto& [text, id] : names_by_text_) {
    if (!names_[id].values.empty()) names.emplace_back(text);
  }
  return names;
}

std::vector<std::string> SeriesIndex::label_values(std::string_view name) const {
  std::vector<std::string> values;
  const Name* known = find_name(name);
  if (known == nullptr) return values;
  for (const auto& [text, pair] : known->values) values.emplace_back(text);
  return values;
}

std::vector<SeriesIndex::Count> SeriesIndex::series_by_metric() const {
  std::vector<Count> counts;
  const Name* metric = find_name(model::kMetricNameLabel);
  if (metric == nullptr) return counts;
  for (const auto& [text, pair] : metric->values) counts.push_back({std::string(text), pairs_[pair].series.size()});
  sort_counts(counts);
  return counts;
}

std::vector<SeriesIndex::Count> SeriesIndex::values_by_label() const {
  std::vector<Count> counts;
  for (const Name& name : names_) {
    if (!name.values.empty()) counts.push_back({name.name, name.values.size()});
  }
  sort_counts(counts);
  return counts;
}

std::vector<SeriesIndex::Count> SeriesIndex::series_by_pair() const {
  std::vector<Count> counts;
  for (const Pair& pair : pairs_) {
    if (!pair.series.empty()) counts.push_back({names_[pair.name].name + "=" + pair.value, pair.series.size()});
  }
  sort_counts(counts);
  return counts;
}

size_t SeriesIndex::memory_bytes() const {
  size_t bytes = series_pairs_.capacity() * sizeof(PairId) + begins_.capacity() * 6 + hashes_.capacity() * 8 +
                 free_.capacity() * 4 + by_labels_.capacity() * (sizeof(SeriesId) + 1);
  for (const Pair& pair : pairs_)
    bytes += sizeof(Pair) + pair.value.capacity() + pair.series.capacity() * sizeof(SeriesId) + 64;
  return bytes;
}

}  // namespace clew::metricstore
