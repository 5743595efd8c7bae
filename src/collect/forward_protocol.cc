// Fluentd's forward protocol: msgpack messages of one event or many, acknowledged by `chunk` once they are stored,
// after a handshake where a shared key is set.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <random>

#include "collect/protocol.h"
#include "model/json_text.h"
#include "net/decompress.h"
#include "wire/forward.h"
#include "wire/msgpack_json.h"

namespace clew::collect {
namespace {

constexpr uint32_t kEntriesAtOnce = 4096;
constexpr size_t kHandshakeBytesMax = 8 << 10;
constexpr size_t kNonceBytes = 16;

std::string sha512_hex(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (std::string_view part : parts) all.append(part);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  EVP_Digest(all.data(), all.size(), digest, &bytes, EVP_sha512(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < bytes; ++i) {
    out.push_back(kHex[digest[i] >> 4]);
    out.push_back(kHex[digest[i] & 15]);
  }
  return out;
}

void append_text(std::string_view text, std::string& out) {
  out.push_back('\xdb');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(text.size() >> shift & 0xff));
  out.append(text);
}

class Forward final : public Protocol {
 public:
  Forward(EventBatcher& batcher, const ProtocolOptions& options)
      : batcher_(batcher), options_(options), rows_(batcher.rows(), batcher.json()) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view, const std::string&) override {}

  const ProtocolOptions& options() const { return options_; }
  EventBatcher& batcher() { return batcher_; }
  // Adds the events of a whole message. Errors: kInvalid, kTooLarge: nothing of what follows can be trusted.
  Status add(const wire::ForwardMessage& message, std::string_view from);

 private:
  EventBatcher& batcher_;
  const ProtocolOptions options_;
  wire::ForwardRows rows_;
};

Status Forward::add(const wire::ForwardMessage& message, std::string_view from) {
  net::Buffer plain(options_.budget);
  std::string_view entries = message.entries;
  if (!message.compressed.empty()) {
    net::Encoding encoding = CLEW_TRY(net::parse_encoding(message.compressed));
    CLEW_TRY(net::decompress(encoding, entries, net::kBodyBytesMax, plain));
    entries = plain.view();
  }
  (void)batcher_.arrive();
  rows_.begin(message, entries, from);
  wire::ForwardCounts counts;
  bool more = true;
  while (more) {
    uint32_t before = counts.rows;
    more = rows_.put(kEntriesAtOnce, counts);
    uint32_t added = counts.rows - before;
    // As many bytes as the entries have on average are good enough to say when a batch is full.
    batcher_.added(added, added == 0 ? 0 : entries.size() / (counts.rows + counts.rejected) * added);
  }
  batcher_.rejected("not_an_object", counts.rejected);
  if (counts.broken) return Error(Code::kInvalid, "malformed entries");
  return {};
}

class ForwardStream final : public net::Conversation {
 public:
  ForwardStream(Forward& forward, net::PeerPtr peer) : forward_(forward), peer_(std::move(peer)) {
    if (!forward_.options().shared_key.empty()) greet();
  }
  Result<size_t> take(std::string_view bytes, bool end) override;
  bool owes_answers() const override { return *owed_ > 0; }

 private:
  void greet();
  Status check_ping(std::string_view message);
  void answer_ping(bool known, std::string_view salt);
  Status take_message(std::string_view bytes);
  void acknowledge_later(uint64_t first, std::string chunk);

