#include "notify/silences.h"

#include <fmt/format.h>

#include <algorithm>

namespace clew::notify {
namespace {

// The API tells times in milliseconds.
bool same_milli(UnixNanos a, UnixNanos b) { return a.get() / 1'000'000 == b.get() / 1'000'000; }

Status check(const Silence& silence) {
  if (silence.matchers.empty()) return Error(Code::kInvalid, "at least one matcher required");
  bool all_take_empty = std::all_of(silence.matchers.begin(), silence.matchers.end(),
                                    [](const Matcher& m) { return m.matches_value(""); });
  if (all_take_empty) return Error(Code::kInvalid, "at least one matcher must not match the empty string");
  return {};
}

bool may_change(const Silence& before, const Silence& after, UnixNanos now) {
  if (!(before.matchers == after.matchers) || before.windows_json != after.windows_json) return false;
  switch (before.state(now)) {
    case SilenceState::kActive: return same_milli(after.starts_at, before.starts_at) && after.ends_at >= now;
    case SilenceState::kPending: return after.starts_at >= now;
    case SilenceState::kExpired: return false;
  }
  return false;
}

}  // namespace

std::string_view silence_state_name(SilenceState state) {
  switch (state) {
    case SilenceState::kPending: return "pending";
    case SilenceState::kActive: return "active";
    case SilenceState::kExpired: return "expired";
  }
  return "";
}

SilenceState Silence::state(UnixNanos now) const {
  if (now < starts_at) return SilenceState::kPending;
  return now > ends_at || ends_at <= starts_at ? SilenceState::kExpired : SilenceState::kActive;
}

Result<std::vector<Silence>> Silences::set(Silence silence, UnixNanos now) {
  CLEW_TRY(check(silence));
  std::vector<Silence> changed;
  silence.updated_at = now;
  if (!silence.id.empty()) {
    auto before = all_.find(silence.id);
    if (before == all_.end()) return Error(Code::kNotFound, "silence " + clew::quoted(silence.id) + " not found");
    if (may_change(before->second, silence, now)) {
      before->second = silence;
      changed.push_back(std::move(silence));
      return changed;
    }
    if (before->second.state(now) != SilenceState::kExpired) {
      Silence ended = CLEW_TRY(expire(silence.id, now));
      changed.push_back(std::move(ended));
    }
  }
  if (all_.size() >= kSilencesMax)
    return Error(Code::kLimit, fmt::format("there are {} silences already", kSilencesMax));
  silence.id = new_id();
  silence.starts_at = std::max(silence.starts_at, now);
  all_[silence.id] = silence;
  changed.push_back(std::move(silence));
  return changed;
}

Result<Silence> Silences::expire(const std::string& id, UnixNanos now) {
  auto found = all_.find(id);
  if (found == all_.end()) return Error(Code::kNotFound, "silence " + clew::quoted(id) + " not found");
  Silence& silence = found->second;
  if (silence.state(now) == SilenceState::kExpired) {
    return Error(Code::kInvalid, "silence " + clew::quoted(id) + " already expired");
  }
  if (silence.state(now) == SilenceState::kPending) silence.starts_at = now;
  silence.ends_at = UnixNanos(now.get() - 1);
  silence.updated_at = now;
  return silence;
}

std::vector<std::string> Silences::muting(const Labels& labels, UnixNanos now) const {
  std::vector<std::string> out;
  for (const auto& [id, silence] : all_) {
    if (silence.holds(now) && all_match(silence.matchers, labels)) out.push_back(id);
  }
  return out;
}

const Silence* Silences::find(const std::string& id) const {
  auto found = all_.find(id);
  return found == all_.end() ? nullptr : &found->second;
}

std::vector<std::string> Silences::collect(UnixNanos now) {
  std::vector<std::string> gone;
  for (const auto& [id, silence] : all_) {
    if (silence.ends_at.get() + kSilenceKeptNanos < now.get()) gone.push_back(id);
  }
  for (const std::string& id : gone) all_.erase(id);
  return gone;
}

std::string Silences::new_id() {
  uint64_t a = rng_.next();
  uint64_t b = rng_.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     0x8000 | ((b >> 48) & 0x3fff), b & 0xffffffffffff);
}

}  // namespace clew::notify
