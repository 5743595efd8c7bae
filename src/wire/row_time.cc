#include "wire/row_time.h"

#include <bit>
#include <charconv>
#include <cmath>

namespace clew::wire {
namespace {

using model::Flag;
using model::TimeRole;

constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kQuarterHour = 900 * kSecond;
constexpr int64_t kZoneMax = 14 * 3600 * kSecond;
constexpr int64_t kRefineNanos = 2 * kMilli;  // `created` and the text beside it are written this close together
constexpr uint8_t kMicrosecondDigits = 6;     // a text that has them needs no refinement
constexpr int64_t kOddBefore = 631'152'000 * kSecond;  // 1990-01-01
constexpr int64_t kOddAhead = 2 * 86'400 * kSecond;

int64_t distance(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

}  // namespace

bool is_odd_time(int64_t unix_nanos, int64_t arrival_nanos) {
  return unix_nanos < kOddBefore || unix_nanos > arrival_nanos + kOddAhead;
}

int64_t RowTime::decide(model::Batch& batch) {
  uint32_t left = seen_ & ~bit(TimeRole::kMsecs);
  if (!in_trace_) left &= ~bit(TimeRole::kStart);
  text::Time time;
  bool found = false;
  for (; left != 0 && !found; left &= left - 1) {
    auto role = static_cast<TimeRole>(std::countr_zero(left));
    found = read(role, time);
    if (found) refine(role, time);
  }
  seen_ = 0;
  in_trace_ = false;
  if (!found) {
    batch.flag(Flag::kArrivalTime);
    return context_.now_nanos;
  }
  if (time.out_of_range || is_odd_time(time.unix_nanos, context_.now_nanos)) {
    batch.flag(Flag::kOddTime);
    return context_.now_nanos;
  }
  if (time.assumed_zone) batch.flag(Flag::kAssumedZone);
  if (time.assumed_year) batch.flag(Flag::kAssumedYear);
  return time.unix_nanos;
}

bool RowTime::read(TimeRole role, text::Time& time) {
  const Note& n = notes_[static_cast<size_t>(role)];
  if (n.form == Form::kParsed) {
    time = parsed_;
    return true;
  }
  if (n.form == Form::kNanos) {
    time = {};
    time.unix_nanos = n.nanos;
    time.fraction_digits = 9;
    return true;
  }
  std::optional<text::Time> got;
  if (n.form == Form::kText)
    got = reader_.parse(n.text, context_);
  else
    got = role == TimeRole::kCreated ? text::parse_epoch_seconds(n.text) : text::parse_epoch(n.text);
  if (!got) return false;
  time = *got;
  return true;
}

bool RowTime::created(text::Time& time) const {
  if ((seen_ & bit(TimeRole::kCreated)) == 0) return false;
  const Note& n = notes_[static_cast<size_t>(TimeRole::kCreated)];
  if (n.form != Form::kNumber) return false;
  std::optional<text::Time> got = text::parse_epoch_seconds(n.text);
  if (!got || got->out_of_range) return false;
  time = *got;
  return true;
}

void RowTime::refine(TimeRole role, text::Time& time) {
  if (role == TimeRole::kAsctime && (seen_ & bit(TimeRole::kMsecs)) != 0 && time.fraction_digits == 0) {
    const Note& n = notes_[static_cast<size_t>(TimeRole::kMsecs)];
    double msecs = 0;
    auto [end, error] = std::from_chars(n.text.data(), n.text.data() + n.text.size(), msecs);
    if (n.form == Form::kNumber && error == std::errc() && msecs >= 0 && msecs < 1000) {
      time.unix_nanos += std::llround(msecs * 1e6);
      time.fraction_digits = 3;
    }
  }
  text::Time exact;
  if (role == TimeRole::kCreated || time.fraction_digits >= kMicrosecondDigits || !created(exact)) return;
  int64_t apart = distance(exact.unix_nanos, time.unix_nanos);
  if (apart >= kRefineNanos && !time.assumed_zone) return;
  // A local time without its zone lies a whole number of quarter hours from the epoch time beside it.
  int64_t off_quarter = (apart + kRefineNanos) % kQuarterHour;
  if (apart > kZoneMax + kRefineNanos || off_quarter >= 2 * kRefineNanos) return;
  time.unix_nanos = exact.unix_nanos;
  time.assumed_zone = time.assumed_zone && apart < kRefineNanos;
}

}  // namespace clew::wire
