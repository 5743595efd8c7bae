// TemplateCounts: how often each kind of message came, in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lint/lint.h"

namespace clew::lint {

// Misra and Gries' way: when there is no room, every kind loses one, and what has none left goes. A kind that makes
// more than one in kTemplatesMax of all events is never lost, and its count too low by at most that share.
//
// Threads: one.
class TemplateCounts {
 public:
  // Counts the message; true where it is of a kind that is not known (any more): describe() then says where it stood.
  bool add(std::string_view message);
  void describe(Example example);
  // Most first.
  std::vector<TemplateCount> most(size_t count) const;

 private:
  void make_room();

  std::unordered_map<std::string, TemplateCount> kinds_;
  TemplateCount* added_ = nullptr;
};

}  // namespace clew::lint
