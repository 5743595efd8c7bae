// GELF over UDP, where large messages come in chunks and most are compressed, and over TCP, where a zero byte ends
// each.
#include <deque>
#include <unordered_map>

#include "collect/line_frames.h"
#include "collect/protocol.h"
#include "net/decompress.h"
#include "wire/gelf.h"

namespace clew::collect {
namespace {

constexpr int64_t kChunksWaitNanos = 5'000'000'000;  // the first chunk of a message for its last, as Graylog does
constexpr size_t kUnfinishedMax = 1000;
constexpr size_t kUnfinishedBytesMax = 32 << 20;  // of all chunks that wait

// Messages whose chunks have not all come.
class Unfinished {
 public:
  explicit Unfinished(EventBatcher& batcher) : batcher_(batcher) {}

  // The message, once its last chunk is there.
  std::string add(const wire::GelfChunk& chunk, const std::string& from, int64_t now) {
    std::string key = from + std::string(chunk.id);
    auto [it, is_new] = messages_.try_emplace(key);
    Message& message = it->second;
    if (is_new) {
      message.begun = now;
      message.count = chunk.count;
      order_.push_back({key, now});
    }
    std::string& piece = message.pieces[chunk.number];
    if (chunk.count != message.count || !piece.empty()) return {};  // a copy, or of another message
    piece = chunk.bytes;
    bytes_ += piece.size();
    if (++message.there < message.count) {
      expire(now);
      return {};
    }
    std::string whole;
    for (const std::string& each : message.pieces) whole += each;
    bytes_ -= whole.size();
    messages_.erase(it);
    expire(now);
    return whole;
  }
  // Lets go of what has waited too long, or is too much.
  void expire(int64_t now) {
    while (!order_.empty()) {
      const Entry& oldest = order_.front();
      auto it = messages_.find(oldest.key);
      bool there = it != messages_.end() && it->second.begun == oldest.begun;
      bool late = now - oldest.begun > kChunksWaitNanos || now < oldest.begun;
      bool many = messages_.size() > kUnfinishedMax || bytes_ > kUnfinishedBytesMax;
      if (there && !late && !many) return;
      if (there) {
        for (const std::string& piece : it->second.pieces) bytes_ -= piece.size();
        messages_.erase(it);
        batcher_.rejected("incomplete", 1);
      }
      order_.pop_front();
    }
  }

 private:
  struct Message {
    int64_t begun = 0;
    unsigned count = 0;
    unsigned there = 0;
    std::array<std::string, wire::kGelfChunksMax> pieces;
  };
  struct Entry {
    std::string key;
    int64_t begun;
  };
  EventBatcher& batcher_;
  std::unordered_map<std::string, Message> messages_;
  std::deque<Entry> order_;
  size_t bytes_ = 0;
};

class Gelf final : public Protocol {
 public:
  Gelf(EventBatcher& batcher, const ProtocolOptions& options)
      : batcher_(batcher), options_(options), rows_(batcher.rows(), batcher.json()), unfinished_(batcher) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view bytes, const std::string& from) override;

  // Adds a message that may be compressed; what it cannot is counted.
  void add(std::string_view message, std::string_view from);
  void begin_read() { (void)batcher_.arrive(); }
  EventBatcher& batcher() { return batcher_; }
  size_t message_bytes_max() const { return options_.message_bytes_max; }

 private:
  Status put(std::string_view message, std::string_view from);

  EventBatcher& batcher_;
  const ProtocolOptions options_;
  wire::GelfRows rows_;
  Unfinished unfinished_;
  net::Buffer plain_;
};

Status Gelf::put(std::string_view message, std::string_view from) {
  bool gzip = message.starts_with("\x1f\x8b");
  bool zlib = message.size() > 2 && message[0] == '\x78' && ((0x78 << 8) + static_cast<uint8_t>(message[1])) % 31 == 0;
  if (!gzip && !zlib) return rows_.put(message, from);
  plain_.clear();
  net::Encoding encoding = gzip ? net::Encoding::kGzip : net::Encoding::kDeflate;
  CLEW_TRY(net::decompress(encoding, message, options_.message_bytes_max, plain_));
  return rows_.put(plain_.view(), from);
}

void Gelf::add(std::string_view message, std::string_view from) {
  if (message.empty()) return;
  Status put_it = put(message, from);
  if (!put_it.ok()) return batcher_.rejected(code_name(put_it.error().code()), 1);
  batcher_.added(1, message.size());
}

void Gelf::take_datagram(std::string_view bytes, const std::string& from) {
  int64_t now = batcher_.arrive();
  Result<std::optional<wire::GelfChunk>> chunk = wire::read_gelf_chunk(bytes);
  if (!chunk.ok()) return batcher_.rejected(code_name(chunk.error().code()), 1);
  if (!chunk->has_value()) {
    unfinished_.expire(now);
    return add(bytes, from);
  }
  add(unfinished_.add(**chunk, from, now), from);
}

class GelfStream final : public net::Conversation {
 public:
  GelfStream(Gelf& gelf, std::string from)
      : gelf_(gelf), from_(std::move(from)), frames_('\0', gelf.message_bytes_max()) {}

  Result<size_t> take(std::string_view bytes, bool end) override {
    gelf_.begin_read();
    return frames_.split(bytes, end, [this](std::string_view message, process::Whole whole) {
      if (whole == process::Whole::kCut) return gelf_.batcher().rejected("too_large", 1);
      gelf_.add(message, from_);
    });
  }

 private:
  Gelf& gelf_;
  const std::string from_;
  LineFrames frames_;
};

std::unique_ptr<net::Conversation> Gelf::converse(const net::PeerPtr& peer) {
  return std::make_unique<GelfStream>(*this, peer->address());
}

}  // namespace

ProtocolPtr make_gelf_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Gelf>(batcher, options);
}

}  // namespace clew::collect
