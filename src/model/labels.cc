#include "model/labels.h"

#include <algorithm>

#include "base/hash.h"

namespace clew::model {
namespace {

void append_packed_text(std::string_view text, std::string& out) {
  text = text.substr(0, kLabelBytesMax);
  auto length = static_cast<uint16_t>(text.size());
  out.append(reinterpret_cast<const char*>(&length), 2);
  out.append(text);
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

bool is_identifier(std::string_view name, bool colons) {
  auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::strong_ordering operator<=>(LabelsView a, LabelsView b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

Labels Labels::of(std::vector<std::pair<std::string, std::string>> labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.set(name, value);
  return builder.build();
}

void LabelsBuilder::reset(LabelsView base) {
  labels_.clear();
  for (Label label : base) labels_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::set(std::string_view name, std::string_view value) {
  auto at = std::lower_bound(labels_.begin(), labels_.end(), name,
                             [](const auto& label, std::string_view wanted) { return label.first < wanted; });
  bool there = at != labels_.end() && at->first == name;
  if (value.empty()) {
    if (there) labels_.erase(at);
  } else if (there) {
    at->second = value;
  } else {
    labels_.emplace(at, name, value);
  }
  return *this;
}

Labels LabelsBuilder::build() const {
  Labels built;
  for (const auto& [name, value] : labels_) {
    append_packed({name, value}, built.packed_);
  }
  return built;
}

void append_packed(Label label, std::string& packed) {
  append_packed_text(label.name, packed);
  append_packed_text(label.value, packed);
}

std::string to_text(LabelsView labels) {
  std::string out;
  std::string inside;
  for (Label label : labels) {
    if (label.name == kMetricNameLabel && is_identifier(label.value, true)) {
      out = label.value;
      continue;
    }
    if (!inside.empty()) inside += ", ";
    if (label.name == kMetricNameLabel) {
      append_quoted(label.value, inside);
      continue;
    }
    if (is_identifier(label.name, false)) {
      inside += label.name;
    } else {
      append_quoted(label.name, inside);
    }
    inside += '=';
    append_quoted(label.value, inside);
  }
  if (inside.empty() && !out.empty()) return out;
  return out + "{" + inside + "}";
}

uint64_t hash_of(LabelsView labels) { return base::hash64(labels.packed()); }

}  // namespace clew::model
