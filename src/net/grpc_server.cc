// gRPC's own decompression is switched off: it knows no limit on what comes out. Messages arrive as sent and are
// undone here under the budget; the first bytes tell gzip and zlib from protobuf, whose messages cannot begin so.
#include "net/grpc_server.h"

#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstring>

#include "net/decompress.h"
#include "net/status.h"

namespace clew::net {
namespace {

Encoding encoding_of(std::string_view message) {
  if (message.size() > 18 && message.starts_with("\x1f\x8b\x08")) return Encoding::kGzip;
  if (message.size() > 6 && message[0] == '\x78' &&
      ((static_cast<unsigned char>(message[0]) << 8) | static_cast<unsigned char>(message[1])) % 31 == 0) {
    return Encoding::kDeflate;
  }
  return Encoding::kIdentity;
}

class Service;

class Call final : public grpc::ServerGenericBidiReactor {
 public:
  Call(Service& service, grpc::GenericCallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnDone() override { self_.reset(); }
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }

  const grpc::GenericCallbackServerContext& context() const { return *context_; }
  void finish(Result<std::string> message);
  void finish_with(grpc::Status status);

  Service& service_;
  grpc::GenericCallbackServerContext* context_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  Buffer body_;
  std::atomic<bool> cancelled_{false};
  // Alive until both gRPC (OnDone) and the handler have let go.
  std::shared_ptr<Call> self_;
};

class CallOf final : public GrpcCall {
 public:
  explicit CallOf(std::shared_ptr<Call> call) : call_(std::move(call)) { peer_ = call_->context().peer(); }
  ~CallOf() override {
    if (!answered_) call_->finish(Error(Code::kInternal, "no answer"));
  }
  std::string_view method() const override { return call_->context().method(); }
  std::string_view metadata(std::string_view key) const override {
    const auto& all = call_->context().client_metadata();
    auto found = all.find(grpc::string_ref(key.data(), key.size()));
    if (found == all.end()) return {};
    return {found->second.data(), found->second.size()};
  }
  std::string_view peer() const override { return peer_; }
  std::string_view body() const override { return call_->body_.size() == 0 ? std::string_view() : call_->body_.view(); }
  void release_body() override { call_->body_.reset(); }
  void answer(Result<std::string> message) override {
    answered_ = true;
    call_->finish(std::move(message));
  }
  void answer_unimplemented() override {
    answered_ = true;
    call_->finish_with({grpc::StatusCode::UNIMPLEMENTED, "unknown method " + call_->context().method()});
  }
  void answer_unauthenticated(const std::string& why) override {
    answered_ = true;
    call_->finish_with({grpc::StatusCode::UNAUTHENTICATED, why});
  }

 private:
  std::shared_ptr<Call> call_;
  std::string peer_;
  bool answered_ = false;
};

class Service final : public grpc::CallbackGenericService {
 public:
  Service(uint64_t message_bytes_max, GrpcServerParts parts)
      : message_bytes_max_(message_bytes_max),
        parts_(std::move(parts)),
        calls_(parts_.metrics.counter("clew_grpc_calls_total", "gRPC calls read")) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    calls_.add();
    auto call = std::make_shared<Call>(*this, context);
    call->self_ = call;
    return call.get();
  }

  const uint64_t message_bytes_max_;
  GrpcServerParts parts_;
  base::Counter& calls_;
};

Call::Call(Service& service, grpc::GenericCallbackServerContext* context)
    : service_(service), context_(context), body_(&service.parts_.budget) {
  StartRead(&in_);
}

// Takes the message into one buffer and undoes its compression.
Status unpack(const grpc::ByteBuffer& in, uint64_t bytes_max, MemoryBudget& budget, Buffer& body) {
  std::vector<grpc::Slice> slices;
  if (!in.Dump(&slices).ok()) return Error(Code::kInvalid, "unreadable message");
  Buffer raw(&budget);
  CLEW_TRY(raw.reserve(std::max<size_t>(in.Length(), 1)));
  for (const grpc::Slice& slice : slices) {
    std::memcpy(raw.free_space(), slice.begin(), slice.size());
    raw.advance(slice.size());
  }
  Encoding encoding = encoding_of(raw.view());
  if (encoding != Encoding::kIdentity) return decompress(encoding, raw.view(), bytes_max, body);
  raw.seal();
  body = std::move(raw);
  return {};
}

void Call::OnReadDone(bool ok) {
  std::shared_ptr<Call> alive = self_;
  if (!ok) {
    Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a call carries one message"));
    return;
  }
  Status unpacked = unpack(in_, service_.message_bytes_max_, service_.parts_.budget, body_);
  in_.Clear();
  if (!unpacked.ok()) return finish(std::move(unpacked).error());
  service_.parts_.handler(std::make_shared<CallOf>(std::move(alive)));
}

void Call::finish(Result<std::string> message) {
  body_.reset();
  if (!message.ok()) {
    const Error& error = message.error();
    if (is_retryable(error.code())) {
      int seconds = error.code() == Code::kFull ? kRetryAfterFullSeconds : kRetryAfterSeconds;
      context_->AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(seconds * 1000));
    }
    Finish(grpc::Status(static_cast<grpc::StatusCode>(grpc_status(error.code())), error.message()));
    return;
  }
  grpc::Slice slice(*message);
  out_ = grpc::ByteBuffer(&slice, 1);
  StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
}

void Call::finish_with(grpc::Status status) {
  body_.reset();
  Finish(std::move(status));
}

constexpr unsigned int kTlsLookSeconds = 1;

std::shared_ptr<grpc::ServerCredentials> credentials_of(const std::optional<TlsFiles>& tls) {
  if (!tls) return grpc::InsecureServerCredentials();
  namespace gx = grpc::experimental;
  auto files =
      std::make_shared<gx::FileWatcherCertificateProvider>(tls->key, tls->cert, tls->client_ca, kTlsLookSeconds);
  gx::TlsServerCredentialsOptions options(std::move(files));
  options.watch_identity_key_cert_pairs();
  if (!tls->client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return gx::TlsServerCredentials(options);
}

class Server final : public GrpcServer {
 public:
  Server(uint64_t message_bytes_max, GrpcServerParts parts)
      : credentials_(credentials_of(parts.tls)), service_(message_bytes_max, std::move(parts)) {}
  ~Server() override { drain(0); }

  Status listen(const Address& address, uint64_t message_bytes_max) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address.text(), credentials_, &port);
    builder.RegisterCallbackGenericService(&service_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(message_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) return Error(Code::kExists, "cannot listen on " + address.text() + " (gRPC)");
    address_ = {address.host, static_cast<uint16_t>(port)};
    return {};
  }
  const Address& address() const override { return address_; }
  void drain(uint32_t ms) override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(ms));
    server_->Wait();
    server_.reset();
  }

 private:
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  Address address_;
};

}  // namespace

Result<std::unique_ptr<GrpcServer>> start_grpc_server(const Address& listen, uint64_t message_bytes_max,
                                                      GrpcServerParts parts) {
  auto server = std::make_unique<Server>(message_bytes_max, std::move(parts));
  CLEW_TRY(server->listen(listen, message_bytes_max));
  return std::unique_ptr<GrpcServer>(std::move(server));
}

}  // namespace clew::net
