#include "wire/series_labels.h"

#include <algorithm>
#include <tuple>

namespace clew::wire {

void SeriesLabels::add(From from, std::string_view name, std::string_view value, std::string_view original) {
  if (!name.empty() && !value.empty()) entries_.push_back({name, value, original, from});
}

model::LabelsView SeriesLabels::pack(std::string_view metric, std::string_view name, std::string_view value) {
  sorted_ = entries_;
  sorted_.push_back({model::kMetricNameLabel, metric, {}, From::kOwn});
  if (!name.empty()) sorted_.push_back({name, value, {}, From::kOwn});
  std::sort(sorted_.begin(), sorted_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.name, a.from, a.original) < std::tie(b.name, b.from, b.original);
  });
  packed_.clear();
  for (size_t i = 0; i < sorted_.size();) {
    const Entry& first = sorted_[i];
    size_t next = i + 1;
    std::string_view text = first.value;
    for (; next < sorted_.size() && sorted_[next].name == first.name; ++next) {
      const Entry& other = sorted_[next];
      if (other.from != first.from || other.original == sorted_[next - 1].original) continue;
      if (text.data() != joined_.data()) joined_ = text;
      joined_.append(";").append(other.value);
      text = joined_;
    }
    model::append_packed({first.name, text}, packed_);
    i = next;
  }
  return model::LabelsView(packed_);
}

}  // namespace clew::wire
