// What agents send: encoded batches, under keys that make a repetition known.
#include "api/agent_ledger.h"
#include "api/json_body.h"
#include "api/routes.h"
#include "process/sent_lines.h"
#include "wire/batch_body.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

struct Batches {
  explicit Batches(ServerParts& parts) : ingest(parts.ingest), ledger(parts.ledger), agent(parts.sources, "agent") {}

  void take(const CallPtr& call);

  Ingest& ingest;
  AgentLedger& ledger;
  SourceCounters agent;

 private:
  void refuse(const CallPtr& call, const AgentLedger::Batch& batch, std::string_view reason, const Error& error);
};

constexpr size_t kSourceBytesMax = 256;

std::string source_of(const net::Request& request) {
  return net::percent_decoded(request.header("clew-source"), false).substr(0, kSourceBytesMax);
}

Result<contract::BatchKey> key_of(const net::Request& request) {
  std::optional<contract::BatchKey> key = CLEW_TRY(parse_batch_key(request.header("clew-batch")));
  if (key) return std::move(*key);
  return Error(Code::kInvalid, "no header Clew-Batch: PRODUCER:SEQUENCE, which names the batch when it is sent again");
}

std::string batches_reply(uint64_t rows, bool duplicate) {
  return dump_json({{"stored", duplicate ? 0 : rows}, {"duplicate", duplicate ? rows : 0}, {"rejected", 0}}) + "\n";
}

void Batches::refuse(const CallPtr& call, const AgentLedger::Batch& batch, std::string_view reason,
                     const Error& error) {
  agent.received(batch.events);
  agent.rejected(reason, batch.events);
  ledger.rejected(call->access, batch);
  answer_error(*call, kShape, error);
}

// Refused whole or stored whole: a part that is wrong must not leave the others of its commit without it.
void Batches::take(const CallPtr& call) {
  Result<contract::BatchKey> key = key_of(call->request());
  wire::BatchRefusal refusal{.reason = "syntax"};
  if (!key.ok()) {
    agent.received(refusal.events);
    agent.rejected(refusal.reason, refusal.events);
    return answer_error(*call, kShape, key.error());
  }
  Result<wire::Events> events = ingest.clean(wire::decode_batch_body(call->request().body, refusal));
  AgentLedger::Batch said{.key = *key, .source = source_of(call->request()), .events = refusal.events};
  if (!events.ok()) return refuse(call, said, refusal.reason, events.error());
  said.events = events->received;
  call->exchange->release_body();
  for (model::Batch& batch : events->batches) {
    Result<model::Batch> read = process::read_sent_lines(std::move(batch));
    if (!read.ok()) return refuse(call, said, "syntax", ingest.clean(read.error()));
    batch = std::move(read).take();
  }
  said.flags.add(events->batches);
  Incoming incoming{.access = call->access, .key = *key, .events = std::move(events).take(), .creates = {}};
  ingest.write(agent, std::move(incoming),
               [this, call, said = std::move(said)](const contract::Ack* ack, const Error* error) mutable {
                 if (error != nullptr) return answer_error(*call, kShape, *error);
                 said.kept = ack == nullptr ? 0 : ack->rows;
                 said.seq = ack == nullptr ? 0 : ack->first_seq.get();
                 ledger.accepted(call->access, said);
                 bool duplicate = ack != nullptr && ack->duplicate;
                 call->exchange->answer({.headers = {}, .body = batches_reply(said.events, duplicate)});
               });
}

}  // namespace

std::vector<Route> batch_routes(ServerParts& parts) {
  auto batches = std::make_shared<Batches>(parts);
  Handler take = [batches](CallPtr call) { batches->take(call); };
  return {
      {"POST", "/clew/v1/batches", Need::kIngest, Place::kHere, kShape, take},
  };
}

}  // namespace clew::api
