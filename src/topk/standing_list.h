// StandingList: the heaviest values over a sliding window, kept while events come.
//
// The window is cut into panes by the events' own times; a pane has a sketch, and what is asked for is the merge of
// those that lie in the window. What is kept follows from what is stored, so a start builds it from the store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "topk/answer.h"
#include "topk/counter.h"

namespace clew::topk {

struct ListOptions {
  std::string name;
  Question question;        // about events; its `last` is the window
  size_t keys_max = 5'000;  // of each pane
};

constexpr int64_t kPanes = 30;
constexpr size_t kListKeysMost = 1'000'000;
constexpr int64_t kWindowNanosLeast = 10'000'000'000;

// Threads: one at a time.
class StandingList {
 public:
  // Errors: kInvalid for a question about a metric, a window under kWindowNanosLeast, or a wrong condition.
  static Result<std::unique_ptr<StandingList>> make(const ListOptions& options, int64_t now);

  const ListOptions& options() const { return options_; }
  int64_t window_nanos() const { return options_.question.last_nanos; }

  // Counts the events of the block that the window may have, seen from `now` (ns). Errors: those of Counter::count().
  Status take(feed::Block& block, int64_t now);
  // Over the window that ends now.
  TopAnswer answer(int64_t now) const;
  // Grows when answer() may have changed for another reason than time.
  uint64_t version() const { return version_; }

 private:
  struct Pane {
    explicit Pane(size_t keys_max) : sketch(keys_max) {}
    sketch::SpaceSaving sketch;
  };
  StandingList(const ListOptions& options, std::unique_ptr<Counter> counter)
      : options_(options), counter_(std::move(counter)), pane_nanos_(window_nanos() / kPanes) {}
  int64_t pane_of(int64_t time) const;

  const ListOptions options_;
  const std::unique_ptr<Counter> counter_;
  const int64_t pane_nanos_;
  std::map<int64_t, Pane> panes_;  // by number
  uint64_t version_ = 0;
};

}  // namespace clew::topk
