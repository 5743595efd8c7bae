#include "queue/queue_record.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hash.h"

namespace clew::queue {
namespace {

constexpr std::string_view kStateMagic = "clewqueu";
constexpr uint64_t kCrcFrom = 12;  // the magic and the checksum itself are not summed
constexpr uint64_t kProducerBytesMax = 256;
constexpr uint64_t kSourcesMax = kPlacesBytesMax / 2;  // each takes at least its two lengths

// A key and its place; both are cut off by the reader when they are longer than allowed.
bool read_place(base::Reader& in, contract::QueuePlace& out) {
  uint64_t source_bytes = in.varint_max(kSourceBytesMax);
  out.source = std::string(in.bytes(source_bytes));
  uint64_t place_bytes = in.varint_max(kPlacesBytesMax);
  out.place = std::string(in.bytes(place_bytes));
  return !in.failed() && !out.source.empty();
}

}  // namespace

std::string encode_record(const QueueRecord& record) {
  std::string out;
  base::Writer w(out);
  w.u8(kRecordTag);
  w.u8(kRecordVersion);
  w.varint(record.offset);
  w.varint(record.rows);
  w.varint(record.acknowledged);
  w.i64(record.appended_at);
  w.u32(record.batch_crc);
  w.varint(record.places.size());
  for (const contract::QueuePlace& place : record.places) {
    w.string(place.source);
    w.string(place.place);
  }
  return out;
}

Result<QueueRecord> decode_record(std::string_view meta) {
  base::Reader in(meta);
  if (in.u8() != kRecordTag) return Error(Code::kCorrupt, "not a record of a queue");
  uint8_t version = in.u8();
  if (version > kRecordVersion) {
    return Error(Code::kUnsupported, fmt::format("queue record version {} is newer than this build", version));
  }
  QueueRecord record;
  record.offset = in.varint();
  record.rows = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  record.acknowledged = in.varint();
  record.appended_at = in.i64();
  record.batch_crc = in.u32();
  uint64_t count = in.varint_max(kPlacesMax);
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    contract::QueuePlace place;
    if (!read_place(in, place)) return Error(Code::kCorrupt, "a place of a queue record");
    record.places.push_back(std::move(place));
  }
  CLEW_TRY(in.finish());
  if (version == 0 || record.offset == 0 || record.acknowledged >= record.offset) {
    return Error(Code::kCorrupt, "offsets of a queue record");
  }
  return record;
}

std::string describe_record(std::string_view meta) {
  if (meta.empty() || static_cast<uint8_t>(meta[0]) != kRecordTag) return {};
  Result<QueueRecord> record = decode_record(meta);
  if (!record.ok()) return record.error().message();
  std::string out =
      fmt::format("queue entry {}, {} rows, {} acknowledged", record->offset, record->rows, record->acknowledged);
  for (const contract::QueuePlace& place : record->places) {
    out += fmt::format(", {} at {}", clew::quoted(place.source), clew::quoted(place.place));
  }
  return out;
}

std::string encode_state(const QueueState& state) {
  std::string body;
  base::Writer w(body);
  w.string(state.producer);
  w.varint(state.reserved);
  w.varint(state.acknowledged);
  w.varint(state.applied);
  w.varint(state.appended_rows);
  w.varint(state.acknowledged_rows);
  w.varint(state.places.size());
  for (const auto& [source, place] : state.places) {
    w.string(source);
    w.string(place);
  }
  std::string out;
  base::Writer head(out);
  head.bytes(kStateMagic);
  head.u32(0);
  head.u32(kStateVersion);
  head.u64(state.generation);
  head.u32(static_cast<uint32_t>(body.size()));
  head.bytes(body);
  head.patch_u32(kStateMagic.size(), base::crc32c(std::string_view(out).substr(kCrcFrom)));
  return out;
}

Result<QueueState> decode_state(std::string_view bytes) {
  base::Reader in(bytes);
  if (in.bytes(kStateMagic.size()) != kStateMagic) return Error(Code::kCorrupt, "not the state of a queue");
  uint32_t crc = in.u32();
  uint32_t version = in.u32();
  QueueState state;
  state.generation = in.u64();
  uint32_t body_bytes = in.u32();
  std::string_view body = in.bytes(body_bytes);
  CLEW_TRY(in.status());
  if (base::crc32c(bytes.substr(kCrcFrom, kStateHeaderBytes - kCrcFrom + body_bytes)) != crc) {
    return Error(Code::kCorrupt, "the state of a queue fails its checksum");
  }
  if (version > kStateVersion) {
    return Error(Code::kUnsupported, fmt::format("queue state version {} is newer than this build", version));
  }
  base::Reader fields(body);
  uint64_t producer_bytes = fields.varint_max(kProducerBytesMax);
  state.producer = std::string(fields.bytes(producer_bytes));
  state.reserved = fields.varint();
  state.acknowledged = fields.varint();
  state.applied = fields.varint();
  state.appended_rows = fields.varint();
  state.acknowledged_rows = fields.varint();
  uint64_t count = fields.varint_max(kSourcesMax);
  for (uint64_t i = 0; i < count && !fields.failed(); ++i) {
    contract::QueuePlace place;
    if (!read_place(fields, place)) return Error(Code::kCorrupt, "a place of a queue's state");
    state.places[std::move(place.source)] = std::move(place.place);
  }
  CLEW_TRY(fields.finish());
  if (state.producer.empty()) return Error(Code::kCorrupt, "a queue without a name");
  return state;
}

}  // namespace clew::queue
