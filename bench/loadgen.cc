// clew_loadgen sends generated events to a server over several connections and says how that went as one JSON line.
//
//   clew_loadgen --target 127.0.0.1:4320 --proto bulk --events 1000000 --connections 4 --body-bytes 1048576
//   clew_loadgen --out events.ndjson --events 1000000          # the same bytes into a file
//
// Every event is acknowledged or counted as failed; latency is from the first byte sent to the last byte of the answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "event_gen.h"
#include "grpc_client.h"

namespace clew::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string target;
  std::string proto = "bulk";
  std::string dataset = "bench";
  std::string out;
  uint64_t events = 100'000;
  uint64_t seed = 1;
  int connections = 4;
  size_t body_bytes = 1 << 20;
  uint64_t events_per_request = 0;  // instead of body_bytes
  double rate = 0;                  // events per second over all connections; 0 as fast as it goes
  Shape shape = Shape::kTwelve;
  uint64_t step_ns = 1000;   // between events' times
  int64_t start_micros = 0;  // 0: so that the last event is now
  int datasets = 1;          // spread over NAME-0 .. NAME-(n-1)
  bool latencies = false;    // print every latency in microseconds to stderr
};

struct Outcome {
  uint64_t acked = 0;
  uint64_t failed = 0;
  uint64_t retried = 0;
  uint64_t bytes = 0;
  uint64_t event_bytes = 0;
  std::vector<double> latencies_ms;
};

// How one connection sends requests.
class Sender {
 public:
  virtual ~Sender() = default;
  // Gives an HTTP status and sets `answer`.
  virtual int post(const std::string& path, const char* type, const std::string& content, std::string& answer) = 0;
};

class GrpcSender final : public Sender {
 public:
  explicit GrpcSender(const std::string& target) : client_(target) {}
  int post(const std::string&, const char*, const std::string& content, std::string& answer) override {
    int code = client_.export_logs(content, answer);
    if (code == 0) return 200;
    return code == 8 || code == 14 ? 429 : 500;  // RESOURCE_EXHAUSTED, UNAVAILABLE: again
  }

 private:
  GrpcClient client_;
};

// A blocking HTTP/1.1 connection.
class Connection final : public Sender {
 public:
  explicit Connection(const std::string& target) {
    size_t colon = target.rfind(':');
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(target.c_str() + colon + 1)));
    inet_pton(AF_INET, target.substr(0, colon).c_str(), &address.sin_addr);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("connect");
      std::exit(2);
    }
    int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Connection() override { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Gives the status and sets `body`.
  int post(const std::string& path, const char* type, const std::string& content, std::string& body) override {
    char head[512];
    int n = std::snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                          path.c_str(), type, content.size());
    if (content.size() < 64 * 1024) {  // one packet train for small requests
      std::string whole(head, static_cast<size_t>(n));
      whole += content;
      send_all(whole.data(), whole.size());
    } else {
      send_all(head, static_cast<size_t>(n));
      send_all(content.data(), content.size());
    }
    return read_answer(body);
  }

 private:
  void send_all(const char* p, size_t n) {
    while (n > 0) {
      ssize_t sent = send(fd_, p, n, MSG_NOSIGNAL);
      if (sent <= 0) {
        std::perror("send");
        std::exit(2);
      }
      p += sent;
      n -= static_cast<size_t>(sent);
    }
  }

  bool fill() {
    size_t had = buffer_.size();
    buffer_.resize(had + 256 * 1024);
    ssize_t got = recv(fd_, buffer_.data() + had, 256 * 1024, 0);
    buffer_.resize(had + (got > 0 ? static_cast<size_t>(got) : 0));
    return got > 0;
  }

  int read_answer(std::string& body) {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return 0;
    }
    int status = std::atoi(buffer_.c_str() + 9);
    std::string head = buffer_.substr(0, end + 2);
    for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    size_t at = head.find("content-length:");
    size_t length = at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 15, nullptr, 10);
    while (buffer_.size() < end + 4 + length) {
      if (!fill()) return 0;
    }
    body.assign(buffer_, end + 4, length);
    buffer_.erase(0, end + 4 + length);
    return status;
  }

  int fd_;
  std::string buffer_;
};

// Builds request bodies of one protocol.
class BodyMaker {
 public:
  BodyMaker(const Options& options, uint64_t seed, uint64_t events)
      : options_(options), generator_(seed, options.shape, options.start_micros, options.step_ns), left_(events) {}

  bool done() const { return left_ == 0; }

