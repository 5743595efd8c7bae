#include "topk/redis_lists.h"

#include <fmt/format.h>

#include "model/json_text.h"

namespace clew::topk {
namespace {

std::string member_of(const std::vector<std::string>& values) {
  if (values.size() == 1) return values[0];
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out.push_back(',');
    model::append_json_string(value, out);
  }
  return out + "]";
}

}  // namespace

RedisLists::RedisLists(RedisAddress address, base::Registry& metrics)
    : redis_(std::move(address)),
      written_(metrics.counter("clew_topk_redis_written_total", "Times that all standing lists were put into Redis")),
      failures_(metrics.counter("clew_topk_redis_failures_total",
                                "Times that standing lists could not be put into Redis: tried again")) {}

std::vector<std::vector<std::string>> RedisLists::commands_of(const ListOptions& list, const TopAnswer& answer) {
  std::string key = key_of(list.name);
  std::string fresh = key + ":new";
  std::vector<std::string> add = {"ZADD", fresh};
  for (const TopRow& row : answer.rows) {
    add.push_back(fmt::format("{}", row.sum));
    add.push_back(member_of(row.values));
  }
  std::vector<std::vector<std::string>> out = {{"MULTI"}, {"DEL", fresh}};
  if (answer.rows.empty()) {
    out.push_back({"DEL", key});
  } else {
    out.push_back(std::move(add));
    out.push_back({"RENAME", fresh, key});
  }
  const Question& question = list.question;
  std::string by;
  for (const std::string& field : question.by) by += (by.empty() ? "" : ",") + field;
  out.push_back({"HSET",   key + ":about",
                 "by",     by,
                 "weight", question.weight_text(),
                 "where",  question.where,
                 "from",   fmt::format("{}", answer.range.from / 1'000'000),
                 "to",     fmt::format("{}", answer.range.to / 1'000'000),
                 "answer", answer.is_exact() ? "exact" : "bounded",
                 "bound",  fmt::format("{}", answer.bound),
                 "total",  fmt::format("{}", answer.total),
                 "keys",   fmt::format("{}", answer.keys)});
  out.push_back({"EXEC"});
  return out;
}

Status RedisLists::send(const std::vector<std::pair<ListOptions, TopAnswer>>& lists) {
  std::vector<std::vector<std::string>> commands;
  for (const auto& [list, answer] : lists) {
    for (auto& command : commands_of(list, answer)) commands.push_back(std::move(command));
  }
  if (commands.empty()) return {};
  std::vector<RedisReply> replies = CLEW_TRY(redis_.call(commands));
  for (const RedisReply& reply : replies) {
    if (reply.kind == RedisReply::Kind::kError) return Error(Code::kIo, redis_.address().text() + ": " + reply.text);
  }
  return {};
}

Status RedisLists::write(const std::vector<std::pair<ListOptions, TopAnswer>>& lists) {
  Status sent = send(lists);
  (sent.ok() ? written_ : failures_).add();
  return sent;
}

}  // namespace clew::topk
