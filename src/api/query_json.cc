#include "api/query_json.h"

#include "query/encode.h"
#include "text/valid_utf8.h"

namespace clew::api {

std::shared_ptr<std::stop_source> stop_when_gone(const CallPtr& call) {
  auto stop = std::make_shared<std::stop_source>();
  call->exchange->on_disconnect([stop] { stop->request_stop(); });
  return stop;
}

Json failure_json(const query::Failure& failure) {
  return {{"error",
           {{"code", std::string(query::failure_code(failure.kind))},
            {"reason", failure.reason},
            {"line", failure.line},
            {"column", failure.column},
            {"length", failure.length},
            {"suggestions", failure.suggestions},
            {"status", query::failure_status(failure.kind)}}}};
}

Json stats_json(const query::QueryStats& stats) {
  Json stages = Json::array();
  for (const query::StageStats& stage : stats.stages) {
    stages.push_back({{"name", stage.name},
                      {"rows_in", stage.rows_in},
                      {"rows_out", stage.rows_out},
                      {"ms", static_cast<double>(stage.nanos) / 1e6}});
  }
  return {{"rows_scanned", stats.rows_scanned},
          {"rows_matched", stats.rows_matched},
          {"rows_returned", stats.rows_returned},
          {"granules_total", stats.granules_total},
          {"granules_read", stats.granules_read},
          {"granules_pruned_by_time", stats.granules_pruned_by_time},
          {"granules_pruned_by_stats", stats.granules_pruned_by_stats},
          {"granules_pruned_by_index", stats.granules_pruned_by_index},
          {"granules_from_counts", stats.granules_from_counts},
          {"bytes_read", stats.bytes_read},
          {"column_reads", stats.column_reads},
          {"index_reads", stats.index_reads},
          {"blocks_decoded", stats.blocks_decoded},
          {"memory_bytes_peak", stats.memory_bytes_peak},
          {"ms", static_cast<double>(stats.nanos) / 1e6},
          {"stages", std::move(stages)}};
}

Json value_json(const model::Value& value) {
  std::string text;
  query::append_json(value, text);
  return Json::parse(text::valid_utf8(std::move(text)), nullptr, false);
}

void answer_json(const CallPtr& call, const Json& json) {
  call->exchange->answer({.headers = {}, .body = dump_json(json) + "\n"});
}

void answer_failure(const CallPtr& call, const query::Failure& failure) {
  call->exchange->answer(
      {.status = query::failure_status(failure.kind), .headers = {}, .body = dump_json(failure_json(failure)) + "\n"});
}

Result<explore::Question> read_question(const ServerParts& parts, const contract::Access& access, const Json& body) {
  explore::Question question;
  std::optional<std::string> text = CLEW_TRY(text_member(body, "query"));
  question.query = text.value_or("");
  question.access = access;
  question.limits = parts.settings.now().query_limits;
  question.range = CLEW_TRY(range_members(body, parts.clock));
  std::optional<uint64_t> timeout_ms = CLEW_TRY(number_member(body, "timeout_ms", kTimeoutMillisMax));
  if (timeout_ms) question.limits.millis = *timeout_ms;
  return question;
}

void add_cost(const explore::Cost& cost, Json& answer) {
  answer["answer"] = cost.exactness.text();
  answer["stats"] = stats_json(cost.stats);
  answer["stats"].erase("stages");
}

}  // namespace clew::api
