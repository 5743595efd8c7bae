#include "api/router.h"

#include <gtest/gtest.h>

#include <atomic>

namespace clew::api {
namespace {

// An exchange that keeps what it is told.
class FakeExchange final : public net::Exchange {
 public:
  FakeExchange(const std::string& method, const std::string& path) {
    request_.method = method;
    request_.target = path;
    request_.path = path;
  }
  const net::Request& request() const override { return request_; }
  void release_body() override { request_.body = {}; }
  void answer(net::Response response) override {
    last = std::move(response);
    ++answers;  // tells the test's thread that `last` is there
  }
  void begin_stream(net::Response) override {}
  bool stream_write(std::string) override { return true; }
  void stream_end() override {}
  net::LiveStreamPtr begin_live(net::Response) override { return nullptr; }
  Result<net::LiveStreamPtr> accept_websocket(std::string) override { return Error(Code::kInvalid, "none here"); }
  void on_disconnect(std::function<void()>) override {}
  bool disconnected() const override { return false; }

  net::Request request_;
  std::atomic<int> answers{0};
  net::Response last;
};

class RouterTest : public testing::Test {
 protected:
  void route(const std::string& method, const std::string& pattern, Need need = Need::kRead) {
    router_.add({method, pattern, need, Place::kHere, ErrorShape::kClew, [pattern](const CallPtr& call) {
                   std::string body = pattern;
                   for (const std::string& name : call->names) body += "|" + name;
                   call->exchange->answer({.headers = {}, .body = body});
                 }});
  }
  net::Response ask(const std::string& method, const std::string& path, const std::string& origin = "") {
    auto exchange = std::make_shared<FakeExchange>(method, path);
    exchange->request_.headers = {{"host", "localhost:4320"}};
    if (!origin.empty()) exchange->request_.headers.emplace_back("origin", origin);
    router_.dispatch(exchange);
    EXPECT_EQ(exchange->answers, 1);
    return exchange->last;
  }

  net::Response ask_as(const std::string& peer, const std::string& method, const std::string& path,
                       std::vector<std::pair<std::string, std::string>> headers) {
    auto exchange = std::make_shared<FakeExchange>(method, path);
    exchange->request_.peer = peer;
    exchange->request_.headers = std::move(headers);
    router_.dispatch(exchange);
    EXPECT_EQ(exchange->answers, 1);
    return exchange->last;
  }

