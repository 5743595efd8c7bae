#include "model/batch.h"

#include "base/check.h"

namespace clew::model {

void Batch::truncate_rows(uint32_t row) {
  for (auto& c : columns_) c->truncate_rows(row);
  rows_ = row;
  pending_flags_ = 0;
}

Column* Batch::column(std::string_view name) {
  if (Column* found = find(name)) return found;
  CHECK(!name.empty() && name.size() <= kFieldNameBytesMax, name.size());
  columns_.push_back(std::make_unique<Column>(std::string(name)));
  Column* made = columns_.back().get();
  by_name_.emplace(made->name(), made);
  return made;
}

Column* Batch::find(std::string_view name) {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

const Column* Batch::find(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

void Batch::end_row() {
  if (pending_flags_ == 0) return;
  column(kFlagsField)->add_int(rows_ - 1, pending_flags_);
  pending_flags_ = 0;
}

void Batch::clear() {
  for (auto& c : columns_) c->clear();
  rows_ = 0;
  pending_flags_ = 0;
}

size_t Batch::memory_bytes() const {
  size_t n = sizeof *this;
  for (const auto& c : columns_) n += c->memory_bytes();
  return n;
}

}  // namespace clew::model