  // Fills `body` with the next request; gives the number of its events.
  uint64_t make(std::string& body) {
    body.clear();
    event_bytes_ = 0;
    if (options_.proto == "otlp" || options_.proto == "otlp-grpc") return make_otlp(body);
    uint64_t n = 0;
    while (left_ > 0 && !full(body.size(), n)) {
      if (options_.proto == "bulk") body += "{\"create\":{}}\n";
      size_t before = body.size();
      generator_.append_json(generator_.next(), body);
      event_bytes_ += body.size() - before;
      --left_;
      ++n;
    }
    return n;
  }
  uint64_t event_bytes() const { return event_bytes_; }

 private:
  bool full(size_t bytes, uint64_t n) const {
    return options_.events_per_request > 0 ? n >= options_.events_per_request : bytes >= options_.body_bytes;
  }

  uint64_t make_otlp(std::string& body) {
    std::map<std::string_view, std::string> by_service;
    uint64_t n = 0;
    size_t bytes = 0;
    std::string record;
    while (left_ > 0 && !full(bytes, n)) {
      const Event& e = generator_.next();
      record.clear();
      generator_.append_otlp_record(e, record);
      std::string& records = by_service[e.service];
      records.push_back(2 << 3 | 2);
      for (size_t v = record.size();; v >>= 7) {
        records.push_back(static_cast<char>(v >= 0x80 ? v | 0x80 : v));
        if (v < 0x80) break;
      }
      records += record;
      bytes += record.size() + 3;
      --left_;
      ++n;
    }
    std::vector<std::pair<std::string, std::string>> list;
    for (auto& [service, records] : by_service) list.emplace_back(service, std::move(records));
    body = EventGenerator::otlp_request(list);
    event_bytes_ = body.size();
    return n;
  }

  const Options& options_;
  EventGenerator generator_;
  uint64_t left_;
  uint64_t event_bytes_ = 0;
};

std::string path_of(const Options& o, uint64_t request) {
  std::string dataset = o.dataset;
  if (o.datasets > 1)
    dataset += "-" + std::string(1, static_cast<char>('a' + request % 26)) +
               std::to_string(request % static_cast<uint64_t>(o.datasets));
  if (o.proto == "bulk") return "/" + dataset + "/_bulk";
  if (o.proto == "import") return "/api/v1/import?dataset=" + dataset;
  return "/v1/logs";
}

bool accepted(const Options& o, int status, const std::string& answer) {
  if (status != 200) return false;
  return o.proto != "bulk" || answer.substr(0, 4096).find("\"errors\":true") == std::string::npos;
}

void run_connection(const Options& o, int index, uint64_t events, Outcome& outcome) {
  std::unique_ptr<Sender> connection;
  if (o.proto == "otlp-grpc")
    connection = std::make_unique<GrpcSender>(o.target);
  else
    connection = std::make_unique<Connection>(o.target);
  BodyMaker maker(o, o.seed * 1000 + static_cast<uint64_t>(index), events);
  const char* type = o.proto == "otlp" ? "application/x-protobuf" : "application/x-ndjson";
  std::string body;
  std::string answer;
  Clock::time_point begun = Clock::now();
  uint64_t sent = 0;
  for (uint64_t request = static_cast<uint64_t>(index); !maker.done();
       request += static_cast<uint64_t>(o.connections)) {
    uint64_t n = maker.make(body);
    if (o.rate > 0) {
      double due = static_cast<double>(sent) / (o.rate / o.connections);
      std::this_thread::sleep_until(begun +
                                    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(due)));
    }
    for (int attempt = 0;; ++attempt) {
      Clock::time_point start = Clock::now();
      int status = connection->post(path_of(o, request), type, body, answer);
      outcome.latencies_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      if (accepted(o, status, answer)) {
        outcome.acked += n;
        break;
      }
      bool again = (status == 429 || status == 503) && attempt < 1000;
      if (!again) {
        if (outcome.failed == 0) std::fprintf(stderr, "status %d: %.300s\n", status, answer.c_str());
        outcome.failed += n;
        break;
      }
      ++outcome.retried;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    sent += n;
    outcome.bytes += body.size();
    outcome.event_bytes += maker.event_bytes();
  }
}

double percentile(std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(p * static_cast<double>(sorted.size())))];
}

