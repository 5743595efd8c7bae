// A Notifier on a simulated disk under a simulated clock, with a Sender that keeps what it is given.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "notify/notifier.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::notify {

constexpr uint64_t kTestSecond = 1'000'000'000;

struct Told {
  uint64_t second = 0;  // since the test began
  std::string receiver;
  Notification notification;
};

class Rig : public Sender {
 public:
  explicit Rig(const std::string& config) { reopen(config); }

  void reopen(const std::string& config) {
    config_text_ = config;
    notifier_.reset();
    metrics_ = std::make_unique<base::Registry>();
    yaml::Mistakes mistakes;
    Config read = read_config(config, Templates::kNotServed, mistakes);
    for (const auto& one : mistakes) ADD_FAILURE() << one.line << ": " << one.message;
    NotifierParts parts{.disk = *disk_, .clock = clock_, .rng = rng_, .metrics = *metrics_, .make_sender = {}};
    auto opened =
        Notifier::open(std::move(parts), {.dir = "/data/notify", .external_url = "http://clew", .heartbeat_url = {}},
                       std::make_shared<const Config>(std::move(read)));
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    notifier_ = std::move(opened).take();
  }
  // kill -9, and a start `seconds` later.
  void kill_and_restart(uint64_t seconds = 0) {
    notifier_.reset();
    disk_->kill_process();
    clock_.advance(seconds * kTestSecond);
    passed_ += seconds;
    reopen(config_text_);
  }
  // The power goes and comes back.
  void crash_and_restart() {
    notifier_.reset();
    disk_->crash();
    reopen(config_text_);
  }

  // What Prometheus does each minute; `holds_seconds`: until its end, 0 says that it is resolved.
  void post(const Labels& labels, uint64_t holds_seconds = 240) {
    int64_t now = clock_.now().get();
    auto [at, fresh] = begun_.try_emplace(labels, now);
    contract::Alert alert{.labels = labels,
                          .annotations = {{"summary", "s"}},
                          .starts_at = UnixNanos(at->second),
                          .ends_at = {},
                          .generator_url = {}};
    alert.ends_at = UnixNanos(now + static_cast<int64_t>(holds_seconds * kTestSecond));
    notifier_->post({&alert, 1});
    if (holds_seconds == 0) begun_.erase(labels);
  }
  // Lets time pass in steps of a second; posts what holds again each minute.
  void run(uint64_t seconds, bool post_again = true) {
    for (uint64_t i = 0; i < seconds; ++i) {
      if (post_again && passed_ % 60 == 59) {
        for (const auto& [labels, at] : std::map<Labels, int64_t>(begun_)) post(labels);
      }
      settle();
      clock_.advance(kTestSecond);
      ++passed_;
    }
    settle();
  }
  // What is due now.
  void settle() {
    do notifier_->step();
    while (notifier_->send_one(*this));
  }

  Outcome send(const Channel& channel, const Notification& n) override {
    (void)channel;
    told_.push_back({passed_, n.receiver, n});
    if (outcomes_.empty()) return {.ok = true, .status = 200, .error = {}, .memory = {{"ts", "1"}}};
    Outcome next = outcomes_.front();
    outcomes_.pop_front();
    return next;
  }
  Outcome beat(const std::string&, uint32_t) override { return {.ok = true, .error = {}, .memory = {}}; }

  // "receiver@second firing/resolved" of each notification since the last call.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const Told& t : told_) {
      out.push_back(t.receiver + "@" + std::to_string(t.second) + " " +
                    std::to_string(t.notification.that(true).size()) + "/" +
                    std::to_string(t.notification.that(false).size()));
    }
    told_.clear();
    return out;
  }

  std::unique_ptr<os::SimDisk> disk_ = std::make_unique<os::SimDisk>(7);
  os::SimClock clock_;
  os::SeededRng rng_{1};
  std::unique_ptr<base::Registry> metrics_;
  std::unique_ptr<Notifier> notifier_;
  std::string config_text_;
  std::map<Labels, int64_t> begun_;  // what holds, since when
  std::vector<Told> told_;
  std::deque<Outcome> outcomes_;  // of the next sends; then all succeed
  uint64_t passed_ = 0;
};

}  // namespace clew::notify
