// What may change while the server runs: a reload of the configuration sets it, each request reads it once.
#pragma once

#include <cstddef>

#include "base/mutex.h"
#include "logstore/manifest.h"
#include "query/engine.h"

namespace clew::api {

struct Settings {
  query::Limits query_limits;
  logstore::RetentionRule default_retention;
  size_t line_bytes_max = 1u << 20;  // of imported text
};

// Threads: all functions on any thread.
class LiveSettings {
 public:
  explicit LiveSettings(Settings settings) : settings_(settings) {}

  Settings now() const {
    base::MutexLock lock(mutex_);
    return settings_;
  }
  void set(const Settings& settings) {
    base::MutexLock lock(mutex_);
    settings_ = settings;
  }

 private:
  mutable base::Mutex mutex_;
  Settings settings_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::api
