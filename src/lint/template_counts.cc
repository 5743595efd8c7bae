#include "lint/template_counts.h"

#include <algorithm>

#include "text/message_shape.h"

namespace clew::lint {

bool TemplateCounts::add(std::string_view message) {
  std::string shape = text::message_shape(message.substr(0, message.find('\n')));
  auto known = kinds_.find(shape);
  if (known != kinds_.end()) {
    ++known->second.events;
    return false;
  }
  if (kinds_.size() >= kTemplatesMax) {
    make_room();
    if (kinds_.size() >= kTemplatesMax) return false;  // this event was what all the others lost one for
  }
  added_ = &kinds_[shape];
  *added_ = {std::move(shape), 1, {}};
  return true;
}

void TemplateCounts::describe(Example example) { added_->example = std::move(example); }

void TemplateCounts::make_room() {
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    kind = --kind->second.events == 0 ? kinds_.erase(kind) : std::next(kind);
  }
}

std::vector<TemplateCount> TemplateCounts::most(size_t count) const {
  std::vector<TemplateCount> all;
  for (const auto& [shape, kind] : kinds_) all.push_back(kind);
  std::sort(all.begin(), all.end(), [](const TemplateCount& a, const TemplateCount& b) {
    return a.events != b.events ? a.events > b.events : a.text < b.text;
  });
  if (all.size() > count) all.resize(count);
  return all;
}

}  // namespace clew::lint
