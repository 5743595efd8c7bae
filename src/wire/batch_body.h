// The body of POST /clew/v1/batches: encoded parts (docs/formats/batch.md), one per dataset, that are one commit.
//
// An agent has encoded its events already; here they become batches again, and what only the store may say is refused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/batch.h"
#include "wire/intake.h"

namespace clew::wire {

constexpr uint64_t kBatchTextBytesMax = 256u << 20;             // of the texts of a body's parts, decoded
constexpr uint32_t kBatchPartsMax = 10'000;                     // in one body: as many as there are datasets
constexpr uint32_t kBatchColumnsMax = model::kColumnsMax + 16;  // of a part, clew's own among them

// Appends a part to a body.
void append_part(std::string_view part, std::string& body);

// Parts of several datasets as one entry of a queue, so that they are there all or none, and stored so; one part is
// the entry as it is. Requires: at least one, none empty.
std::string join_parts(std::span<const std::string> parts);
// Appends the parts of an entry to a body.
void append_entry(std::string_view entry, std::string& body);

// A body that is refused whole, since it is one commit.
struct BatchRefusal {
  std::string_view reason;  // label of the counter: syntax, corrupt, unsupported, bad_name, own_field, too_large
  uint64_t events = 1;      // of the parts that could be read; 1 when none could
};

// Errors: kInvalid naming the part, kForbidden for a dataset that no client writes to, kTooLarge; `refusal` says more.
Result<Events> decode_batch_body(std::string_view body, BatchRefusal& refusal,
                                 uint64_t text_bytes_max = kBatchTextBytesMax);

}  // namespace clew::wire
