// A blocking OTLP/gRPC client for the load generator; grpc++ stays behind grpc_client.cc.
#pragma once

#include <memory>
#include <string>

namespace clew::bench {

// Threads: one at a time.
class GrpcClient {
 public:
  explicit GrpcClient(const std::string& target);
  ~GrpcClient();
  // Sends an ExportLogsServiceRequest; gives the gRPC status code (0 = OK) and sets `answer` to the response's bytes or
  // the error's text.
  int export_logs(const std::string& request, std::string& answer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::bench
