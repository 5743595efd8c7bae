// A JSON object a line, over streams and datagrams: what Logstash's tcp and udp inputs and logstash-logback-encoder
// speak. A line that is no object is kept as text.
#include "collect/line_frames.h"
#include "collect/protocol.h"
#include "text/utf8.h"
#include "wire/json_scan.h"

namespace clew::collect {
namespace {

class JsonLines final : public Protocol {
 public:
  JsonLines(EventBatcher& batcher, const ProtocolOptions& options) : batcher_(batcher), options_(options) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view bytes, const std::string& from) override {
    LineFrames lines('\n', options_.message_bytes_max);
    (void)take(lines, bytes, true, from);
  }

  size_t take(LineFrames& lines, std::string_view bytes, bool end, std::string_view from) {
    (void)batcher_.arrive();
    uint32_t rows = 0;
    size_t taken = lines.split(
        bytes, end, [&](std::string_view line, process::Whole whole) { rows += add(line, from, whole) ? 1 : 0; });
    batcher_.added(rows, bytes.size());
    return taken;
  }
  size_t message_bytes_max() const { return options_.message_bytes_max; }

 private:
  bool add(std::string_view line, std::string_view from, process::Whole whole) {
    constexpr auto kNewlines = wire::Newlines::kBlank;
    const char* end = line.data() + line.size();
    const char* begin = wire::scan::blanks<kNewlines>(line.data(), end);
    if (begin == end) return false;
    wire::RowWriter& rows = batcher_.rows();
    rows.begin_row();
    if (*begin == '{' && whole == process::Whole::kYes) {
      const char* after = batcher_.json().read(begin, end, kNewlines);
      if (after != nullptr && wire::scan::blanks<kNewlines>(after, end) == end) {
        put_sender(rows, from);
        rows.end_row();
        return true;
      }
    }
    rows.abandon_row();
    add_text(line, from, whole);
    return true;
  }

  void add_text(std::string_view line, std::string_view from, process::Whole whole) {
    wire::RowWriter& rows = batcher_.rows();
    if (line.back() == '\r') line.remove_suffix(1);
    rows.begin_row();
    wire::Field* message = rows.field("message");
    rows.note_origin(message, model::Origin::kParser);
    rows.add_string(message, line);
    put_sender(rows, from);
    rows.set_raw(line);
    rows.flag(model::Flag::kParseError);
    if (whole == process::Whole::kCut) rows.flag(model::Flag::kTruncated);
    if (!text::is_valid_utf8(line)) rows.flag(model::Flag::kBadUtf8);
    rows.end_row();
  }

  static void put_sender(wire::RowWriter& rows, std::string_view from) {
    if (from.empty()) return;
    wire::Field* field = rows.field("log.source.address");
    if (rows.has(field)) return;
    rows.note_origin(field, model::Origin::kResource);
    rows.add_string(field, from);
  }

  EventBatcher& batcher_;
  const ProtocolOptions options_;
};

class JsonStream final : public net::Conversation {
 public:
  JsonStream(JsonLines& json, std::string from)
      : json_(json), from_(std::move(from)), lines_('\n', json.message_bytes_max()) {}
  Result<size_t> take(std::string_view bytes, bool end) override { return json_.take(lines_, bytes, end, from_); }

 private:
  JsonLines& json_;
  const std::string from_;
  LineFrames lines_;
};

std::unique_ptr<net::Conversation> JsonLines::converse(const net::PeerPtr& peer) {
  return std::make_unique<JsonStream>(*this, peer->address());
}

}  // namespace

ProtocolPtr make_json_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<JsonLines>(batcher, options);
}

}  // namespace clew::collect
