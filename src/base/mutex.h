// Mutex with clang's thread-safety annotations; g++ ignores them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define CLEW_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define CLEW_THREAD_ATTRIBUTE(x)
#endif
#define CLEW_GUARDED_BY(x) CLEW_THREAD_ATTRIBUTE(guarded_by(x))
#define CLEW_REQUIRES(...) CLEW_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define CLEW_EXCLUDES(...) CLEW_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace clew::base {

class CLEW_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() CLEW_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() CLEW_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() CLEW_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class CLEW_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CLEW_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() CLEW_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Condition variable for Mutex. Waits end by notify, by the deadline, or for no reason: test the condition again.
class CondVar {
 public:
  void wait_for(Mutex& mutex, std::chrono::nanoseconds timeout) CLEW_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(lock, timeout);
    lock.release();
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace clew::base
