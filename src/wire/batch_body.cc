#include "wire/batch_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/bytes.h"
#include "columnar/part.h"
#include "model/batch.h"
#include "model/own_fields.h"
#include "model/shape.h"
#include "wire/index_name.h"

namespace clew::wire {
namespace {

constexpr std::string_view kJoinedMagic = "CLPS";  // no part begins so

// Columns of clew's own that an agent fills as a receiver here would; all others of these names belong to the store.
struct OwnColumn {
  std::string_view name;
  model::Kind kind;
};
constexpr OwnColumn kFilledByAgents[] = {
    {model::kTimeField, model::Kind::kTime},    {model::kRawField, model::Kind::kString},
    {model::kShapeField, model::Kind::kString}, {model::kIdField, model::Kind::kString},
    {model::kIndexField, model::Kind::kString}, {model::kFlagsField, model::Kind::kInt},
    {model::kRestField, model::Kind::kString},  {model::kWeightField, model::Kind::kInt},
    {model::kLineField, model::Kind::kString},
};

// A name that column_name() leaves alone is a field of a document, whatever it begins with.
bool is_own(std::string_view name) {
  std::string buffer;
  return model::column_name(name, buffer) != name;
}

Status check_own_column(const model::Column& column) {
  for (const OwnColumn& own : kFilledByAgents) {
    if (own.name != column.name()) continue;
    for (const model::KindRun& run : column.runs()) {
      if (run.kind == own.kind) continue;
      return Error(Code::kInvalid, fmt::format("the field {} has a value of another kind", clew::quoted(own.name)));
    }
    return {};
  }
  return Error(Code::kInvalid,
               fmt::format("the field {} belongs to the store: leave it out", clew::quoted(column.name())));
}

Status check_times(const model::Batch& batch) {
  const model::Column* times = batch.find(model::kTimeField);
  if (times != nullptr && times->values_count() == batch.rows()) return {};
  return Error(Code::kInvalid, "a row without `_time`");
}

Status refuse(BatchRefusal& refusal, std::string_view reason, Status status) {
  if (!status.ok()) refusal.reason = reason;
  return status;
}

std::string_view reason_of(Code code) {
  if (code == Code::kUnsupported) return "unsupported";
  return code == Code::kTooLarge ? "too_large" : "corrupt";
}

using Datasets = std::unordered_set<std::string>;

Status take_part(std::string_view part, uint64_t text_bytes_max, Datasets& datasets, Events& events,
                 BatchRefusal& refusal) {
  Result<model::Batch> decoded = columnar::decode_batch(part, text_bytes_max);
  if (!decoded.ok()) {
    Code code = decoded.error().code();
    refusal.reason = reason_of(code);
    // Not our damage but the sender's bytes: it must not come again with them.
    return Error(code == Code::kTooLarge ? code : Code::kInvalid, decoded.error().message());
  }
  model::Batch& batch = *decoded;
  events.received += batch.rows();
  refusal.events = events.received;
  CLEW_TRY(refuse(refusal, "bad_name", check_dataset_name(batch.dataset())));
  if (!datasets.insert(batch.dataset()).second) {
    refusal.reason = "syntax";
    return Error(Code::kInvalid, "a second part of the dataset " + clew::quoted(batch.dataset()) + ": join them");
  }
  if (batch.columns().size() > kBatchColumnsMax) {
    refusal.reason = "too_large";
    return Error(Code::kTooLarge, fmt::format("{} columns: further fields go to `_rest`", batch.columns().size()));
  }
  for (const auto& column : batch.columns()) {
    if (is_own(column->name())) CLEW_TRY(refuse(refusal, "own_field", check_own_column(*column)));
  }
  CLEW_TRY(refuse(refusal, "own_field", check_times(batch)));
  events.batches.push_back(std::move(batch));
  return {};
}

uint64_t text_bytes(const model::Batch& batch) {
  uint64_t bytes = 0;
  for (const auto& column : batch.columns()) bytes += column->text_ends().empty() ? 0 : column->text_ends().back();
  return bytes;
}

}  // namespace

void append_part(std::string_view part, std::string& body) {
  base::Writer w(body);
  w.u32(static_cast<uint32_t>(part.size()));
  w.bytes(part);
}

std::string join_parts(std::span<const std::string> parts) {
  if (parts.size() == 1) return parts.front();
  std::string entry(kJoinedMagic);
  for (const std::string& part : parts) append_part(part, entry);
  return entry;
}

void append_entry(std::string_view entry, std::string& body) {
  if (!entry.starts_with(kJoinedMagic)) return append_part(entry, body);
  body += entry.substr(kJoinedMagic.size());
}

Result<Events> decode_batch_body(std::string_view body, BatchRefusal& refusal, uint64_t text_bytes_max) {
  refusal = {.reason = "syntax"};
  if (body.empty()) return Error(Code::kInvalid, "a body without a part");
  base::Reader in(body);
  Events events;
  Datasets datasets;
  uint64_t text_bytes_left = text_bytes_max;
  for (uint32_t number = 1; in.remaining() > 0; ++number) {
    uint64_t at = in.position();
    uint32_t bytes = in.u32();
    std::string_view part = in.bytes(bytes);
    if (in.failed()) {
      return Error(Code::kInvalid, fmt::format("part {} at byte {} is longer than the body", number, at));
    }
    if (number > kBatchPartsMax) return Error(Code::kTooLarge, fmt::format("more than {} parts", kBatchPartsMax));
    Status taken = take_part(part, text_bytes_left, datasets, events, refusal);
    if (!taken.ok()) return std::move(taken).error().at(fmt::format("part {} at byte {}", number, at));
    text_bytes_left -= std::min(text_bytes_left, text_bytes(events.batches.back()));
  }
  return events;
}

}  // namespace clew::wire
