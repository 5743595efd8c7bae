// Samples: families of measurements, each with a name, a type and samples that differ in their labels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clew::host {

enum class FamilyType : uint8_t { kGauge, kCounter, kUntyped };

struct Label {
  std::string_view name;
  std::string_view value;
};

// Keeps its memory from one collection to the next.
//
// Threads: one at a time.
class Samples {
 public:
  void clear();
  // Begins a family, to which the samples that follow belong; one without any is left out. Requires: a name that a
  // metric may have, and that no family had before.
  void family(std::string_view name, FamilyType type, std::string_view help);
  void add(double value, std::initializer_list<Label> labels = {}) {
    add(value, std::span(labels.begin(), labels.size()));
  }
  void add(double value, std::span<const Label> labels);
  // A family of one sample without labels.
  void one(std::string_view name, FamilyType type, std::string_view help, double value) {
    family(name, type, help);
    add(value);
  }

  size_t count() const { return samples_.size(); }
  // Calls family(name, type, help) and, for each of its samples, sample(labels, value).
  template <class OnFamily, class OnSample>
  void visit(OnFamily&& on_family, OnSample&& on_sample) const;

 private:
  struct Piece {  // of text_
    uint32_t begin = 0;
    uint32_t bytes = 0;
  };
  struct Family {
    Piece name, help;
    FamilyType type = FamilyType::kGauge;
    uint32_t first_sample = 0;
  };
  struct Sample {
    double value = 0;
    uint32_t first_label = 0;
  };
  struct LabelPieces {
    Piece name, value;
  };
  Piece keep(std::string_view text);
  std::string_view view(Piece piece) const { return std::string_view(text_).substr(piece.begin, piece.bytes); }

  std::string text_;
  std::vector<Family> families_;
  std::vector<Sample> samples_;
  std::vector<LabelPieces> labels_;
};

// Appends Prometheus' text format (version 0.0.4).
void append_prometheus(const Samples& samples, std::string& out);

template <class OnFamily, class OnSample>
void Samples::visit(OnFamily&& on_family, OnSample&& on_sample) const {
  std::vector<Label> labels;
  for (size_t f = 0; f < families_.size(); ++f) {
    size_t end = f + 1 < families_.size() ? families_[f + 1].first_sample : samples_.size();
    if (families_[f].first_sample == end) continue;
    on_family(view(families_[f].name), families_[f].type, view(families_[f].help));
    for (size_t s = families_[f].first_sample; s < end; ++s) {
      size_t labels_end = s + 1 < samples_.size() ? samples_[s + 1].first_label : labels_.size();
      labels.clear();
      for (size_t l = samples_[s].first_label; l < labels_end; ++l) {
        labels.push_back({view(labels_[l].name), view(labels_[l].value)});
      }
      on_sample(std::span<const Label>(labels), samples_[s].value);
    }
  }
}

}  // namespace clew::host
