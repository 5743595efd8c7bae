// A lost mirror is filled again: GET gives the writes of this store under their keys, a page at a time, POST takes such
// pages. What is known by its key is not stored again.
#include <fmt/format.h>

#include <charconv>

#include "api/json_body.h"
#include "api/routes.h"
#include "columnar/part.h"
#include "logstore/stored_writes.h"
#include "process/error_group.h"
#include "wire/batch_body.h"
#include "wire/sync_body.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr const char* kContentType = "application/vnd.clew.sync";
constexpr uint64_t kPageBytesMax = 24u << 20;  // encoded; a page of one write may be more

// --- giving ----------------------------------------------------------------------------------------------------------

std::string encode_page(std::vector<logstore::StoredWrite>& writes) {
  columnar::BatchEncoder encoder(columnar::BatchEncoder::Use::kTransfer);
  std::string page;
  for (const logstore::StoredWrite& write : writes) {
    std::string body;
    for (const model::Batch& batch : write.batches) wire::append_part(encoder.encode(batch), body);
    wire::append_sync_write(fmt::format("{}:{}", write.key.producer, write.key.sequence), body, page);
  }
  return page;
}

Json head_of(const logstore::WritesPage& page) {
  uint64_t events = 0;
  uint64_t gone = 0;
  for (const logstore::StoredWrite& write : page.writes) {
    events += write.rows;
    gone += write.rows_gone;
  }
  return {{"next", page.next},
          {"committed", page.committed},
          {"batches", page.writes.size()},
          {"events", events},
          {"gone_events", gone},
          {"keyless_events", page.keyless_rows},
          {"unreadable_batches", page.unreadable_writes},
          {"quarantined_segments", page.quarantined_segments}};
}

Result<logstore::WritesRequest> read_request(const ServerParts& parts, const net::Request& asked) {
  logstore::WritesRequest request;
  for (const auto& [name, value] : asked.query) {
    if (name == "after") {
      auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), request.after);
      bool ok = error == std::errc() && stop == value.data() + value.size() && request.after < INT64_MAX;
      if (!ok) return Error(Code::kInvalid, "after: expected a number, not " + clew::quoted(value));
    } else if (name == "dataset") {
      request.dataset = value;
    } else if (name == "since") {
      int64_t age = CLEW_TRY(parse_duration(value));
      request.stored_since = parts.clock.now().get() - age;
    } else {
      return Error(Code::kInvalid, "no parameter " + clew::quoted(name) + ": after, dataset and since are known");
    }
  }
  return request;
}

void give(const ServerParts& parts, const CallPtr& call) {
  Result<logstore::WritesRequest> request = read_request(parts, call->request());
  if (!request.ok()) return answer_error(*call, kShape, request.error());
  while (true) {
    Result<logstore::WritesPage> page = parts.store.stored_writes(call->access, *request);
    if (!page.ok()) return answer_error(*call, kShape, page.error());
    std::string body = encode_page(page->writes);
    if (body.size() > kPageBytesMax && page->writes.size() > 1 && request->rows_max > 1) {
      request->rows_max /= 2;
      continue;
    }
    return call->exchange->answer(
        {.content_type = kContentType, .headers = {{"Clew-Sync", dump_json(head_of(*page))}}, .body = std::move(body)});
  }
}

// --- taking ----------------------------------------------------------------------------------------------------------

// Errors that another page or another try does not meet.
bool is_for_good(Code code) {
  return code == Code::kInvalid || code == Code::kForbidden || code == Code::kTooLarge || code == Code::kLimit;
}

// Counts the writes of a page as they are answered, and answers the page after the last.
//
// Threads: all functions on any thread.
class Taken {
 public:
  explicit Taken(CallPtr call) : call_(std::move(call)) {}

  void begin(size_t writes) {
    base::MutexLock lock(mutex_);
    left_ = writes;
  }

  void stored(uint64_t rows, bool duplicate) {
    end([&] { (duplicate ? duplicate_ : stored_) += rows; });
  }

  void refused(const std::string& key, uint64_t rows, const Error& error) {
    end([&] {
      if (!is_for_good(error.code())) {
        if (!later_) later_ = error;
        return;
      }
      rejected_ += rows;
      if (errors_.size() < wire::kRejectionsMax) errors_.push_back({{"batch", key}, {"reason", error.message()}});
    });
  }

