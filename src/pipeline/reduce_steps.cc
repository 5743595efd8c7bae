// Steps that keep one event of many, whose `_weight` says how many it stands for: sample, deduplicate, rate_limit. The
// sum of `_weight` over what comes out is that over what went in, for every batch by itself: nothing has to be
// remembered from batch to batch to be exact, and a crash forgets nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/hash.h"
#include "pipeline/step.h"

namespace clew::pipeline {
namespace {

constexpr size_t kLimitGroupsMax = 10'000;  // of a rate limit; further ones share one bucket

// Rows with equal values of some fields.
class Groups {
 public:
  explicit Groups(std::vector<std::string> by) : by_(std::move(by)) {}
  // A number per row of `on`; equal values have equal ones.
  const std::vector<uint64_t>& keys(Rows& batch, const model::Selection& on) {
    keys_.assign(on.size(), 0);
    for (const std::string& name : by_) {
      const std::vector<std::string_view>& texts = batch.texts(name);
      for (size_t i = 0; i < on.size(); ++i) {
        uint64_t hash = texts[on[i]].data() == nullptr ? 1 : base::hash64(texts[on[i]]);
        keys_[i] = (keys_[i] ^ hash) * 0x9e3779b97f4a7c15u + (keys_[i] >> 29);
      }
    }
    return keys_;
  }

 private:
  const std::vector<std::string> by_;
  std::vector<uint64_t> keys_;
};

// Lets `row` go; `kept` stands for it from now on.
void merge(Rows& batch, uint32_t kept, uint32_t row, model::Selection& gone) {
  batch.add_weight(kept, batch.weight(row));
  gone.push_back(row);
}

class SampleStep final : public Step {
 public:
  SampleStep(double keep, std::vector<std::string> by) : keep_(keep), groups_(std::move(by)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<uint64_t>& keys = groups_.keys(batch, on);
    std::unordered_map<uint64_t, model::Selection> members;
    for (size_t i = 0; i < on.size(); ++i) members[keys[i]].push_back(on[i]);
    model::Selection gone;
    for (const auto& [key, rows] : members) take(batch, rows, gone);
    std::sort(gone.begin(), gone.end());
    counts.merged += gone.size();
    batch.drop(gone);
  }

