// gRPC server for unary calls, as bytes: method names come in, protobuf is decoded elsewhere. grpc++ stays inside the
// .cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "net/address.h"
#include "net/buffer.h"
#include "net/tls.h"

namespace clew::net {

// One unary call and its answer.
//
// Threads:  one at a time; answer on any thread.
// Lifetime: held by whoever will answer; let go unanswered, it answers INTERNAL.
class GrpcCall {
 public:
  virtual ~GrpcCall() = default;
  virtual std::string_view method() const = 0;  // "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
  // Metadata values by key in lower case.
  virtual std::string_view metadata(std::string_view key) const = 0;
  virtual std::string_view peer() const = 0;
  // The request message, uncompressed; kBodyPaddingBytes of zeros follow. Empty after release_body().
  virtual std::string_view body() const = 0;
  virtual void release_body() = 0;

  // Ends the call, once: with a message, or with an error mapped by grpc_status().
  virtual void answer(Result<std::string> message) = 0;
  // The same with a status of one's own.
  virtual void answer_unimplemented() = 0;
  virtual void answer_unauthenticated(const std::string& why) = 0;
};
using GrpcCallPtr = std::shared_ptr<GrpcCall>;
// Runs on a thread of the server.
using GrpcHandler = std::function<void(GrpcCallPtr)>;

class GrpcServer {
 public:
  virtual ~GrpcServer() = default;
  virtual const Address& address() const = 0;
  // Refuses new calls and waits for those in flight, for at most `ms`.
  virtual void drain(uint32_t ms) = 0;
};

struct GrpcServerParts {
  MemoryBudget& budget;
  base::Registry& metrics;
  GrpcHandler handler;
  std::optional<TlsFiles> tls = std::nullopt;  // read again when they change
};

// Errors: kExists when the address is in use; kIo.
// Requires: the TLS files are good, see TlsServer::open.
Result<std::unique_ptr<GrpcServer>> start_grpc_server(const Address& listen, uint64_t message_bytes_max,
                                                      GrpcServerParts parts);

}  // namespace clew::net