  Forward& forward_;
  const net::PeerPtr peer_;
  wire::MsgpackFrame frame_;
  std::string nonce_;                                     // while the peer has not shown that it knows the key
  std::shared_ptr<int> owed_ = std::make_shared<int>(0);  // acknowledgements
  std::shared_ptr<bool> ended_ = std::make_shared<bool>(false);
};

// ["HELO", {"nonce": ..., "auth": "", "keepalive": true}]
void ForwardStream::greet() {
  std::random_device entropy;
  while (nonce_.size() < kNonceBytes) nonce_.push_back(static_cast<char>(entropy()));
  std::string out("\x92", 1);
  append_text("HELO", out);
  out.push_back('\x83');
  append_text("nonce", out);
  append_text(nonce_, out);
  append_text("auth", out);
  append_text("", out);
  append_text("keepalive", out);
  out.push_back('\xc3');
  peer_->send(out);
}

// ["PING", hostname, salt, sha512(salt + hostname + nonce + key) in hex, user, password]
Status ForwardStream::check_ping(std::string_view message) {
  wire::MsgpackReader in(message);
  uint32_t parts = in.array();
  std::string_view word = in.text();
  std::string_view host = in.text();
  std::string_view salt = in.text();
  std::string_view digest = in.text();
  if (parts != 6 || word != "PING" || in.failed()) return Error(Code::kForbidden, "expected PING");
  std::string wanted = sha512_hex({salt, host, nonce_, forward_.options().shared_key});
  bool known = digest.size() == wanted.size() && CRYPTO_memcmp(digest.data(), wanted.data(), wanted.size()) == 0;
  answer_ping(known, salt);
  if (!known) return Error(Code::kForbidden, "a wrong shared key");
  nonce_.clear();
  return {};
}

// ["PONG", known, reason, hostname, digest]
void ForwardStream::answer_ping(bool known, std::string_view salt) {
  const std::string& host = forward_.options().own_host;
  std::string out("\x95", 1);
  append_text("PONG", out);
  out.push_back(known ? '\xc3' : '\xc2');
  append_text(known ? "" : "shared_key mismatch", out);
  append_text(host, out);
  append_text(known ? sha512_hex({salt, host, nonce_, forward_.options().shared_key}) : "", out);
  peer_->send(out);
}

Result<size_t> ForwardStream::take(std::string_view bytes, bool end) {
  size_t at = 0;
  while (at < bytes.size()) {
    using State = wire::MsgpackFrame::State;
    State state = frame_.look(bytes.substr(at));
    size_t bytes_max = nonce_.empty() ? forward_.options().message_bytes_max : kHandshakeBytesMax;
    Status done;
    if (frame_.bytes() > bytes_max) {
      done = Error(Code::kTooLarge, "a message over the limit");
    } else if (state == State::kBad) {
      done = Error(Code::kInvalid, "no msgpack");
    } else if (state == State::kMore) {
      break;
    } else {
      done = take_message(bytes.substr(at, frame_.bytes()));
    }
    if (!done.ok()) {
      forward_.batcher().rejected(code_name(done.error().code()), 1);
      return done.error();
    }
    at += frame_.bytes();
    frame_.reset();
  }
  if (end) *ended_ = true;
  return at;
}

Status ForwardStream::take_message(std::string_view bytes) {
  if (!nonce_.empty()) return check_ping(bytes);
  if (bytes == "\xc0") return {};  // a heartbeat
  wire::ForwardMessage message = CLEW_TRY(wire::read_forward_message(bytes));
  uint64_t first = forward_.batcher().number();
  CLEW_TRY(forward_.add(message, peer_->address()));
  if (!message.chunk.empty()) acknowledge_later(first, std::string(message.chunk));
  return {};
}

// {"ack": chunk}. What could not be stored is not acknowledged: the connection ends, and the peer sends it again.
void ForwardStream::acknowledge_later(uint64_t first, std::string chunk) {
  ++*owed_;
  forward_.batcher().when_stored(
      first, [peer = peer_, owed = owed_, ended = ended_, chunk = std::move(chunk)](const Status& status) {
        --*owed;
        if (!status.ok()) return peer->close();
        std::string out("\x81", 1);
        append_text("ack", out);
        append_text(chunk, out);
        peer->send(out);
        if (*ended && *owed == 0) peer->close();
      });
}

std::unique_ptr<net::Conversation> Forward::converse(const net::PeerPtr& peer) {
  return std::make_unique<ForwardStream>(*this, peer);
}

}  // namespace

ProtocolPtr make_forward_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Forward>(batcher, options);
}

}  // namespace clew::collect
