// Syslog over datagrams and streams. A stream's first bytes say how its messages are told apart (RFC 6587): by a count
// before each, or by the newline that ends it.
#include <charconv>

#include "collect/line_frames.h"
#include "collect/protocol.h"
#include "process/syslog_rows.h"

namespace clew::collect {
namespace {

constexpr size_t kCountDigitsMax = 8;

class Syslog final : public Protocol {
 public:
  Syslog(EventBatcher& batcher, const ProtocolOptions& options)
      : batcher_(batcher),
        options_(options),
        rows_(batcher.rows(), options.raw ? process::KeepRaw::kAlways : process::KeepRaw::kWhereNeeded) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view bytes, const std::string& from) override {
    begin_read();
    bool cut = bytes.size() > options_.message_bytes_max;
    bool taken =
        add(bytes.substr(0, options_.message_bytes_max), from, cut ? process::Whole::kCut : process::Whole::kYes);
    batcher_.added(taken ? 1 : 0, bytes.size());
  }

  void begin_read() { rows_.arrive(batcher_.zone(), batcher_.arrive()); }
  bool add(std::string_view message, std::string_view from, process::Whole whole) {
    bool local = from.empty();
    return rows_.add(message, {from, local ? std::string_view(options_.own_host) : std::string_view()}, whole);
  }
  EventBatcher& batcher() { return batcher_; }
  size_t message_bytes_max() const { return options_.message_bytes_max; }

 private:
  EventBatcher& batcher_;
  const ProtocolOptions options_;
  process::SyslogRows rows_;
};

class SyslogStream final : public net::Conversation {
 public:
  SyslogStream(Syslog& syslog, std::string from)
      : syslog_(syslog), from_(std::move(from)), lines_('\n', syslog.message_bytes_max()) {}

  Result<size_t> take(std::string_view bytes, bool end) override {
    if (framing_ == Framing::kUnknown && !decide(bytes, end)) return 0;
    syslog_.begin_read();
    rows_ = 0;
    Result<size_t> taken = framing_ == Framing::kCounted ? take_counted(bytes, end) : take_lines(bytes, end);
    syslog_.batcher().added(rows_, bytes.size());
    if (!taken.ok()) syslog_.batcher().rejected("syntax", 1);
    return taken;
  }

 private:
  enum class Framing { kUnknown, kLines, kCounted };

  // Digits, a blank and "<" begin a counted message; false when that cannot be told yet.
  bool decide(std::string_view bytes, bool end) {
    size_t digits = 0;
    while (digits < bytes.size() && digits <= kCountDigitsMax && is_digit(bytes[digits])) ++digits;
    bool known = digits + 1 < bytes.size() || (digits < bytes.size() && bytes[digits] != ' ') || end;
    if (!known) return false;
    bool counted = digits > 0 && digits <= kCountDigitsMax && bytes[0] != '0' && digits + 1 < bytes.size() &&
                   bytes[digits] == ' ' && bytes[digits + 1] == '<';
    framing_ = counted ? Framing::kCounted : Framing::kLines;
    return true;
  }

  size_t take_lines(std::string_view bytes, bool end) {
    return lines_.split(bytes, end, [this](std::string_view line, process::Whole whole) { add(line, whole); });
  }

  Result<size_t> take_counted(std::string_view bytes, bool end) {
    size_t at = 0;
    while (at < bytes.size()) {
      if (left_of_cut_ > 0) {
        size_t pass = std::min(left_of_cut_, bytes.size() - at);
        left_of_cut_ -= pass;
        at += pass;
        continue;
      }
      if (bytes[at] == '\n' || bytes[at] == '\r') {  // some senders end a counted message all the same
        ++at;
        continue;
      }
      size_t count = 0;
      size_t head = CLEW_TRY(read_count(bytes.substr(at), count));
      if (head == 0) break;
      std::string_view message = bytes.substr(at + head, count);
      if (message.size() == count) {
        bool cut = count > syslog_.message_bytes_max();
        add(message.substr(0, syslog_.message_bytes_max()), cut ? process::Whole::kCut : process::Whole::kYes);
        at += head + count;
      } else if (end || message.size() >= syslog_.message_bytes_max()) {
        add(message.substr(0, syslog_.message_bytes_max()), process::Whole::kCut);
        left_of_cut_ = count - message.size();
        at = bytes.size();
      } else {
        break;
      }
    }
    return at;
  }

  // The bytes of "COUNT "; 0 when they have not all come.
  static Result<size_t> read_count(std::string_view bytes, size_t& count) {
    size_t digits = 0;
    while (digits < bytes.size() && is_digit(bytes[digits])) ++digits;
    if (digits == bytes.size() && digits <= kCountDigitsMax) return size_t{0};
    if (digits == 0 || digits > kCountDigitsMax || bytes[digits] != ' ') {
      return Error(Code::kInvalid, "expected the length of a message, not " + quoted(bytes.substr(0, digits + 1)));
    }
    std::from_chars(bytes.data(), bytes.data() + digits, count);
    return digits + 1;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void add(std::string_view message, process::Whole whole) { rows_ += syslog_.add(message, from_, whole) ? 1 : 0; }

  Syslog& syslog_;
  const std::string from_;
  LineFrames lines_;
  Framing framing_ = Framing::kUnknown;
  size_t left_of_cut_ = 0;  // bytes of a message that was too long
  uint32_t rows_ = 0;       // added by this read
};

std::unique_ptr<net::Conversation> Syslog::converse(const net::PeerPtr& peer) {
  return std::make_unique<SyslogStream>(*this, peer->address());
}

}  // namespace

ProtocolPtr make_syslog_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Syslog>(batcher, options);
}

}  // namespace clew::collect
