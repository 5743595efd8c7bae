// PushGroups: metrics that jobs push before they end, as Prometheus' Pushgateway keeps them.
//
// Source: https://github.com/prometheus/pushgateway/blob/master/README.md
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/metric.h"
#include "os/clock.h"
#include "os/disk.h"
#include "wire/exposition.h"

namespace clew::scrape {

constexpr size_t kPushGroupsMax = 100'000;
constexpr uint64_t kPushBytesMax = 256u << 20;  // of the file that keeps them

// Threads:  all functions on any thread.
// Lifetime: disk and clock outlive it.
// Crash:    a group whose push was answered with success is there after a restart.
class PushGroups {
 public:
  // Errors: kIo; kCorrupt for a file that is none of ours.
  static Result<std::unique_ptr<PushGroups>> open(os::Disk& disk, const os::Clock& clock, std::string path);

  enum class How : uint8_t {
    kReplace,  // the whole group
    kMerge,    // metrics of the same names
  };
  // Errors: kInvalid for a page that cannot be read, one with times, and native histograms; kTooLarge; kIo.
  //         The group is as before then, but for push_failure_time_seconds.
  Status push(const model::Labels& group, std::string_view page, wire::ExpositionFormat format, How how);
  // No error when there is none. Errors: kIo.
  Status remove(const model::Labels& group);

  // All groups as a page in Prometheus' text, instance="" where a group has no instance.
  std::string page() const;
  size_t size() const;

 private:
  struct Family {
    model::MetricType type = model::MetricType::kUnknown;
    std::string help;
    std::map<std::string, double> series;  // by packed labels
  };
  struct Group {
    std::map<std::string, Family> families;
    int64_t pushed_millis = 0;  // 0: never with success
    int64_t failed_millis = 0;
  };
  using Groups = std::map<std::string, Group>;  // by packed labels

  PushGroups(os::Disk& disk, const os::Clock& clock, std::string path)
      : disk_(disk), clock_(clock), path_(std::move(path)) {}
  Status load();
  static void read_group(const nlohmann::json& json, Group& group);
  Status save(const Groups& groups) const;
  Status read_page(const model::Labels& group, std::string_view page, wire::ExpositionFormat format,
                   std::map<std::string, Family>& families) const;

  os::Disk& disk_;
  const os::Clock& clock_;
  const std::string path_;
  base::Mutex writing_;  // one change at a time; held while the file is written, never together with a page's work
  mutable base::Mutex mutex_;
  std::shared_ptr<const Groups> groups_ CLEW_GUARDED_BY(mutex_) = std::make_shared<Groups>();
};

}  // namespace clew::scrape
