// /clew/v1/queries: the list, and queries that go on without their client.
#include <charconv>

#include "api/async_queries.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

Json record_json(const query::QueryRecord& record) {
  return {{"id", record.id},
          {"query", record.text},
          {"started", rfc3339(record.started.get())},
          {"running", record.running},
          {"state", record.state},
          {"ms", static_cast<double>(record.stats.nanos) / 1e6},
          {"rows_scanned", record.stats.rows_scanned},
          {"bytes_read", record.stats.bytes_read},
          {"memory_bytes_peak", record.stats.memory_bytes_peak},
          {"granules_done", record.stats.granules_read + record.stats.granules_from_counts},
          {"granules_total", record.stats.granules_total}};
}

Result<uint64_t> id_of(const CallPtr& call) {
  const std::string& text = call->names[0];
  uint64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size()) return id;
  return Error(Code::kNotFound, "no query " + clew::quoted(text));
}

class Queries {
 public:
  explicit Queries(ServerParts& parts) : parts_(parts), async_(parts.clock) {}

  void list(const CallPtr& call) {
    Json list = Json::array();
    for (const query::QueryRecord& record : parts_.engine.queries()) {
      if (record.tenant == call->access.tenant.get()) list.push_back(record_json(record));
    }
    answer_json(call, {{"queries", std::move(list)}});
  }

  void cancel(const CallPtr& call) {
    Result<uint64_t> id = id_of(call);
    if (!id.ok()) return answer_error(*call, kShape, id.error());
    std::optional<query::QueryRecord> record = find(*id, call);
    if (!record || !record->running || !parts_.engine.cancel(*id)) {
      return answer_error(*call, kShape, Error(Code::kNotFound, "no running query " + std::to_string(*id)));
    }
    answer_json(call, {{"cancelled", *id}});
  }

  // Answers with the number; the query goes on on this thread of the pool.
  void begin(const CallPtr& call) {
    Result<SearchCall> search = read_search(parts_, call->access, call->request().body);
    if (!search.ok()) return answer_error(*call, kShape, search.error());
    if (auto failure = parts_.engine.check(search->request.text)) return answer_failure(call, *failure);
    Status room = async_.admit();
    if (!room.ok()) return answer_error(*call, kShape, room.error());
    std::string records;
    Begun writer(*search, records, [&](uint64_t id) {
      async_.began(id, call->access.tenant.get());
      call->exchange->answer({.status = 202, .headers = {}, .body = dump_json({{"id", id}}) + "\n"});
    });
    query::Outcome outcome = parts_.engine.run(search->request, writer, {});
    writer.finish(outcome);
    async_.ended(writer.id(), std::move(records), writer.begun() ? std::nullopt : std::move(outcome.failure));
  }

  void show(const CallPtr& call) {
    Result<uint64_t> id = id_of(call);
    if (!id.ok()) return answer_error(*call, kShape, id.error());
    std::optional<query::QueryRecord> record = find(*id, call);
    if (!record) return answer_error(*call, kShape, Error(Code::kNotFound, "no query " + std::to_string(*id)));
    Json out = record_json(*record);
    std::optional<AsyncState> kept = async_.find(*id, call->access.tenant.get());
    out["kept"] = kept && !kept->running;
    answer_json(call, out);
  }

  void result(const CallPtr& call) {
    Result<uint64_t> id = id_of(call);
    if (!id.ok()) return answer_error(*call, kShape, id.error());
    std::optional<AsyncState> kept = async_.find(*id, call->access.tenant.get());
    if (!kept) {
      return answer_error(*call, kShape,
                          Error(Code::kNotFound, "no result of query " + std::to_string(*id) +
                                                     ": results of POST /clew/v1/queries are kept for ten minutes"));
    }
    if (kept->running) {
      return answer_error(*call, kShape, Error(Code::kExists, "query " + std::to_string(*id) + " still runs"));
    }
    if (kept->failure) return answer_failure(call, *kept->failure);
    call->exchange->answer({.content_type = "application/x-ndjson", .headers = {}, .body = std::move(kept->records)});
  }

 private:
  // Keeps the records, and says when the query has its number.
  class Begun final : public query::Receiver {
   public:
    Begun(const SearchCall& search, std::string& records, std::function<void(uint64_t)> named)
        : named_(std::move(named)), writer_(search, [&records](std::string piece) {
            records += piece;
            return records.size() <= kAsyncResultBytesMax;
          }) {}
    void registered(uint64_t id) override {
      id_ = id;
      writer_.registered(id);
      named_(id);
    }
    Status begin(const std::vector<query::OutputColumn>& schema) override { return writer_.begin(schema); }
    Status rows(const query::RowBatch& batch) override { return writer_.rows(batch); }
    void finish(const query::Outcome& outcome) { writer_.finish(outcome); }
    bool begun() const { return writer_.begun(); }
    uint64_t id() const { return id_; }

   private:
    std::function<void(uint64_t)> named_;
    RecordWriter writer_;
    uint64_t id_ = 0;
  };

  std::optional<query::QueryRecord> find(uint64_t id, const CallPtr& call) const {
    for (const query::QueryRecord& record : parts_.engine.queries()) {
      if (record.id == id && record.tenant == call->access.tenant.get()) return record;
    }
    return std::nullopt;
  }

  ServerParts& parts_;
  AsyncQueries async_;
};

}  // namespace

std::vector<Route> async_routes(ServerParts& parts) {
  auto queries = std::make_shared<Queries>(parts);
  auto route = [queries](const char* method, const char* pattern, Place place,
                         void (Queries::*handler)(const CallPtr&)) {
    return Route{method, pattern, Need::kRead,
                 place,  kShape,  [queries, handler](CallPtr call) { ((*queries).*handler)(call); }};
  };
  return {
      route("GET", "/clew/v1/queries", Place::kHere, &Queries::list),
      route("POST", "/clew/v1/queries", Place::kPool, &Queries::begin),
      route("GET", "/clew/v1/queries/{ID}", Place::kHere, &Queries::show),
      route("DELETE", "/clew/v1/queries/{ID}", Place::kHere, &Queries::cancel),
      route("GET", "/clew/v1/queries/{ID}/result", Place::kPool, &Queries::result),
  };
}

}  // namespace clew::api
