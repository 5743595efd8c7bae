// HTTP through TLS as clients meet it: trust, client certificates, certificates that change under a running server.
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/test_certificates.h"

namespace clew::net {
namespace {

class SetClock final : public os::Clock {
 public:
  UnixNanos now() const override { return UnixNanos(static_cast<int64_t>(ns_.load())); }
  uint64_t monotonic_ns() const override { return ns_.load(); }
  void pass_seconds(uint64_t seconds) { ns_ += seconds * 1'000'000'000; }

 private:
  std::atomic<uint64_t> ns_{1'000'000'000};
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : dir_(testing::TempDir() + "clew-tls-" + std::to_string(getpid())) {
    std::filesystem::create_directories(dir_);
    authority_.emplace(dir_);
    authority_->issue("server");
    authority_->issue("client");
  }
  ~TlsTest() override {
    server_.reset();
    std::filesystem::remove_all(dir_);
  }

  void serve(const std::string& client_ca = "") {
    auto tls = TlsServer::open({authority_->cert("server"), authority_->key("server"), client_ca}, clock_, metrics_);
    ASSERT_TRUE(tls.ok()) << tls.error().message();
    tls_ = *tls;
    HttpHandler handler = [](const ExchangePtr& exchange) {
      std::string body = std::to_string(exchange->request().body.size()) + ":";
      exchange->answer({.headers = {}, .body = body + std::string(exchange->request().body)});
    };
    auto refuse = [](const Request&, const Error& error) {
      return Response{.status = 400, .headers = {}, .body = error.message()};
    };
    auto started = start_http_server(
        {"127.0.0.1", 0}, 2, {},
        {.clock = clock_, .budget = budget_, .metrics = metrics_, .handler = handler, .refuse = refuse, .tls = tls_});
    ASSERT_TRUE(started.ok()) << started.error().message();
    server_ = std::move(started).take();
  }

  Result<HttpReply> call(const TlsClientFiles& files, std::string_view body = "x", const char* scheme = "https://") {
    auto client = make_https_client(files);
    return client->call({.method = "POST",
                         .url = scheme + server_->address().text() + "/",
                         .headers = {},
                         .body = body,
                         .timeout_ms = 20'000,
                         .on_body = nullptr});
  }
  TlsClientFiles trusting() const { return {.ca = authority_->ca(), .cert = "", .key = ""}; }

  const std::string dir_;
  std::optional<TestAuthority> authority_;
  SetClock clock_;
  MemoryBudget budget_{kBodyBudgetBytes};
  base::Registry metrics_;
  std::shared_ptr<TlsServer> tls_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsTest, a_body_of_megabytes_goes_in_and_comes_back) {
  serve();
  std::string body(5'000'000, 'a');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  auto reply = call(trusting(), body);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_EQ(reply->status, 200);
  EXPECT_TRUE(reply->body == "5000000:" + body);
}

TEST_F(TlsTest, calls_follow_each_other_on_one_connection) {
  serve();
  auto client = make_https_client(trusting());
  for (int i = 0; i < 3; ++i) {
    auto reply = client->call(
        {.url = "https://" + server_->address().text() + "/", .headers = {}, .body = {}, .on_body = nullptr});
    ASSERT_TRUE(reply.ok()) << reply.error().message();
  }
  EXPECT_EQ(metrics_.sum("clew_http_requests_total"), 3u);
}

TEST_F(TlsTest, a_client_that_does_not_know_the_authority_refuses) {
  serve();
  auto reply = call({});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), Code::kForbidden) << reply.error().message();
}

TEST_F(TlsTest, plain_http_is_told_what_this_port_speaks) {
  serve();
  auto reply = call({}, "x", "http://");
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_EQ(reply->status, 400);
  EXPECT_NE(reply->body.find("https://"), std::string::npos) << reply->body;
  EXPECT_EQ(metrics_.sum("clew_tls_handshakes_failed_total"), 1u);
}

TEST_F(TlsTest, with_a_client_authority_only_its_clients_are_served) {
  serve(authority_->ca());
  auto without = call(trusting());
  EXPECT_FALSE(without.ok());
  TlsClientFiles files{.ca = authority_->ca(), .cert = authority_->cert("client"), .key = authority_->key("client")};
  auto with = call(files);
  ASSERT_TRUE(with.ok()) << with.error().message();
  EXPECT_EQ(with->status, 200);
}

TEST_F(TlsTest, a_new_certificate_is_used_and_one_without_its_key_is_not) {
  serve();
  ASSERT_TRUE(call(trusting()).ok());
  // Another authority's pair: who trusts the old one only does not come in any more.
  TlsClientFiles old_trust{.ca = dir_ + "/old-ca.pem", .cert = "", .key = ""};
  std::filesystem::copy_file(authority_->ca(), old_trust.ca);
  TestAuthority other(dir_);
  std::filesystem::copy_file(authority_->key("server"), dir_ + "/old.key");
  other.issue("server");
  std::filesystem::rename(authority_->key("server"), dir_ + "/new.key");
  std::filesystem::copy_file(dir_ + "/old.key", authority_->key("server"));

  clock_.pass_seconds(5);  // the new certificate lies beside the old key
  EXPECT_TRUE(call(old_trust).ok());
  EXPECT_EQ(metrics_.sum("clew_tls_reloads_failed_total"), 1u);

  std::filesystem::rename(dir_ + "/new.key", authority_->key("server"));
  clock_.pass_seconds(5);
  EXPECT_FALSE(call(old_trust).ok());
  EXPECT_TRUE(call(trusting()).ok());
  EXPECT_EQ(metrics_.sum("clew_tls_reloads_total"), 1u);
}

TEST_F(TlsTest, files_that_are_no_pair_are_told_by_name) {
  auto opened = [&](const std::string& cert, const std::string& key) {
    auto tls = TlsServer::open({cert, key, ""}, clock_, metrics_);
    return tls.ok() ? std::string() : tls.error().message();
  };
  EXPECT_NE(opened(dir_ + "/none.pem", authority_->key("server")).find("none.pem"), std::string::npos);
  EXPECT_NE(opened(authority_->key("server"), authority_->key("server")).find("no certificate"), std::string::npos);
  EXPECT_NE(opened(authority_->cert("server"), authority_->key("client")).find("client.key"), std::string::npos);
  EXPECT_TRUE(check_tls_client(trusting()).ok());
  EXPECT_FALSE(check_tls_client({.ca = authority_->key("server"), .cert = "", .key = ""}).ok());
  EXPECT_FALSE(check_tls_client({.ca = "", .cert = authority_->cert("client"), .key = ""}).ok());
}

TEST_F(TlsTest, it_says_when_the_certificate_ends) {
  serve();
  int64_t left = tls_->expires_unix_seconds() - ::time(nullptr);
  EXPECT_GT(left, 80'000);
  EXPECT_LT(left, 90'000);
}

}  // namespace
}  // namespace clew::net
