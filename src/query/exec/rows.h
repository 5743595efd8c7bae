// Small steps on rows: filter, computed columns, head and the query's row limit.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "expr/bind.h"
#include "query/exec/operator.h"

namespace clew::query::exec {

// Keeps rows whose condition is TRUE.
class FilterStep final : public Step {
 public:
  FilterStep(expr::BoundPtr condition, std::string text) : condition_(std::move(condition)), text_(std::move(text)) {}
  std::string name() const override { return "where"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  Needs needs() const override { return Needs::kRow; }

 private:
  expr::BoundPtr condition_;
  std::string text_;
};

// Name of a ComputeStep that only cuts keys into spans.
constexpr std::string_view kSpanStepName = "span";

struct Computed {
  Slot out = 0;
  expr::BoundPtr expr;
};

// Adds columns computed from each row, left to right; later ones see earlier ones.
class ComputeStep final : public Step {
 public:
  ComputeStep(std::vector<Computed> columns, std::string name, std::string text)
      : columns_(std::move(columns)), name_(std::move(name)), text_(std::move(text)) {}
  std::string name() const override { return name_; }
  std::string describe() const override { return text_; }
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  Needs needs() const override { return Needs::kRow; }
  uint64_t input_enough(uint64_t wanted) const override { return wanted; }

 private:
  std::vector<Computed> columns_;
  std::string name_;
  std::string text_;
};

// Rows [from, from + count). With `default_limit` the count is the query's own limit: cutting rows off is told.
class HeadStep final : public Step {
 public:
  enum class Kind : uint8_t { kAsked, kDefaultLimit };
  HeadStep(uint64_t count, uint64_t from, Kind kind) : count_(count), from_(from), kind_(kind) {}
  std::string name() const override { return kind_ == Kind::kAsked ? "head" : "limit"; }
  std::string describe() const override;
  std::unique_ptr<Operator> start(Run& run) const override;
  void reads(std::vector<Slot>& out) const override;
  Needs needs() const override { return Needs::kOrdered; }
  uint64_t input_enough(uint64_t wanted) const override;
  uint64_t count() const { return count_; }
  uint64_t from() const { return from_; }

 private:
  uint64_t count_;
  uint64_t from_;
  Kind kind_;
};

// A step made of a function from block to block that looks at each row alone and keeps their number and order.
class MapStep : public Step {
 public:
  Needs needs() const override { return Needs::kRow; }
  uint64_t input_enough(uint64_t wanted) const override { return wanted; }
  std::unique_ptr<Operator> start(Run& run) const final;
  // Threads: any.
  virtual Status map(Block& block) const = 0;
};

}  // namespace clew::query::exec