 private:
  template <class Note>
  void end(Note note) {
    Json reply;
    {
      base::MutexLock lock(mutex_);
      note();
      if (--left_ > 0) return;
      reply = {{"stored", stored_}, {"duplicate", duplicate_}, {"rejected", rejected_}, {"errors", errors_}};
    }
    // Nobody else comes any more.
    if (later_) return answer_error(*call_, kShape, *later_);
    call_->exchange->answer({.headers = {}, .body = dump_json(reply) + "\n"});
  }

  CallPtr call_;
  base::Mutex mutex_;
  size_t left_ = 0;
  uint64_t stored_ = 0;
  uint64_t duplicate_ = 0;
  uint64_t rejected_ = 0;
  Json errors_ = Json::array();
  std::optional<Error> later_;
};

struct Incomer {
  explicit Incomer(ServerParts& p) : parts(p), counters(p.sources, "sync") {}

  void take(const CallPtr& call);
  // Events come as they were stored: no pipeline and no redaction may make others of them.
  void store(const CallPtr& call, contract::BatchKey key, wire::Events events, const std::shared_ptr<Taken>& taken);

  ServerParts& parts;
  SourceCounters counters;
};

// One write of a page, decoded.
struct Decoded {
  contract::BatchKey key;
  wire::Events events;
};

Result<std::vector<Decoded>> decode_page(std::string_view body) {
  std::vector<Decoded> out;
  for (const wire::SyncWrite& write : CLEW_TRY(wire::read_sync_page(body))) {
    std::optional<contract::BatchKey> key = CLEW_TRY(parse_batch_key(write.key));
    if (!key) return Error(Code::kInvalid, fmt::format("write {} has no key", out.size() + 1));
    wire::BatchRefusal refusal;
    Result<wire::Events> events = wire::decode_batch_body(write.body, refusal);
    if (!events.ok()) return std::move(events).error().at("batch " + clew::quoted(write.key));
    out.push_back({std::move(*key), std::move(events).take()});
  }
  return out;
}

void Incomer::store(const CallPtr& call, contract::BatchKey key, wire::Events events,
                    const std::shared_ptr<Taken>& taken) {
  uint64_t rows = events.received;
  for (model::Batch& batch : events.batches) process::add_error_groups(batch);
  FlagCounts flags;
  flags.add(events.batches);
  std::string name = fmt::format("{}:{}", key.producer, key.sequence);
  contract::Write write{
      .access = call->access, .key = std::move(key), .batches = std::move(events.batches), .creates = {}};
  parts.store.write(std::move(write), [this, rows, flags, name, taken](const Result<contract::Ack>& ack) {
    counters.written(rows, flags, ack);
    if (!ack.ok()) return taken->refused(name, rows, ack.error());
    taken->stored(rows, ack->duplicate);
  });
}

void Incomer::take(const CallPtr& call) {
  Result<std::vector<Decoded>> writes = decode_page(call->request().body);
  if (!writes.ok()) {
    counters.received(1);
    counters.rejected("syntax", 1);
    return answer_error(*call, kShape, writes.error());
  }
  call->exchange->release_body();
  std::vector<contract::BatchKey> keys;
  for (const Decoded& write : *writes) keys.push_back(write.key);
  std::vector<bool> known = parts.store.has_old_keys(call->access, keys);
  auto taken = std::make_shared<Taken>(call);
  taken->begin(writes->size());
  for (size_t i = 0; i < writes->size(); ++i) {
    Decoded& write = (*writes)[i];
    uint64_t rows = write.events.received;
    counters.received(rows);
    if (!known[i]) {
      store(call, std::move(write.key), std::move(write.events), taken);
      continue;
    }
    contract::Ack again{
        .key = write.key, .first_seq = {}, .first_row = 0, .rows = 0, .duplicate = true, .conflicts = {}};
    counters.written(rows, {}, Result<contract::Ack>(std::move(again)));
    taken->stored(rows, true);
  }
}

}  // namespace

std::vector<Route> sync_routes(ServerParts& parts) {
  auto incomer = std::make_shared<Incomer>(parts);
  Handler take = [incomer](CallPtr call) { incomer->take(call); };
  Handler offer = [&parts](CallPtr call) { give(parts, call); };
  return {
      {"GET", "/clew/v1/sync", Need::kRead, Place::kPool, kShape, offer},
      {"POST", "/clew/v1/sync", Need::kIngest, Place::kPool, kShape, take},
  };
}

}  // namespace clew::api
