// A vector of texts of which many are equal, made row by row: a dictionary and codes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/vector.h"

namespace clew::query::exec {

// Threads: one. Used once.
class CodedTexts {
 public:
  explicit CodedTexts(uint32_t rows) : out_(std::make_shared<model::Vector>()) { out_->codes.reserve(rows); }

  // The code of a text, the same for equal ones.
  uint32_t code(const std::string& text);
  // The next row.  Requires: a code that code() gave.
  void add(uint32_t code) { out_->codes.push_back(code); }
  void add(const std::string& text) { add(code(text)); }
  void add_null();

  model::VectorPtr finish();

 private:
  std::unordered_map<std::string, uint32_t> codes_;
  std::shared_ptr<std::vector<std::string>> texts_ = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<model::Vector> out_;
};

}  // namespace clew::query::exec