  AccessGate gate_;
  base::Registry metrics_;
  WorkPool pool_{"test", 1, 2};
  Router router_{gate_, pool_, metrics_};
};

TEST_F(RouterTest, LiteralsWinOverNames) {
  route("GET", "/{INDEX}");
  route("GET", "/metrics");
  route("POST", "/{INDEX}/_doc/{ID}");
  route("POST", "/{INDEX}/_doc");
  route("GET", "/");
  EXPECT_EQ(ask("GET", "/metrics").body, "/metrics");
  EXPECT_EQ(ask("GET", "/logs").body, "/{INDEX}|logs");
  EXPECT_EQ(ask("POST", "/logs/_doc/a").body, "/{INDEX}/_doc/{ID}|logs|a");
  EXPECT_EQ(ask("POST", "/logs/_doc").body, "/{INDEX}/_doc|logs");
  EXPECT_EQ(ask("POST", "/logs/_doc/").body, "/{INDEX}/_doc|logs");
  EXPECT_EQ(ask("GET", "/").body, "/");
}

TEST_F(RouterTest, NoIndexBeginsWithAnUnderscore) {
  route("GET", "/{INDEX}");
  EXPECT_EQ(ask("GET", "/_unknown").status, 404);
}

TEST_F(RouterTest, WrongMethodNamesTheRightOnes) {
  route("POST", "/a");
  net::Response response = ask("GET", "/a");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.at(0).second, "POST");
  EXPECT_EQ(ask("GET", "/b").status, 404);
}

TEST_F(RouterTest, HeadIsAnsweredByGet) {
  route("GET", "/a");
  EXPECT_EQ(ask("HEAD", "/a").status, 200);
}

TEST_F(RouterTest, PagesOfOtherOriginsAreRefused) {
  route("POST", "/a", Need::kIngest);
  route("GET", "/probe", Need::kNothing);
  EXPECT_EQ(ask("POST", "/a", "http://evil.example").status, 403);
  EXPECT_EQ(ask("POST", "/a", "null").status, 403);
  EXPECT_EQ(ask("POST", "/a", "http://localhost:4320").status, 200);
  EXPECT_EQ(ask("GET", "/probe", "http://evil.example").status, 200);
}

constexpr const char* kKey = "0123456789abcdef";

TEST_F(RouterTest, WithKeysIngestNeedsOneFromEverywhere) {
  route("POST", "/in", Need::kIngest);
  route("GET", "/probe", Need::kNothing);
  EXPECT_EQ(ask_as("127.0.0.1", "POST", "/in", {}).status, 200);
  gate_.set_keys({"another-key-0123", kKey});
  EXPECT_EQ(ask_as("127.0.0.1", "POST", "/in", {}).status, 401);
  EXPECT_EQ(ask_as("127.0.0.1", "POST", "/in", {{"authorization", "Bearer 0123456789abcdeF"}}).status, 401);
  EXPECT_EQ(ask_as("127.0.0.1", "POST", "/in", {{"authorization", "Bearer 0123456789abcdef0123456789abcdef"}}).status,
            401);
  EXPECT_EQ(ask_as("127.0.0.1", "POST", "/in", {{"authorization", "Bearer 0123456789abcdef"}}).status, 200);
  EXPECT_EQ(ask_as("10.0.0.1", "GET", "/probe", {}).status, 200);
  EXPECT_EQ(metrics_.sum("clew_requests_unauthenticated_total", {{"key", "missing"}}), 1u);
  EXPECT_EQ(metrics_.sum("clew_requests_unauthenticated_total", {{"key", "wrong"}}), 2u);
  net::Response refused = ask_as("10.0.0.1", "POST", "/in", {});
  EXPECT_EQ(refused.headers.at(0).first, "WWW-Authenticate");
  EXPECT_NE(refused.body.find("\"status\":401"), std::string::npos) << refused.body;
  EXPECT_EQ(refused.body.find(kKey), std::string::npos);
}

TEST_F(RouterTest, WithKeysOtherMachinesReadWithOneAndDoNotAdministrate) {
  route("GET", "/read", Need::kRead);
  route("POST", "/admin", Need::kAdmin);
  gate_.set_keys({kKey});
  for (const char* here : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(ask_as(here, "GET", "/read", {}).status, 200) << here;
    EXPECT_EQ(ask_as(here, "POST", "/admin", {}).status, 200) << here;
  }
  EXPECT_EQ(ask_as("10.0.0.1", "GET", "/read", {}).status, 401);
  EXPECT_EQ(ask_as("10.0.0.1", "GET", "/read", {{"x-api-key", kKey}}).status, 200);
  EXPECT_EQ(ask_as("10.0.0.1", "POST", "/admin", {{"x-api-key", kKey}}).status, 403);
}

TEST(AccessGate, FindsTheKeyWhereverClientsPutIt) {
  EXPECT_EQ(key_of_headers("Bearer k", "", ""), "k");
  EXPECT_EQ(key_of_headers("bearer  k", "", ""), "k");
  EXPECT_EQ(key_of_headers("Splunk k", "", ""), "k");
  EXPECT_EQ(key_of_headers("Token k", "", ""), "k");
  EXPECT_EQ(key_of_headers("ApiKey k", "", ""), "k");
  EXPECT_EQ(key_of_headers("ApiKey aWQ6c2VjcmV0", "", ""), "secret");     // id:secret
  EXPECT_EQ(key_of_headers("Basic dXNlcjpzZWNyZXQ=", "", ""), "secret");  // user:secret
  EXPECT_EQ(key_of_headers("Basic c2VjcmV0Og==", "", ""), "secret");      // secret:
  EXPECT_EQ(key_of_headers("", "x", ""), "x");
  EXPECT_EQ(key_of_headers("", "", "d"), "d");
  EXPECT_EQ(key_of_headers("Digest k", "", ""), "");
  EXPECT_EQ(key_of_headers("Basic !!!", "", ""), "");
  EXPECT_EQ(key_of_headers("Bearer", "", ""), "");
}

TEST_F(RouterTest, FullPoolAnswers429WithRetryAfter) {
  std::atomic<bool> go{false};
  std::atomic<int> begun{0};
  router_.add({"GET", "/slow", Need::kRead, Place::kPool, ErrorShape::kClew, [&](const CallPtr& call) {
                 ++begun;
                 while (!go) std::this_thread::yield();
                 call->exchange->answer({.headers = {}, .body = "done"});
               }});
  std::vector<std::shared_ptr<FakeExchange>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::make_shared<FakeExchange>("GET", "/slow"));
    router_.dispatch(calls.back());
    while (begun == 0) std::this_thread::yield();  // one runs, two wait, the fourth is too many
  }
  EXPECT_EQ(calls[3]->answers, 1);
  EXPECT_EQ(calls[3]->last.status, 429);
  ASSERT_EQ(calls[3]->last.headers.size(), 1u);
  EXPECT_EQ(calls[3]->last.headers[0].first, "Retry-After");
  go = true;
  for (int i = 0; i < 3; ++i) {
    while (calls[static_cast<size_t>(i)]->answers == 0) std::this_thread::yield();
    EXPECT_EQ(calls[static_cast<size_t>(i)]->last.body, "done");
  }
}

TEST_F(RouterTest, RefusalsAreCountedByReason) {
  net::Request request;
  request.path = "/x";
  EXPECT_EQ(router_.refuse(request, Error(Code::kTooLarge, "large")).status, 413);
  EXPECT_EQ(metrics_.sum("clew_requests_refused_total", {{"reason", std::string(code_name(Code::kTooLarge))}}), 1u);
}

}  // namespace
}  // namespace clew::api
