#include "wire/object_lists.h"

#include <algorithm>

namespace clew::wire {
namespace {

constexpr size_t kLinearMax = 16;  // up to here looking through all lists is faster than hashing
constexpr uint64_t kSparseSlack = 1024;
constexpr uint64_t kSparseFactor = 16;

}  // namespace

void ObjectLists::clear() {
  elements_ = 0;
  values_ = 0;
  padding_ = 0;
  used_ = 0;
  by_path_.clear();
}

std::string& ObjectLists::leaf(std::string_view path) {
  size_t at = 0;
  if (by_path_.empty()) {
    while (at < used_ && lists_[at].path != path) ++at;
  } else {
    auto it = by_path_.find(std::string(path));
    at = it == by_path_.end() ? used_ : it->second;
  }
  if (at == used_) {
    if (used_ == lists_.size()) lists_.emplace_back();
    List& made = lists_[used_++];
    made.path.assign(path);
    made.text.assign("[");
    made.elements = 0;
    if (!by_path_.empty()) by_path_.emplace(made.path, at);
    if (used_ == kLinearMax) {
      for (size_t i = 0; i < used_; ++i) by_path_.emplace(lists_[i].path, i);
    }
  }
  List& list = lists_[at];
  if (list.elements == elements_) {
    list.text.resize(list.last_begin);
    return list.text;
  }
  ++values_;
  // Before element i stand i commas.
  size_t commas = elements_ - 1 - (list.elements == 0 ? 0 : list.elements - 1);
  padding_ += commas;
  if (!is_sparse()) list.text.append(commas, ',');
  list.elements = elements_;
  list.last_begin = list.text.size();
  return list.text;
}

void ObjectLists::finish() {
  for (size_t i = 0; i < used_; ++i) {
    lists_[i].text.append(elements_ - lists_[i].elements, ',');
    lists_[i].text.push_back(']');
  }
}

bool ObjectLists::is_sparse() const {
  return std::max(padding_, static_cast<uint64_t>(used_) * elements_) > kSparseFactor * values_ + kSparseSlack;
}

}  // namespace clew::wire
