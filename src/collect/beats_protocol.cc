// Lumberjack 2: windows of JSON events, acknowledged by number once they are stored. While a peer waits it is told
// every few seconds that nothing is lost, or it would take the connection for dead.
#include "collect/protocol.h"
#include "net/decompress.h"
#include "wire/json_scan.h"
#include "wire/lumberjack.h"

namespace clew::collect {
namespace {

constexpr uint32_t kKeepAliveMs = 3000;

class Beats final : public Protocol {
 public:
  Beats(EventBatcher& batcher, const ProtocolOptions& options) : batcher_(batcher), options_(options) {}

  std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) override;
  void take_datagram(std::string_view, const std::string&) override {}

  EventBatcher& batcher() { return batcher_; }
  const ProtocolOptions& options() const { return options_; }
  // Adds an event; what is no object is counted.
  void add(std::string_view json, std::string_view from) {
    wire::RowWriter& rows = batcher_.rows();
    const char* end = json.data() + json.size();
    const char* begin = wire::scan::blanks<wire::Newlines::kBlank>(json.data(), end);
    if (begin == end || *begin != '{') return batcher_.rejected("not_an_object", 1);
    rows.begin_row();
    const char* after = batcher_.json().read(begin, end, wire::Newlines::kBlank);
    if (after == nullptr || wire::scan::blanks<wire::Newlines::kBlank>(after, end) != end) {
      rows.abandon_row();
      return batcher_.rejected("syntax", 1);
    }
    wire::Field* address = rows.field("log.source.address");
    if (!from.empty() && !rows.has(address)) {
      rows.note_origin(address, model::Origin::kResource);
      rows.add_string(address, from);
    }
    rows.end_row();
    batcher_.added(1, json.size());
  }

 private:
  EventBatcher& batcher_;
  const ProtocolOptions options_;
};

class BeatsStream final : public net::Conversation {
 public:
  BeatsStream(Beats& beats, net::PeerPtr peer) : beats_(beats), state_(std::make_shared<State>()) {
    state_->peer = std::move(peer);
  }
  ~BeatsStream() override { state_->peer.reset(); }

  Result<size_t> take(std::string_view bytes, bool end) override;
  bool owes_answers() const override { return state_->owed > 0; }

 private:
  // What acknowledgements on their way need; they may outlive the conversation.
  struct State {
    net::PeerPtr peer;  // null once the connection is gone
    unsigned owed = 0;
    bool ended = false;
    bool telling = false;  // the keep-alive runs
  };
  using StatePtr = std::shared_ptr<State>;

  Result<size_t> take_frames(std::string_view bytes, bool compressed);
  Status take_frame(const wire::LumberjackFrame& frame, bool compressed);
  void acknowledge_later(uint64_t first, uint32_t number);
  static void keep_alive(EventBatcher& batcher, const StatePtr& state);

  Beats& beats_;
  const StatePtr state_;
  uint32_t number_ = 0;  // of the last event
  bool has_events_ = false;
  std::string text_;
};

Result<size_t> BeatsStream::take(std::string_view bytes, bool end) {
  (void)beats_.batcher().arrive();
  uint64_t first = beats_.batcher().number();
  has_events_ = false;
  Result<size_t> taken = take_frames(bytes, false);
  if (!taken.ok()) beats_.batcher().rejected(code_name(taken.error().code()), 1);
  if (has_events_) acknowledge_later(first, number_);
  state_->ended = end;
  return taken;
}

Result<size_t> BeatsStream::take_frames(std::string_view bytes, bool compressed) {
  size_t at = 0;
  while (true) {
    std::optional<wire::LumberjackFrame> frame =
        CLEW_TRY(wire::read_lumberjack_frame(bytes.substr(at), beats_.options().message_bytes_max));
    if (!frame) return at;
    CLEW_TRY(take_frame(*frame, compressed));
    at += frame->bytes;
  }
}

Status BeatsStream::take_frame(const wire::LumberjackFrame& frame, bool compressed) {
  using Kind = wire::LumberjackFrame::Kind;
  if (frame.kind == Kind::kWindow) return {};
  if (frame.kind == Kind::kCompressed) {
    if (compressed) return Error(Code::kInvalid, "compressed twice");
    net::Buffer plain(beats_.options().budget);
    CLEW_TRY(net::decompress(net::Encoding::kDeflate, frame.payload, net::kBodyBytesMax, plain));
    size_t taken = CLEW_TRY(take_frames(plain.view(), true));
    if (taken != plain.size()) return Error(Code::kInvalid, "a frame is cut inside a compressed one");
    return {};
  }
  number_ = frame.number;
  has_events_ = true;
  std::string_view json = frame.payload;
  if (frame.kind == Kind::kData) {
    text_.clear();
    wire::append_lumberjack_pairs(frame.payload, text_);
    json = text_;
  }
  beats_.add(json, state_->peer->address());
  return {};
}

void BeatsStream::acknowledge_later(uint64_t first, uint32_t number) {
  ++state_->owed;
  if (!std::exchange(state_->telling, true)) keep_alive(beats_.batcher(), state_);
  beats_.batcher().when_stored(first, [state = state_, number](const Status& status) {
    --state->owed;
    if (state->peer == nullptr) return;
    net::PeerPtr peer = state->peer;
    if (!status.ok()) return peer->close();  // it sends them again
    peer->send(wire::lumberjack_acknowledgement(number));
    if (state->ended && state->owed == 0) peer->close();
  });
}

// Number 0 acknowledges nothing, and shows that we are there.
void BeatsStream::keep_alive(EventBatcher& batcher, const StatePtr& state) {
  batcher.after(kKeepAliveMs, [&batcher, state] {
    state->telling = state->owed > 0 && state->peer != nullptr;
    if (!state->telling) return;
    state->peer->send(wire::lumberjack_acknowledgement(0));
    keep_alive(batcher, state);
  });
}

std::unique_ptr<net::Conversation> Beats::converse(const net::PeerPtr& peer) {
  return std::make_unique<BeatsStream>(*this, peer);
}

}  // namespace

ProtocolPtr make_beats_protocol(EventBatcher& batcher, const ProtocolOptions& options) {
  return std::make_unique<Beats>(batcher, options);
}

}  // namespace clew::collect
