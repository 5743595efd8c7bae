#include "pieces.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace clew::crash {

std::string run_pieces(const Piece& piece) {
  std::atomic<uint64_t> next{0};
  std::atomic<bool> ended{false};
  base::Mutex mutex;
  uint64_t first_wrong = UINT64_MAX;
  std::string first;
  auto work = [&] {
    while (!ended) {
      uint64_t number = next.fetch_add(1);
      std::string wrong;
      if (!piece(number, wrong)) ended = true;
      if (wrong.empty()) continue;
      ended = true;
      base::MutexLock lock(mutex);
      if (number > first_wrong) continue;
      first_wrong = number;
      first = std::move(wrong);
    }
  };
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
  threads.clear();
  return first;
}

}  // namespace clew::crash
