// Counter adds the events of a block to a sketch, by the fields of a question.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "feed/block.h"
#include "feed/expression.h"
#include "sketch/space_saving.h"
#include "topk/question.h"

namespace clew::topk {

// Threads: one at a time.
class Counter {
 public:
  // Of a question about events. Its condition is asked of each event when `Where::kAsk`; else it was asked before.
  enum class Where : uint8_t { kAsk, kWasAsked };
  // Errors: kInvalid, of the condition.
  static Result<std::unique_ptr<Counter>> make(const Question& question, Where where, int64_t now);

  struct Counted {
    uint64_t events = 0;   // counted
    uint64_t without = 0;  // that meet the condition but lack a field of `by`, or the number to add up
  };
  // The sketch that the event at a time (ns) belongs to; null: it is left out.
  using SketchAt = std::function<sketch::SpaceSaving*(int64_t time)>;
  // Errors: kInvalid for a condition that cannot be computed; those of Block::column().
  Result<Counted> count(feed::Block& block, const SketchAt& sketch_at);
  // All into one.
  Result<Counted> count(feed::Block& block, sketch::SpaceSaving& into);

 private:
  explicit Counter(Question question) : question_(std::move(question)) {}

  const Question question_;
  std::unique_ptr<feed::Expression> condition_;  // null: none to ask
  std::string key_;
};

}  // namespace clew::topk
