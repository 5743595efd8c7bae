#include "grpc_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace clew::bench {

struct GrpcClient::State {
  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  explicit State(std::shared_ptr<grpc::Channel> c) : channel(c), stub(c) {}
};

GrpcClient::GrpcClient(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);  // a connection of its own for each client
  state_ = std::make_unique<State>(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
}

GrpcClient::~GrpcClient() = default;

int GrpcClient::export_logs(const std::string& request, std::string& answer) {
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::Slice slice(request.data(), request.size(), grpc::Slice::STATIC_SLICE);
  grpc::ByteBuffer out(&slice, 1);
  auto call =
      state_->stub.PrepareUnaryCall(&context, "/opentelemetry.proto.collector.logs.v1.LogsService/Export", out, &queue);
  call->StartCall();
  grpc::ByteBuffer in;
  grpc::Status status;
  int tag = 0;
  call->Finish(&in, &status, &tag);
  void* got = nullptr;
  bool ok = false;
  queue.Next(&got, &ok);
  answer = status.error_message();
  if (status.ok()) {
    std::vector<grpc::Slice> slices;
    if (in.Dump(&slices).ok()) {
      for (const grpc::Slice& s : slices) answer.append(reinterpret_cast<const char*>(s.begin()), s.size());
    }
  }
  queue.Shutdown();
  while (queue.Next(&got, &ok)) {
  }
  return static_cast<int>(status.error_code());
}

}  // namespace clew::bench
