#include "scrape/dns_discovery.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>

namespace clew::scrape {
namespace {

std::string dns_name(const std::string& name) {
  std::string out;
  for (size_t at = 0; at < name.size();) {
    size_t dot = std::min(name.find('.', at), name.size());
    out += static_cast<char>(dot - at);
    out += name.substr(at, dot - at);
    at = dot + 1;
  }
  return out + '\0';
}

std::string two(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

// A DNS server that answers each question with these records' data, whatever the name.
class FakeDns {
 public:
  explicit FakeDns(std::vector<std::string> records)
      : records_(std::move(records)), socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t bytes = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &bytes);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~FakeDns() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  uint16_t port() const { return port_; }

 private:
  void serve() {
    std::array<char, 4096> bytes{};
    while (true) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      ssize_t got = ::recvfrom(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got <= 12) return;
      std::string question(bytes.data(), static_cast<size_t>(got));
      size_t end = 12;
      while (question[end] != '\0') end += static_cast<size_t>(question[end]) + 1;
      end += 5;
      std::string answer = question.substr(0, 2) + two(0x8180) + two(1) + two(static_cast<unsigned>(records_.size())) +
                           two(0) + two(0) + question.substr(12, end - 12);
      for (const std::string& data : records_) {
        answer += two(0xc00c) + question.substr(end - 4, 4) + two(0) + two(30) +
                  two(static_cast<unsigned>(data.size())) + data;
      }
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  const std::vector<std::string> records_;
  const int socket_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

std::string found_by(const DiscoveryConfig& config, const FakeDns& dns) {
  auto answer = std::make_shared<std::promise<std::string>>();
  DnsDiscovery discovery(config, {.server = "127.0.0.1", .port = dns.port()},
                         [answer](const Result<std::vector<TargetGroup>>& groups) {
                           if (!groups.ok()) return answer->set_value(groups.error().message());
                           std::string text;
                           for (const TargetGroup& group : *groups) {
                             for (const auto& labels : group.targets)
                               text += model::to_text(model::Labels::of(labels)) + "\n";
                           }
                           answer->set_value(text);
                         });
  discovery.poll();
  std::future<std::string> coming = answer->get_future();
  if (coming.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return "no answer";
  return coming.get();
}

TEST(DnsDiscovery, ServiceRecords) {
  FakeDns dns(
      {two(10) + two(5) + two(9100) + dns_name("a.example"), two(10) + two(5) + two(9101) + dns_name("b.example")});
  DiscoveryConfig config;
  config.names = {"_metrics._tcp.example."};
  EXPECT_EQ(found_by(config, dns),
            "{__address__=\"a.example:9100\", __meta_dns_name=\"_metrics._tcp.example.\", "
            "__meta_dns_srv_record_port=\"9100\", __meta_dns_srv_record_target=\"a.example.\"}\n"
            "{__address__=\"b.example:9101\", __meta_dns_name=\"_metrics._tcp.example.\", "
            "__meta_dns_srv_record_port=\"9101\", __meta_dns_srv_record_target=\"b.example.\"}\n");
}

TEST(DnsDiscovery, Addresses) {
  FakeDns dns({std::string("\x0a\x00\x00\x07", 4)});
  DiscoveryConfig config;
  config.names = {"web.example."};
  config.record_type = "A";
  config.port = 80;
  EXPECT_EQ(found_by(config, dns), "{__address__=\"10.0.0.7:80\", __meta_dns_name=\"web.example.\"}\n");
  FakeDns six({std::string(15, '\0') + '\x01'});
  config.record_type = "AAAA";
  EXPECT_EQ(found_by(config, six), "{__address__=\"[::1]:80\", __meta_dns_name=\"web.example.\"}\n");
}

}  // namespace
}  // namespace clew::scrape
