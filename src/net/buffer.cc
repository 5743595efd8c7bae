#include "net/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace clew::net {

bool MemoryBudget::try_take(uint64_t bytes) {
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > bytes_max_ - std::min(used, bytes_max_)) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  reset();
  budget_ = other.budget_;
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Status Buffer::reserve(size_t bytes) {
  if (bytes <= capacity_) return {};
  if (budget_ != nullptr && !budget_->try_take(bytes - capacity_)) {
    return Error(Code::kOverloaded, "the memory for request bodies is in use, try again");
  }
  void* grown = std::realloc(data_, bytes + kBodyPaddingBytes);
  CHECK(grown != nullptr, bytes);
  data_ = static_cast<char*>(grown);
  capacity_ = bytes;
  return {};
}

void Buffer::reset() {
  if (budget_ != nullptr) budget_->give_back(capacity_);
  std::free(data_);
  data_ = nullptr;
  bytes_ = 0;
  capacity_ = 0;
}

void Buffer::seal() {
  CHECK(data_ != nullptr);
  std::memset(data_ + bytes_, 0, kBodyPaddingBytes);
}

Buffer BufferPool::take() {
  Buffer buffer(&budget_);
  base::MutexLock lock(mutex_);
  if (kept_.empty() || !budget_.try_take(kept_.back().capacity())) return buffer;
  buffer = std::move(kept_.back());
  kept_.pop_back();
  buffer.budget_ = &budget_;
  return buffer;
}

Status BufferPool::grow(Buffer& buffer, size_t bytes) {
  Buffer larger = take();
  if (larger.capacity() < bytes) {
    give(std::move(larger));
    return buffer.reserve(bytes);
  }
  std::memcpy(larger.data(), buffer.data(), buffer.size());
  larger.advance(buffer.size());
  buffer = std::move(larger);
  return {};
}

void BufferPool::give(Buffer buffer) {
  if (buffer.capacity() < kKeptBytesMin || buffer.capacity() > kKeptBytesMax) return;
  base::MutexLock lock(mutex_);
  if (kept_.size() >= kBuffersMax) return;
  budget_.give_back(buffer.capacity());
  buffer.budget_ = nullptr;
  buffer.clear();
  kept_.push_back(std::move(buffer));
}

}  // namespace clew::net