int write_file(const Options& o) {
  FILE* f = std::fopen(o.out.c_str(), "wb");
  if (f == nullptr) {
    std::perror(o.out.c_str());
    return 2;
  }
  std::string body;
  for (int c = 0; c < o.connections; ++c) {  // the events that the connections would send
    uint64_t events = o.events / static_cast<uint64_t>(o.connections);
    EventGenerator generator(o.seed * 1000 + static_cast<uint64_t>(c), o.shape, o.start_micros, o.step_ns);
    for (uint64_t i = 0; i < events; ++i) {
      generator.append_json(generator.next(), body);
      if (body.size() > (1 << 20) || i + 1 == events) {
        std::fwrite(body.data(), 1, body.size(), f);
        body.clear();
      }
    }
  }
  std::fclose(f);
  return 0;
}

int run(const Options& o) {
  std::vector<Outcome> outcomes(static_cast<size_t>(o.connections));
  Clock::time_point begun = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < o.connections; ++i) {
      threads.emplace_back([&, i] {
        run_connection(o, i, o.events / static_cast<uint64_t>(o.connections), outcomes[static_cast<size_t>(i)]);
      });
    }
  }
  double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  Outcome all;
  for (Outcome& one : outcomes) {
    all.acked += one.acked;
    all.failed += one.failed;
    all.retried += one.retried;
    all.bytes += one.bytes;
    all.event_bytes += one.event_bytes;
    all.latencies_ms.insert(all.latencies_ms.end(), one.latencies_ms.begin(), one.latencies_ms.end());
  }
  std::sort(all.latencies_ms.begin(), all.latencies_ms.end());
  std::printf(
      "{\"acked\":%llu,\"failed\":%llu,\"retried\":%llu,\"seconds\":%.3f,\"events_per_second\":%.0f,\"body_bytes\":%"
      "llu,"
      "\"event_bytes\":%llu,\"requests\":%zu,\"latency_ms_p50\":%.3f,\"latency_ms_p99\":%.3f,\"latency_ms_max\":%.3f}"
      "\n",
      static_cast<unsigned long long>(all.acked), static_cast<unsigned long long>(all.failed),
      static_cast<unsigned long long>(all.retried), seconds, static_cast<double>(all.acked) / seconds,
      static_cast<unsigned long long>(all.bytes), static_cast<unsigned long long>(all.event_bytes),
      all.latencies_ms.size(), percentile(all.latencies_ms, 0.5), percentile(all.latencies_ms, 0.99),
      all.latencies_ms.empty() ? 0 : all.latencies_ms.back());
  return all.failed == 0 ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: clew_loadgen (--target HOST:PORT | --out FILE) [--proto bulk|import|otlp|otlp-grpc] [--dataset "
               "NAME] [--datasets N]\n"
               "       [--events N] [--connections N] [--body-bytes N | --events-per-request N] [--rate EVENTS/S] "
               "[--shape 12|15]\n"
               "       [--seed N] [--step-ns N] [--start-micros N]\n");
  return 2;
}

}  // namespace
}  // namespace clew::bench

int main(int argc, char** argv) {
  using namespace clew::bench;
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string flag = argv[i];
    const char* v = argv[i + 1];
    if (flag == "--target")
      o.target = v;
    else if (flag == "--out")
      o.out = v;
    else if (flag == "--proto")
      o.proto = v;
    else if (flag == "--dataset")
      o.dataset = v;
    else if (flag == "--datasets")
      o.datasets = std::atoi(v);
    else if (flag == "--events")
      o.events = std::strtoull(v, nullptr, 10);
    else if (flag == "--connections")
      o.connections = std::atoi(v);
    else if (flag == "--body-bytes")
      o.body_bytes = std::strtoull(v, nullptr, 10);
    else if (flag == "--events-per-request")
      o.events_per_request = std::strtoull(v, nullptr, 10);
    else if (flag == "--rate")
      o.rate = std::atof(v);
    else if (flag == "--shape")
      o.shape = std::string(v) == "15" ? Shape::kFifteen : Shape::kTwelve;
    else if (flag == "--seed")
      o.seed = std::strtoull(v, nullptr, 10);
    else if (flag == "--step-ns")
      o.step_ns = std::strtoull(v, nullptr, 10);
    else if (flag == "--start-micros")
      o.start_micros = std::strtoll(v, nullptr, 10);
    else
      return usage();
  }
  if ((o.target.empty() == o.out.empty()) || o.connections < 1) return usage();
  if (o.start_micros == 0) {
    uint64_t span_micros = o.events / static_cast<uint64_t>(o.connections) * o.step_ns / 1000;
    o.start_micros = static_cast<int64_t>(std::time(nullptr)) * 1'000'000 - static_cast<int64_t>(span_micros);
  }
  return o.out.empty() ? run(o) : write_file(o);
}
