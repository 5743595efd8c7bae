// _bulk bodies. Oracle: the answer is JSON with an item for each action, and counts and rows agree with it.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/batch_text.h"
#include "wire/es_bulk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  std::vector<char> exact(data, data + size);
  wire::Intake intake;
  intake.arrival = UnixNanos(1'795'171'025'000'000'000);
  wire::BulkDecoder decoder;
  Result<wire::BulkRequest> request = decoder.decode({exact.data(), exact.size()}, "web", intake);
  if (!request.ok()) return 0;
  uint64_t rows = 0;
  for (const model::Batch& batch : request->events.batches) {
    rows += batch.rows();
    for (uint32_t row = 0; row < batch.rows(); ++row) (void)model::row_document(batch, row);
  }
  CHECK(request->events.received == request->items.size());
  CHECK(request->events.received == rows + request->events.rejected);
  contract::Ack ack;
  ack.key = {"fuzz", 1};
  ack.first_seq = Seq(1);
  for (const contract::CreateRow& c : request->creates) {
    CHECK(c.batch < request->events.batches.size() && c.row < request->events.batches[c.batch].rows());
  }
  ack.conflicts = request->creates;
  auto reply = nlohmann::json::parse(wire::bulk_reply(*request, &ack, 1), nullptr, false);
  // Ids may hold bytes that are no UTF-8; they are given back as they came.
  if (reply.is_discarded()) return 0;
  CHECK(reply["items"].size() == request->items.size());
  return 0;
}
