// Memory for request bodies: one budget for all of them, and buffers that grow only as bytes arrive, so that clients
// that promise much and send little cost little.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace clew::net {

constexpr uint64_t kBodyBytesMax = 64ull << 20;      // decoded body of one request
constexpr uint64_t kBodyBudgetBytes = 256ull << 20;  // bodies of all requests together, raw and decoded
constexpr size_t kDecodeWindowBytes = 1u << 20;      // a decoder asks for memory in steps of this
constexpr size_t kSmallBodyBytes = 64u << 10;        // what a body gets before its bytes have come
constexpr size_t kBodyPaddingBytes = 64;             // readable zero bytes behind every body, for vector parsers

// Counts the bytes that bodies hold.
//
// Threads: all functions on any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  // False when the budget would be exceeded; nothing is taken then.
  bool try_take(uint64_t bytes);
  void give_back(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  uint64_t bytes_max() const { return bytes_max_; }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_{0};
};

// Bytes without initialisation, charged to a budget, with kBodyPaddingBytes of zeros behind them after seal().
//
// Threads:  one at a time.
// Lifetime: the budget outlives the buffer.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(MemoryBudget* budget) : budget_(budget) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { reset(); }

  // Makes room for `bytes` in all, keeping what is there.
  // Errors: kOverloaded when the budget is spent.
  Status reserve(size_t bytes);
  // Frees the memory.
  void reset();
  void clear() { bytes_ = 0; }

  char* data() { return data_; }
  size_t size() const { return bytes_; }
  size_t capacity() const { return capacity_; }
  char* free_space() { return data_ + bytes_; }
  size_t free_bytes() const { return capacity_ - bytes_; }
  // Requires: bytes <= free_bytes().
  void advance(size_t bytes) { bytes_ += bytes; }
  // Writes the padding. Requires: memory was reserved.
  void seal();
  std::string_view view() const { return {data_, bytes_}; }

 private:
  friend class BufferPool;
  MemoryBudget* budget_ = nullptr;
  char* data_ = nullptr;
  size_t bytes_ = 0;
  size_t capacity_ = 0;  // without the padding
};

// Keeps a few buffers of the usual body size, so that a stream of 1 MiB bodies does not fault in fresh pages for each.
// What lies in the pool is not charged to the budget.
//
// Threads: all functions on any thread.
class BufferPool {
 public:
  static constexpr size_t kBuffersMax = 8;
  static constexpr size_t kKeptBytesMin = 256u << 10;
  static constexpr size_t kKeptBytesMax = 4u << 20;

  explicit BufferPool(MemoryBudget& budget) : budget_(budget) {}
  // A kept buffer, or an empty one.
  Buffer take();
  // Makes room for `bytes` in `buffer`, by moving its bytes to a kept buffer where one is large enough.
  // Errors: kOverloaded when the budget is spent.
  Status grow(Buffer& buffer, size_t bytes);
  void give(Buffer buffer);

 private:
  MemoryBudget& budget_;
  base::Mutex mutex_;
  std::vector<Buffer> kept_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::net
