// Labels of a time series: names and values, each name once, in the order of their names' bytes. `__name__` is the
// metric.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::model {

constexpr std::string_view kMetricNameLabel = "__name__";
constexpr size_t kLabelBytesMax = 65'535;  // of a name, and of a value

// A view; lives as long as what it was made from.
struct Label {
  std::string_view name;
  std::string_view value;
  friend auto operator<=>(const Label&, const Label&) = default;
};

// Goes through packed labels: for each a 16-bit length and the name, a 16-bit length and the value (lengths
// little-endian).
class LabelIterator {
 public:
  using value_type = Label;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using pointer = void;
  using reference = Label;

  LabelIterator() = default;
  explicit LabelIterator(const char* at) : at_(at) {}
  Label operator*() const {
    std::string_view name = text_at(at_);
    return {name, text_at(at_ + 2 + name.size())};
  }
  LabelIterator& operator++() {
    at_ += 2 + length_at(at_);
    at_ += 2 + length_at(at_);
    return *this;
  }
  friend bool operator==(const LabelIterator&, const LabelIterator&) = default;

 private:
  static size_t length_at(const char* p) {
    uint16_t length;
    std::memcpy(&length, p, 2);
    return length;
  }
  static std::string_view text_at(const char* p) { return {p + 2, length_at(p)}; }
  const char* at_ = nullptr;
};

// The same as a view of packed bytes that lie elsewhere.
class LabelsView {
 public:
  LabelsView() = default;
  explicit LabelsView(std::string_view packed) : packed_(packed) {}

  LabelIterator begin() const { return LabelIterator(packed_.data()); }
  LabelIterator end() const { return LabelIterator(packed_.data() + packed_.size()); }
  bool empty() const { return packed_.empty(); }
  size_t size() const { return static_cast<size_t>(std::distance(begin(), end())); }
  // Empty when there is none: a label with an empty value is none (Prometheus' data model).
  std::string_view get(std::string_view name) const {
    for (Label label : *this) {
      if (label.name == name) return label.value;
    }
    return {};
  }
  std::string_view metric_name() const { return get(kMetricNameLabel); }
  std::string_view packed() const { return packed_; }

  friend bool operator==(LabelsView a, LabelsView b) { return a.packed_ == b.packed_; }
  // Label by label; of two where one goes on the shorter is less.
  friend std::strong_ordering operator<=>(LabelsView a, LabelsView b);

 private:
  std::string_view packed_;
};

class Labels {
 public:
  Labels() = default;
  explicit Labels(LabelsView view) : packed_(view.packed()) {}
  // Sorts; of equal names the last wins, empty values are left out. Names and values over kLabelBytesMax are cut.
  static Labels of(std::vector<std::pair<std::string, std::string>> labels);

  LabelsView view() const { return LabelsView(packed_); }
  operator LabelsView() const { return view(); }  // NOLINT: a Labels is used wherever a view is
  LabelIterator begin() const { return view().begin(); }
  LabelIterator end() const { return view().end(); }
  bool empty() const { return packed_.empty(); }
  size_t size() const { return view().size(); }
  std::string_view get(std::string_view name) const { return view().get(name); }
  std::string_view metric_name() const { return view().metric_name(); }
  const std::string& packed() const { return packed_; }

  friend bool operator==(const Labels&, const Labels&) = default;
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b) { return a.view() <=> b.view(); }

 private:
  friend class LabelsBuilder;
  std::string packed_;
};

// Makes labels from others, or from nothing.
//
// Threads: one.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(LabelsView base) { reset(base); }
  void reset(LabelsView base = {});
  // An empty value takes the label away.
  LabelsBuilder& set(std::string_view name, std::string_view value);
  LabelsBuilder& remove(std::string_view name) { return set(name, {}); }
  Labels build() const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;  // in order
};

// Appends a label as packed labels have it; what is over kLabelBytesMax is cut. Requires: names rise.
void append_packed(Label label, std::string& packed);

// `metric{a="b", c="d"}` as Prometheus prints it: names that are no identifiers are quoted, also the metric's.
std::string to_text(LabelsView labels);
// base::hash64 of the packed bytes.
uint64_t hash_of(LabelsView labels);

}  // namespace clew::model

template <>
struct std::hash<clew::model::Labels> {
  size_t operator()(const clew::model::Labels& labels) const { return clew::model::hash_of(labels); }
};
