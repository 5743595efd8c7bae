// The gRPC server through grpc++'s generic client, as bytes.
#include "net/grpc_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>

namespace clew::net {
namespace {

struct Answer {
  grpc::Status status;
  std::string message;
};

Answer call(const Address& address, const std::string& method, const std::string& body, bool gzip) {
  grpc::ChannelArguments arguments;
  if (gzip) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
  arguments.SetMaxSendMessageSize(-1);
  auto channel = grpc::CreateCustomChannel(address.text(), grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context.AddMetadata("clew-batch", "p:7");
  grpc::CompletionQueue queue;
  grpc::Slice slice(body);
  grpc::ByteBuffer request(&slice, 1);
  auto rpc = stub.PrepareUnaryCall(&context, method, request, &queue);
  rpc->StartCall();
  grpc::ByteBuffer reply;
  Answer answer;
  rpc->Finish(&reply, &answer.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (reply.Valid() && reply.Dump(&slices).ok()) {
    for (const grpc::Slice& s : slices) answer.message.append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  return answer;
}

class GrpcServerTest : public testing::Test {
 protected:
  void serve(GrpcHandler handler) {
    auto started = start_grpc_server({"127.0.0.1", 0}, kBodyBytesMax, {budget_, metrics_, std::move(handler)});
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(started).take();
  }
  MemoryBudget budget_{kBodyBudgetBytes};
  base::Registry metrics_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, BytesInBytesOut) {
  serve([](GrpcCallPtr c) {
    c->answer(std::string(c->method()) + "|" + std::string(c->metadata("clew-batch")) + "|" +
              std::to_string(c->body().size()) + "|" + std::string(c->body().substr(0, 3)));
  });
  std::string body(1'000'000, 'x');
  for (bool gzip : {false, true}) {
    Answer answer = call(server_->address(), "/a.B/Export", body, gzip);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.message, "/a.B/Export|p:7|1000000|xxx");
  }
  EXPECT_EQ(call(server_->address(), "/a.B/Export", "", false).message, "/a.B/Export|p:7|0|");
}

TEST_F(GrpcServerTest, ErrorsBecomeStatus) {
  serve([](GrpcCallPtr c) {
    if (c->method() == "/full") return c->answer(Error(Code::kFull, "disk full"));
    if (c->method() == "/busy") return c->answer(Error(Code::kOverloaded, "busy"));
    if (c->method() == "/none") return c->answer_unimplemented();
  });
  EXPECT_EQ(call(server_->address(), "/full", "x", false).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(call(server_->address(), "/busy", "x", false).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(call(server_->address(), "/none", "x", false).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(call(server_->address(), "/forgotten", "x", false).status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(GrpcServerTest, BombIsRefusedWithinTheBudget) {
  serve([](GrpcCallPtr c) { c->answer(std::to_string(c->body().size())); });
  Answer answer = call(server_->address(), "/a", std::string(100u << 20, 'x'), true);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << answer.status.error_message();
  EXPECT_NE(answer.status.error_message().find("larger than"), std::string::npos) << answer.status.error_message();
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

}  // namespace
}  // namespace clew::net