 private:
  // Keeps rows at even distances, at least one; each stands for those up to the next.
  void take(Rows& batch, const model::Selection& rows, model::Selection& gone) {
    auto count = static_cast<double>(rows.size());
    size_t kept = std::max<size_t>(1, static_cast<size_t>(std::llround(count * keep_)));
    for (size_t i = 0; i < kept; ++i) {
      size_t begin = i * rows.size() / kept;
      size_t end = (i + 1) * rows.size() / kept;
      for (size_t at = begin + 1; at < end; ++at) merge(batch, rows[begin], rows[at], gone);
    }
  }
  const double keep_;
  Groups groups_;
};

StepPtr make_sample(Options& options, StepContext&) {
  std::optional<double> keep = options.number("keep", 0, 1);
  std::optional<uint64_t> every = options.count("every", 1, 1'000'000'000);
  std::vector<std::string> by = options.list("by");
  options.duration_ns("window");
  if (keep.has_value() == every.has_value()) options.blame("takes either keep or every: write sample: {keep: 0.1}");
  double share = keep ? *keep : every ? 1.0 / static_cast<double>(*every) : 1.0;
  return std::make_unique<SampleStep>(share, std::move(by));
}

class DeduplicateStep final : public Step {
 public:
  explicit DeduplicateStep(std::vector<std::string> by) : groups_(std::move(by)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<uint64_t>& keys = groups_.keys(batch, on);
    first_.clear();
    model::Selection gone;
    for (size_t i = 0; i < on.size(); ++i) {
      auto [known, fresh] = first_.try_emplace(keys[i], on[i]);
      if (!fresh) merge(batch, known->second, on[i], gone);
    }
    counts.merged += gone.size();
    batch.drop(gone);
  }

 private:
  Groups groups_;
  std::unordered_map<uint64_t, uint32_t> first_;  // row by key
};

StepPtr make_deduplicate(Options& options, StepContext&) {
  std::vector<std::string> by;
  if (!options.tree().is_null()) {
    by = options.whole_list("by");
    if (options.tree().is_map()) options.duration_ns("window");
  }
  if (by.empty()) by = {"message", "level", "host.name", "service.name"};
  return std::make_unique<DeduplicateStep>(std::move(by));
}

// How many events each group may still have, for all runners of a pipeline.
class Buckets final : public SharedState {
 public:
  // Takes one from the bucket of `key`, which fills with `rate` a second up to `burst`.
  bool take(uint64_t key, uint64_t now_ns, double rate, double burst) CLEW_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (buckets_.size() >= kLimitGroupsMax && !buckets_.contains(key)) forget_full(now_ns, rate, burst);
    if (buckets_.size() >= kLimitGroupsMax && !buckets_.contains(key)) key = 0;
    auto [bucket, fresh] = buckets_.try_emplace(key, Bucket{burst, now_ns});
    refill(bucket->second, now_ns, rate, burst);
    if (bucket->second.tokens < 1) return false;
    bucket->second.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    double tokens = 0;
    uint64_t at_ns = 0;
  };
  static void refill(Bucket& bucket, uint64_t now_ns, double rate, double burst) {
    double seconds = static_cast<double>(now_ns - std::min(now_ns, bucket.at_ns)) / 1e9;
    bucket.tokens = std::min(burst, bucket.tokens + seconds * rate);
    bucket.at_ns = std::max(now_ns, bucket.at_ns);
  }
  // A full bucket is as good as none.
  void forget_full(uint64_t now_ns, double rate, double burst) CLEW_REQUIRES(mutex_) {
    std::erase_if(buckets_, [&](const auto& one) {
      double seconds = static_cast<double>(now_ns - std::min(now_ns, one.second.at_ns)) / 1e9;
      return one.second.tokens + seconds * rate >= burst;
    });
  }
  base::Mutex mutex_;
  std::unordered_map<uint64_t, Bucket> buckets_ CLEW_GUARDED_BY(mutex_);
};

class RateLimitStep final : public Step {
 public:
  RateLimitStep(double rate, double burst, bool drop, std::vector<std::string> by, std::shared_ptr<Buckets> buckets,
                const os::Clock& clock)
      : rate_(rate), burst_(burst), drop_(drop), groups_(std::move(by)), buckets_(std::move(buckets)), clock_(clock) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<uint64_t>& keys = groups_.keys(batch, on);
    uint64_t now = clock_.monotonic_ns();
    last_.clear();
    model::Selection gone;
    for (size_t i = 0; i < on.size(); ++i) {
      auto kept = last_.find(keys[i]);
      bool room = buckets_->take(keys[i], now, rate_, burst_);
      if (room || (!drop_ && kept == last_.end())) {
        last_[keys[i]] = on[i];  // what is over the limit must be counted by somebody
      } else if (drop_) {
        gone.push_back(on[i]);
      } else {
        merge(batch, kept->second, on[i], gone);
      }
    }
    (drop_ ? counts.dropped : counts.merged) += gone.size();
    batch.drop(gone);
  }

 private:
  const double rate_;
  const double burst_;
  const bool drop_;
  Groups groups_;
  const std::shared_ptr<Buckets> buckets_;
  const os::Clock& clock_;
  std::unordered_map<uint64_t, uint32_t> last_;  // kept row by key
};

StepPtr make_rate_limit(Options& options, StepContext& context) {
  uint64_t events = options.count("events", 1, 1'000'000'000).value_or(1);
  uint64_t per = options.duration_ns("per").value_or(1'000'000'000);
  uint64_t burst = options.count("burst", 1, 1'000'000'000).value_or(events);
  bool drop = options.yes("drop");
  options.duration_ns("window");
  if (options.sub("events") == nullptr) options.blame("lacks events: write rate_limit: {events: 1000, per: 1s}");
  std::shared_ptr<SharedState>& shared = context.shared[context.index];
  if (shared == nullptr) shared = std::make_shared<Buckets>();
  double rate = static_cast<double>(events) * 1e9 / static_cast<double>(per);
  return std::make_unique<RateLimitStep>(rate, static_cast<double>(burst), drop, options.list("by"),
                                         std::static_pointer_cast<Buckets>(shared), *context.around.clock);
}

constexpr StepKind kKinds[] = {
    {.name = "sample", .example = "write sample: {keep: 0.1, by: [service.name]}", .make = make_sample, .weighs = true},
    {.name = "deduplicate", .example = "write deduplicate: [message, level]", .make = make_deduplicate, .weighs = true},
    {.name = "rate_limit",
     .example = "write rate_limit: {events: 1000, per: 1s, by: [service.name]}",
     .make = make_rate_limit,
     .weighs = true},
};

}  // namespace

std::span<const StepKind> reduce_steps() { return kKinds; }

}  // namespace clew::pipeline
