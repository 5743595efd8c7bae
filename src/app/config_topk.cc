// The keys of standing lists of the heaviest values.
#include <fmt/format.h>

#include "app/config_keys.h"
#include "topk/redis.h"
#include "topk/standing_list.h"

namespace clew::app {
namespace {

constexpr size_t kNameBytesMax = 100;
constexpr size_t kListsMax = 100;

Status set_list(ServeOptions& options, const std::string& name, const std::string& text) {
  bool named = !name.empty() && name.size() <= kNameBytesMax &&
               name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == name.npos;
  if (!named) return Error(Code::kInvalid, "a list's name has letters, digits, _, - and .");
  if (!options.topk_lists.contains(name) && options.topk_lists.size() >= kListsMax) {
    return Error(Code::kInvalid, fmt::format("more than {} lists", kListsMax));
  }
  topk::ListOptions list;
  list.name = name;
  list.question = CLEW_TRY(topk::parse_question(text));
  if (list.question.last_nanos == 0) list.question.last_nanos = topk::kLastDefaultNanos;
  Result<std::unique_ptr<topk::StandingList>> made = topk::StandingList::make(list, 0);
  if (!made.ok()) return std::move(made).error();
  options.topk_lists[name] = std::move(list);
  return {};
}

const ConfigEntry kEntries[] = {
    {{"topk.lists.*", "question", "none",
      "A list that is kept while events come: 10 by endpoint last 5m; docs/operate/top-k.md."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) { return set_list(o, n[0], text); }},
    {{"topk.redis", "url", "none", "Redis that the lists are kept in too, as sorted sets: redis://HOST:6379/0."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       Result<topk::RedisAddress> address = topk::parse_redis_address(text);
       if (!address.ok()) return Status(std::move(address).error());
       o.topk_redis = text;
       return Status();
     }},
};

}  // namespace

std::span<const ConfigEntry> topk_keys() { return kEntries; }

void check_topk(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  if (options.topk_redis.empty() || !options.topk_lists.empty()) return;
  mistakes.push_back(
      {0, "topk.redis is there and topk.lists is empty: write topk: {lists: {endpoints: 10 by endpoint last 5m}}"});
}

}  // namespace clew::app
