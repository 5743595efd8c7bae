// Elasticsearch's _bulk: action lines and documents in, per-item results out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/event_sink.h"
#include "wire/intake.h"

namespace clew::wire {

enum class BulkOp : uint8_t { kIndex, kCreate, kUpdate, kDelete };

struct BulkItem {
  BulkOp op = BulkOp::kIndex;
  uint16_t status = 201;  // 201, or why not: 400, 403, 409
  uint32_t index = 0;     // into BulkRequest::indexes
  uint32_t batch = 0;     // where the event lies, of items with status 201
  uint32_t row = 0;
  uint32_t id_begin = 0;  // into BulkRequest::ids; empty when the client gave none
  uint32_t id_bytes = 0;
  bool has_row = false;  // false: nothing was taken, see status and error
  uint32_t error = 0;    // into BulkRequest::errors, of items with another status
};

struct BulkError {
  std::string type;  // Elasticsearch's name: document_parsing_exception ...
  std::string reason;
};

struct BulkRequest {
  Events events;                             // move events.batches into the Write
  std::vector<contract::CreateRow> creates;  // and these
  std::vector<BulkItem> items;
  std::vector<std::string> indexes;
  std::vector<BulkError> errors;
  std::string ids;
  std::vector<uint32_t> first_rows;  // of each batch: rows in the batches before it
};

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class BulkDecoder {
 public:
  BulkDecoder();
  ~BulkDecoder();

  // `default_index` is that of the path, or empty; without either the dataset of the intake. Documents that cannot be
  // taken get a result of their own and leave the others alone. Errors: kInvalid for what Elasticsearch refuses as a
  // whole: an action line that is none, a body that does not end in
  //         a newline, no action at all. Nothing is taken then.
  Result<BulkRequest> decode(std::string_view body, std::string_view default_index, const Intake& intake);

  // The one document of POST /INDEX/_doc, PUT /INDEX/_doc/ID and /INDEX/_create/ID; id may be empty.
  BulkRequest decode_document(std::string_view body, std::string_view index, std::string_view id, BulkOp op,
                              const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Which parts of the answer the client asked for by `filter_path`.
struct BulkReplyFilter {
  bool took = true;
  bool errors = true;
  bool items = true;     // any of the following
  bool identity = true;  // _index, _id
  bool result = true;    // _version, result, _shards, _seq_no, _primary_term
  bool status = true;
  bool error = true;
};
// "errors,items.*.status" and the like; an empty text asks for everything, unknown paths for nothing.
BulkReplyFilter parse_filter_path(std::string_view filter_path);

// The answer to _bulk. `ack` is null when nothing was written because no item could be taken.
std::string bulk_reply(const BulkRequest& request, const contract::Ack* ack, uint64_t took_ms,
                       const BulkReplyFilter& filter = {});
// The answer to a single document: the body, and its status (201, 400, 403, 409).
struct DocumentReply {
  uint16_t status = 201;
  std::string body;
};
DocumentReply document_reply(const BulkRequest& request, const contract::Ack* ack);

}  // namespace clew::wire
