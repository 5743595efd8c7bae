// The time of one event: collected from its fields while they are read, decided at its end (DESIGN.md section 4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/batch.h"
#include "model/canonical.h"
#include "text/time_format.h"

namespace clew::wire {

// A time that no event should have: before 1990, or more than two days after it arrived.
bool is_odd_time(int64_t unix_nanos, int64_t arrival_nanos);

// Threads: one. Reused from event to event.
class RowTime {
 public:
  // For the events that follow; `zone` is that of times without one.
  void begin(int64_t arrival_nanos, text::Zone zone) { context_ = {std::move(zone), arrival_nanos}; }

  // Values as they are read; the texts must live until decide().
  void note_text(model::TimeRole role, std::string_view text) { note(role, Form::kText, text, 0); }
  void note_number(model::TimeRole role, std::string_view token) { note(role, Form::kNumber, token, 0); }
  void note_nanos(model::TimeRole role, int64_t unix_nanos) { note(role, Form::kNanos, {}, unix_nanos); }
  // A time that the caller read itself; goes before all others.
  void note_parsed(const text::Time& time) {
    parsed_ = time;
    note(model::TimeRole::kAtTimestamp, Form::kParsed, {}, 0);
  }
  // Anything that may be a time was noted.
  bool any() const { return seen_ != 0; }
  // The event belongs to a trace: then `start` counts too.
  void note_trace() { in_trace_ = true; }
  void forget(model::TimeRole role) { seen_ &= ~bit(role); }

  void reset() { seen_ = 0, in_trace_ = false; }

  // The event's time. What it had to assume is flagged on the batch's last row. Forgets the notes.
  int64_t decide(model::Batch& batch);

 private:
  enum class Form : uint8_t { kText, kNumber, kNanos, kParsed };
  struct Note {
    Form form = Form::kText;
    std::string_view text;
    int64_t nanos = 0;
  };
  static constexpr uint32_t bit(model::TimeRole role) { return 1u << static_cast<uint32_t>(role); }
  void note(model::TimeRole role, Form form, std::string_view text, int64_t nanos) {
    notes_[static_cast<size_t>(role)] = {form, text, nanos};
    seen_ |= bit(role);
  }
  bool read(model::TimeRole role, text::Time& time);
  void refine(model::TimeRole role, text::Time& time);
  bool created(text::Time& time) const;

  text::TimeContext context_;
  text::TimeReader reader_;
  uint32_t seen_ = 0;
  bool in_trace_ = false;
  text::Time parsed_;
  Note notes_[static_cast<size_t>(model::TimeRole::kNone) + 1];
};

}  // namespace clew::wire
