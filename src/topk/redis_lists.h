// Standing lists in Redis: each is a sorted set, and a hash that says what it is.
//
//   clew:top:NAME        the values with their sums: ZREVRANGE clew:top:NAME 0 9 WITHSCORES. Of several fields a JSON
//                        list is the member.
//   clew:top:NAME:about  ask, from, to, answer ("exact" or "bounded"), bound, total, keys
//
// A list is replaced as a whole, so nobody sees half of one; what Redis forgot, or had from an earlier run, is right
// again with the next writing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "topk/answer.h"
#include "topk/redis.h"
#include "topk/standing_list.h"

namespace clew::topk {

// Threads: one at a time.
class RedisLists {
 public:
  RedisLists(RedisAddress address, base::Registry& metrics);

  // Errors: those of Redis::call; kIo for what Redis answers with an error. They are counted.
  Status write(const std::vector<std::pair<ListOptions, TopAnswer>>& lists);
  static std::string key_of(const std::string& list) { return "clew:top:" + list; }
  // The commands that replace a list.
  static std::vector<std::vector<std::string>> commands_of(const ListOptions& list, const TopAnswer& answer);

 private:
  Status send(const std::vector<std::pair<ListOptions, TopAnswer>>& lists);

  Redis redis_;
  base::Counter& written_;
  base::Counter& failures_;
};

}  // namespace clew::topk
