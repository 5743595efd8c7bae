#include "alert/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "alert/schedule.h"

namespace clew::alert {
namespace {

// However long nothing is due: a jump of the clock is seen after this.
constexpr auto kWaitMost = std::chrono::seconds(1);

// * stands for any characters, ? for one.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

UnixNanos next_run_after(UnixNanos now, const RunningGroup& group) {
  int64_t interval_millis = group.interval_millis();
  return UnixNanos(last_run_before(now, interval_millis, group.hash()).get() + interval_millis * 1'000'000);
}

}  // namespace

Result<std::string> read_rule_file(os::Disk& disk, const std::string& path) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > kRuleFileBytesMax) return Error(Code::kTooLarge, path + ": no file of rules: over 16 MiB");
  return file->read_at(0, bytes);
}

Result<std::vector<std::string>> matching_files(os::Disk& disk, const std::string& pattern) {
  size_t slash = pattern.rfind('/');
  std::string dir = slash == std::string::npos ? "." : pattern.substr(0, std::max<size_t>(slash, 1));
  std::string name = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
  if (dir.find_first_of("*?") != std::string::npos) {
    return Error(Code::kInvalid, quoted(pattern) + ": only the last part of a path may have * or ?");
  }
  if (name.find_first_of("*?") == std::string::npos) return std::vector<std::string>{pattern};
  std::vector<std::string> found;
  Result<std::vector<os::DirEntry>> entries = disk.list(dir);
  if (!entries.ok() && entries.error().code() == Code::kNotFound) return found;
  if (!entries.ok()) return std::move(entries).error().at(dir);
  std::string prefix = slash == std::string::npos ? std::string() : pattern.substr(0, slash + 1);
  for (const os::DirEntry& entry : *entries) {
    bool hidden = entry.name.starts_with('.') && !name.starts_with('.');
    if (!entry.is_dir && !hidden && matches(name, entry.name)) found.push_back(prefix + entry.name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<RuleGroup>> load_rule_files(os::Disk& disk, const std::vector<std::string>& patterns,
                                               const RuleFileOptions& options) {
  std::vector<RuleGroup> groups;
  std::set<std::string> seen;
  std::string lines;
  for (const std::string& pattern : patterns) {
    std::vector<std::string> files = CLEW_TRY(matching_files(disk, pattern));
    for (const std::string& path : files) {
      if (!seen.insert(path).second) continue;
      std::string text = CLEW_TRY(read_rule_file(disk, path));
      yaml::Mistakes mistakes;
      std::vector<RuleGroup> some = read_rules(text, path, options, mistakes);
      for (const yaml::Mistake& mistake : mistakes) {
        std::string line = mistake.line == 0 ? std::string() : fmt::format("{}:", mistake.line);
        lines += fmt::format("{}{}:{} {}", lines.empty() ? "" : "\n", path, line, mistake.message);
      }
      std::move(some.begin(), some.end(), std::back_inserter(groups));
    }
  }
  if (!lines.empty()) return Error(Code::kInvalid, std::move(lines));
  return groups;
}

Rules::Rules(RulesParts parts, RulesOptions options) : parts_(std::move(parts)), options_(std::move(options)) {}

Rules::~Rules() { stop(); }

GroupSurroundings Rules::around() const {
  GroupSurroundings around;
  around.sink = &parts_.sink;
  around.source = &parts_.source;
  around.alerts = parts_.alerts;
  around.ask = &parts_.ask;
  around.clock = &parts_.clock;
  around.access = parts_.access;
  return around;
}

GroupCounters Rules::counters_of(const RuleGroup& group) {
  base::MetricLabels labels = {{"rule_group", group.file + ";" + group.name}};
  base::Registry& all = parts_.metrics;
  return {.evaluations = &all.counter("clew_rule_evaluations_total", "Rules evaluated", labels),
          .failures = &all.counter("clew_rule_evaluation_failures_total",
                                   "Rules that could not be evaluated or written", labels),
          .missed = &all.counter("clew_rule_group_iterations_missed_total",
                                 "Evaluations left out because the one before had not ended", labels),
          .samples = &all.counter("clew_rule_samples_written_total", "Samples of rules that were stored", labels)};
}

Rules::SlotPtr Rules::make_slot(RuleGroup group, const GroupDefaults& defaults) {
  auto slot = std::make_shared<Slot>();
  GroupCounters counters = counters_of(group);
  base::MetricLabels labels = {{"rule_group", group.file + ";" + group.name}};
  slot->group = std::make_unique<RunningGroup>(std::move(group), defaults, counters);
  std::weak_ptr<Slot> weak = slot;
  auto gauge = [&](const char* name, const char* help, double (*read)(const GroupView&)) {
    parts_.metrics.gauge(name, help, labels, [weak, read] {
      std::shared_ptr<Slot> held = weak.lock();
      return held == nullptr ? 0.0 : read(*held->group->view());
    });
  };
  gauge("clew_rule_group_rules", "Rules of a group",
        [](const GroupView& v) { return static_cast<double>(v.rules.size()); });
  gauge("clew_rule_group_interval_seconds", "How often a group is evaluated",
        [](const GroupView& v) { return static_cast<double>(v.interval_millis) / 1000; });
  gauge("clew_rule_group_last_duration_seconds", "How long the last evaluation of a group took",
        [](const GroupView& v) { return static_cast<double>(v.evaluation_ns) / 1e9; });
  gauge("clew_rule_group_last_evaluation_timestamp_seconds", "The time that a group was last evaluated for",
        [](const GroupView& v) { return static_cast<double>(v.evaluated_at_millis) / 1000; });
  return slot;
}

void Rules::wait_until_idle() {
  auto running = [](const SlotPtr& slot) { return slot->running; };
  while (std::any_of(slots_.begin(), slots_.end(), running)) idle_.wait_for(mutex_, kWaitMost);
}

Status Rules::load(const RulesOptions& options) {
  base::MutexLock one_load(load_mutex_);
  std::vector<RuleGroup> groups = CLEW_TRY(load_rule_files(parts_.disk, options.files, {}));
  std::vector<SlotPtr> gone;
  {
    base::MutexLock lock(mutex_);
    paused_ = true;
    wait_until_idle();
    gone = exchange_slots(std::move(groups), options);
    paused_ = false;
  }
  wake_.notify_all();
  int64_t now_millis = parts_.clock.now().get() / 1'000'000;
  for (const SlotPtr& slot : gone) (void)slot->group->end_series(now_millis, around());
  return {};
}

// Gives those that run no more, and whose state nobody took over.
std::vector<Rules::SlotPtr> Rules::exchange_slots(std::vector<RuleGroup> groups, const RulesOptions& options) {
  UnixNanos now = parts_.clock.now();
  std::vector<SlotPtr> before = std::move(slots_);
  slots_.clear();
  options_ = options;
  loaded_at_millis_ = now.get() / 1'000'000;
  for (RuleGroup& group : groups) {
    auto same = std::find_if(before.begin(), before.end(), [&](const SlotPtr& slot) {
      return slot->group->group().file == group.file && slot->group->group().name == group.name;
    });
    SlotPtr old = same == before.end() ? nullptr : *same;
    if (old != nullptr) before.erase(same);
    if (old != nullptr && old->group->group().same_as(group) && old->group->defaults() == options.defaults) {
      slots_.push_back(std::move(old));
      continue;
    }
    SlotPtr slot = make_slot(std::move(group), options.defaults);
    slot->next = next_run_after(now, *slot->group);
    if (old != nullptr) {
      slot->group->take_state(*old->group);
      slot->fresh = old->fresh;
    }
    slots_.push_back(std::move(slot));
  }
  return before;
}

void Rules::start() {
  uint32_t count = 0;
  {
    base::MutexLock lock(mutex_);
    count = std::max(1u, options_.threads);
  }
  for (uint32_t i = 0; i < count; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { worker(stop); });
  }
}

void Rules::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  wake_.notify_all();
  threads_.clear();
}

Rules::SlotPtr Rules::take_due(UnixNanos now) {
  if (paused_) return nullptr;
  SlotPtr first;
  for (const SlotPtr& slot : slots_) {
    if (slot->running) continue;
    // The clock was set back: the next time is found anew.
    int64_t ahead_millis = (slot->next.get() - now.get()) / 1'000'000;
    if (ahead_millis > 2 * slot->group->interval_millis()) slot->next = next_run_after(now, *slot->group);
    if (first == nullptr || slot->next < first->next) first = slot;
  }
  if (first == nullptr || first->next > now) return nullptr;
  first->running = true;
  return first;
}

void Rules::run(Slot& slot) {
  int64_t at_millis = slot.next.get() / 1'000'000;
  if (slot.fresh) {
    int64_t outage = 0;
    {
      base::MutexLock lock(mutex_);
      outage = options_.outage_millis;
    }
    // What cannot be read begins anew, as without a run before; the rules' own queries will tell of it.
    (void)slot.group->restore(at_millis, outage, around());
    slot.fresh = false;
  }
  slot.group->evaluate(at_millis, around());
}

void Rules::finish(Slot& slot) {
  int64_t interval_ns = slot.group->interval_millis() * 1'000'000;
  int64_t late_ns = parts_.clock.now().get() - slot.next.get();
  int64_t missed = std::max<int64_t>(0, late_ns / interval_ns - 1);
  if (missed > 0) slot.group->counters().missed->add(static_cast<uint64_t>(missed));
  slot.next = UnixNanos(slot.next.get() + (missed + 1) * interval_ns);
  slot.running = false;
  idle_.notify_all();
}

void Rules::run_due() {
  while (true) {
    SlotPtr slot;
    {
      base::MutexLock lock(mutex_);
      slot = take_due(parts_.clock.now());
    }
    if (slot == nullptr) return;
    run(*slot);
    base::MutexLock lock(mutex_);
    finish(*slot);
  }
}

void Rules::worker(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    SlotPtr slot;
    {
      base::MutexLock lock(mutex_);
      UnixNanos now = parts_.clock.now();
      slot = take_due(now);
      if (slot == nullptr) {
        auto wait = std::chrono::nanoseconds(kWaitMost);
        for (const SlotPtr& one : slots_) {
          if (!one->running)
            wait = std::min(wait, std::chrono::nanoseconds(std::max<int64_t>(one->next.get() - now.get(), 0)));
        }
        if (paused_) wait = std::chrono::nanoseconds(kWaitMost);
        if (!stop.stop_requested()) wake_.wait_for(mutex_, wait);
        continue;
      }
    }
    run(*slot);
    base::MutexLock lock(mutex_);
    finish(*slot);
  }
}

RulesOptions Rules::options() const {
  base::MutexLock lock(mutex_);
  return options_;
}

int64_t Rules::loaded_at_millis() const {
  base::MutexLock lock(mutex_);
  return loaded_at_millis_;
}

std::vector<std::shared_ptr<const GroupView>> Rules::view() const {
  base::MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const GroupView>> out;
  for (const SlotPtr& slot : slots_) out.push_back(slot->group->view());
  return out;
}

}  // namespace clew::alert
