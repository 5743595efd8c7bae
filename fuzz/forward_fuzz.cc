// msgpack and the forward protocol. What becomes JSON is JSON; the end of a value that comes in pieces is where a
// reader of the whole finds it; every entry of a message is a row or refused.
#include <string>

#include "wire/forward.h"
#include "wire/json_scan.h"
#include "wire/msgpack_json.h"
#include "wire_check.h"

namespace {

using namespace clew;

void check_frame(std::string_view bytes) {
  wire::MsgpackFrame whole;
  wire::MsgpackFrame::State state = whole.look(bytes);
  wire::MsgpackFrame pieces;
  wire::MsgpackFrame::State last = wire::MsgpackFrame::State::kMore;
  for (size_t n = 0; n <= bytes.size() && last == wire::MsgpackFrame::State::kMore; ++n)
    last = pieces.look(bytes.substr(0, n));
  fuzz::require(last == state);
  if (state != wire::MsgpackFrame::State::kWhole) return;
  fuzz::require(pieces.bytes() == whole.bytes());
  wire::MsgpackReader reader(bytes.substr(0, whole.bytes()));
  reader.skip();
  fuzz::require(!reader.failed() && reader.at_end());
}

void check_json_of(std::string_view bytes) {
  wire::MsgpackReader reader(bytes);
  std::string json;
  if (!wire::append_json(reader, json)) return;
  // Bytes that are no UTF-8 stay what they are, so JSON by the letter it need not be.
  wire::SkipInfo info;
  const char* end = json.data() + json.size();
  const char* stop = wire::skip_value(json.data(), end, wire::Grammar::kIngest, wire::Newlines::kBlank, info);
  fuzz::require(stop == end);
}

void check_message(std::string_view bytes) {
  Result<wire::ForwardMessage> message = wire::read_forward_message(bytes);
  if (!message.ok()) return;
  model::Batch batch;
  wire::RowWriter writer;
  writer.attach(batch, fuzz::intake());
  wire::JsonEventReader json(writer);
  wire::ForwardRows rows(writer, json);
  rows.begin(*message, message->entries, "192.0.2.7");
  wire::ForwardCounts counts;
  while (rows.put(7, counts)) {
  }
  fuzz::require(counts.rows == batch.rows());
  for (const auto& column : batch.columns()) fuzz::require(column->rows_end() <= batch.rows());
  const model::Column* time = batch.find(model::kTimeField);
  fuzz::require(batch.rows() == 0 || (time != nullptr && time->values_count() == batch.rows()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  std::string_view input(reinterpret_cast<const char*>(data), bytes);
  if (bytes <= 4096) check_frame(input);
  check_json_of(input);
  check_message(input);
  return 0;
}
