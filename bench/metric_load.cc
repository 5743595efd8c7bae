// clew_metric_load sends samples like node_exporter's by Prometheus' remote write 1.0 and says how that went as one
// JSON line.
//
//   clew_metric_load --target 127.0.0.1:4320 --path /api/v1/write --pages DIR --series 100000 --intervals 240 --end
//   1796032800
//
// DIR holds pages that a node_exporter gave, one file each, 15 s apart. Each series of the pages is measured (how often
// it changes, by how much, with how many decimals, whether it only rises) and each instance then walks on its own, so
// that no two instances have the same values. One request holds up to 2,000 samples, as Prometheus sends them; an
// interval is sent after the other.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <snappy.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace clew::bench {
namespace {

constexpr int64_t kStepMillis = 15'000;
constexpr size_t kSamplesPerRequest = 2000;
constexpr int kDecimalsMax = 9;
constexpr size_t kInstanceDigits = 8;

struct Options {
  std::string target;
  std::string path = "/api/v1/write";
  std::string pages;
  uint64_t series = 100'000;
  int intervals = 240;
  int first = 0;  // interval to begin with
  int64_t end_seconds = 0;
  int connections = 2;
  uint64_t churn = 0;  // every so many intervals a tenth of the instances gets a new name; 0 never
};

// What a series of the pages does.
struct Shape {
  std::string labels;      // protobuf of all labels; the instance's digits are patched
  size_t instance_at = 0;  // where they begin
  double start = 0;
  double change = 0;   // of intervals in which the value changes
  double step = 0;     // mean of |change|
  double quantum = 0;  // values are multiples of it; 0 all digits
  bool product = false;
  bool rises = false;
};

struct Rng {
  uint64_t s;
  uint64_t next() {
    s ^= s << 13;
    s ^= s >> 7;
    return s ^= s << 17;
  }
  double real() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

void put_varint(uint64_t v, std::string& out) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  put_varint(field << 3 | 2, out);
  put_varint(bytes.size(), out);
  out += bytes;
}

void put_label(std::string_view name, std::string_view value, std::string& out) {
  std::string label;
  put_bytes(1, name, label);
  put_bytes(2, value, label);
  put_bytes(1, label, out);
}

// `name{a="b"}`: its labels with job and instance, in order.
Shape shape_of(const std::string& series) {
  std::map<std::string, std::string> labels;
  size_t brace = series.find('{');
  labels["__name__"] = series.substr(0, brace);
  for (size_t at = brace; at != std::string::npos && series[at] != '}';) {
    size_t equals = series.find('=', ++at);
    std::string name = series.substr(at, equals - at), value;
    for (at = equals + 2; series[at] != '"'; ++at) {
      if (series[at] == '\\') ++at;
      value += series[at];
    }
    if (!value.empty()) labels[name] = value;
    ++at;
  }
  labels["job"] = "node";
  labels["instance"] = "node-" + std::string(kInstanceDigits, '0') + ":9100";
  Shape shape;
  for (const auto& [name, value] : labels) {
    put_label(name, value, shape.labels);
    if (name == "instance") shape.instance_at = shape.labels.size() - 5 - kInstanceDigits;
  }
  return shape;
}

// What all values are multiples of: pages and sectors of memory and disks, else a power of ten. `product`: they come
// back from a multiplication by it, not from a division by its reciprocal.
double quantum_of(const std::vector<double>& values, bool& product) {
  auto all = [&](auto&& is) { return std::all_of(values.begin(), values.end(), is); };
  for (double block : {4096.0, 1024.0, 512.0}) {
    if (all([&](double v) { return std::fmod(v, block) == 0; }) && values.back() >= block) return block;
  }
  double power = 1;
  for (int decimals = 0; decimals <= kDecimalsMax; ++decimals, power *= 10) {
    if (all([&](double v) { return std::fabs(v * power) < 9e15 && std::round(v * power) / power == v; }))
      return 1 / power;
  }
  power = 1;
  for (int decimals = 0; decimals <= kDecimalsMax; ++decimals, power *= 10) {
    product = all([&](double v) { return std::fabs(v * power) < 9e15 && std::round(v * power) * (1 / power) == v; });
    if (product) return 1 / power;
  }
  return 0;
}

std::vector<Shape> read_shapes(const std::string& dir) {
  std::map<std::string, std::vector<double>> values;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      size_t space = line.rfind(' ');
      if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
      values[line.substr(0, space)].push_back(std::strtod(line.c_str() + space, nullptr));
    }
  }
  std::vector<Shape> shapes;
  for (const auto& [series, seen] : values) {
    if (seen.size() < 2) continue;
    Shape shape = shape_of(series);
    shape.start = seen[0];
    shape.quantum = quantum_of(seen, shape.product);
    shape.rises = std::is_sorted(seen.begin(), seen.end());
    double moved = 0;
    size_t changes = 0;
    for (size_t i = 1; i < seen.size(); ++i) {
      if (seen[i] == seen[i - 1] || std::isnan(seen[i])) continue;
      ++changes;
      moved += std::fabs(seen[i] - seen[i - 1]);
    }
    shape.change = static_cast<double>(changes) / static_cast<double>(seen.size() - 1);
    shape.step = changes == 0 ? 0 : moved / static_cast<double>(changes);
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

double rounded(double v, const Shape& shape) {
  if (shape.quantum == 0) return v;
  if (shape.quantum >= 1) return std::round(v / shape.quantum) * shape.quantum;
  double power = std::round(1 / shape.quantum);
  double whole = std::round(v * power);
  return shape.product ? whole * shape.quantum : whole / power;
}

double begin_value(const Shape& shape, Rng& rng) {
  if (shape.change == 0) return shape.start;
  return rounded(shape.start * (0.5 + rng.real()), shape);
}

double next_value(const Shape& shape, double value, Rng& rng) {
  if (shape.change == 0 || rng.real() >= shape.change) return value;
  double by = -std::log(1 - rng.real()) * shape.step;
  if (!shape.rises && rng.next() % 2 == 0) by = -by;
  double next = value + by;
  // Gauges stay near where they began.
  if (!shape.rises && std::fabs(next - shape.start) > std::fabs(shape.start) * 0.6 + 20 * shape.step) next = value - by;
  return rounded(next, shape);
}

class Connection {
 public:
  explicit Connection(const Options& options) : options_(options) {
    size_t colon = options.target.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(options.target.substr(colon + 1))));
    inet_pton(AF_INET, options.target.substr(0, colon).c_str(), &to.sin_addr);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      std::perror("connect");
      std::exit(1);
    }
  }
  ~Connection() { ::close(fd_); }

  // The status of the answer.
  int post(const std::string& body) {
    std::string compressed;
    snappy::Compress(body.data(), body.size(), &compressed);
    std::string request = "POST " + options_.path + " HTTP/1.1\r\nHost: " + options_.target +
                          "\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
                          "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: " +
                          std::to_string(compressed.size()) + "\r\n\r\n" + compressed;
    for (size_t sent = 0; sent < request.size();) {
      ssize_t n = ::send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return 0;
      sent += static_cast<size_t>(n);
    }
    return answer();
  }

 private:
  int answer() {
    size_t head = std::string::npos;
    buffer_.clear();
    while ((head = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return 0;
    }
    int status = std::atoi(buffer_.c_str() + 9);
    size_t length = 0;
    std::string lower = buffer_.substr(0, head);
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    size_t at = lower.find("content-length:");
    if (at != std::string::npos) length = std::strtoull(lower.c_str() + at + 15, nullptr, 10);
    while (buffer_.size() < head + 4 + length) {
      if (!receive()) return 0;
    }
    if (status >= 300 && !told_) {
      told_ = true;
      std::fprintf(stderr, "%d %s\n", status, buffer_.substr(head + 4, 300).c_str());
    }
    return status;
  }
  bool receive() {
    char part[4096];
    ssize_t n = ::recv(fd_, part, sizeof part, 0);
    if (n <= 0) return false;
    buffer_.append(part, static_cast<size_t>(n));
    return true;
  }
  const Options& options_;
  int fd_ = -1;
  std::string buffer_;
  bool told_ = false;
};

struct Outcome {
  uint64_t samples = 0;
  uint64_t failed = 0;
};

// Sends the instances from `from` to `to` of every interval.
Outcome send_instances(const Options& options, const std::vector<Shape>& shapes, uint64_t from, uint64_t to) {
  Outcome outcome;
  Connection connection(options);
  std::vector<double> values;
  std::vector<Rng> rngs;
  for (uint64_t i = from; i < to; ++i) {
    rngs.push_back({(i + 1) * 0x9E3779B97F4A7C15u | 1});
    for (const Shape& shape : shapes) values.push_back(begin_value(shape, rngs.back()));
  }
  std::string body, series, sample;
  size_t in_body = 0;
  auto flush = [&] {
    if (in_body == 0) return;
    int status = 0;
    for (int attempt = 0; attempt < 600; ++attempt) {
      status = connection.post(body);
      if (status != 503 && status != 429) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    (status >= 200 && status < 300 ? outcome.samples : outcome.failed) += in_body;
    in_body = 0;
    body.clear();
  };
  for (int n = 0; n < options.intervals; ++n) {
    int64_t interval = options.end_seconds * 1000 - (options.intervals - n) * kStepMillis;
    for (uint64_t i = from; i < to; ++i) {
      Rng& rng = rngs[i - from];
      // Each instance is scraped at its own moment, as Prometheus does it.
      int64_t millis = interval + static_cast<int64_t>(i * 7919 % kStepMillis);
      uint64_t name = i;
      if (options.churn != 0 && i % 10 == 0) name += 10'000'000 * (static_cast<uint64_t>(n) / options.churn);
      char digits[32];
      std::snprintf(digits, sizeof digits, "%08llu", static_cast<unsigned long long>(name));
      for (size_t s = 0; s < shapes.size(); ++s) {
        double& value = values[(i - from) * shapes.size() + s];
        if (n > 0) value = next_value(shapes[s], value, rng);
        if (n < options.first) continue;
        series = shapes[s].labels;
        std::memcpy(series.data() + shapes[s].instance_at, digits, kInstanceDigits);
        sample.clear();
        sample += '\x09';
        sample.append(reinterpret_cast<const char*>(&value), 8);
        sample += '\x10';
        put_varint(static_cast<uint64_t>(millis), sample);
        put_bytes(2, sample, series);
        put_bytes(1, series, body);
        if (++in_body == kSamplesPerRequest) flush();
      }
    }
    flush();
  }
  return outcome;
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string name = argv[i], value = argv[i + 1];
    if (name == "--target") {
      o.target = value;
    } else if (name == "--path") {
      o.path = value;
    } else if (name == "--pages") {
      o.pages = value;
    } else if (name == "--series") {
      o.series = std::stoull(value);
    } else if (name == "--intervals") {
      o.intervals = std::stoi(value);
    } else if (name == "--first") {
      o.first = std::stoi(value);
    } else if (name == "--end") {
      o.end_seconds = std::stoll(value);
    } else if (name == "--connections") {
      o.connections = std::stoi(value);
    } else if (name == "--churn") {
      o.churn = std::stoull(value);
    } else {
      std::fprintf(stderr, "no flag %s\n", name.c_str());
      std::exit(2);
    }
  }
  return o;
}

int run(const Options& options) {
  std::vector<Shape> shapes = read_shapes(options.pages);
  if (shapes.empty()) {
    std::fprintf(stderr, "no two pages in %s\n", options.pages.c_str());
    return 1;
  }
  uint64_t instances = std::max<uint64_t>(1, options.series / shapes.size());
  auto threads = static_cast<uint64_t>(options.connections);
  std::vector<Outcome> outcomes(threads);
  auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> senders;
    for (uint64_t t = 0; t < threads; ++t) {
      senders.emplace_back([&, t] {
        outcomes[t] = send_instances(options, shapes, instances * t / threads, instances * (t + 1) / threads);
      });
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  Outcome all;
  for (const Outcome& outcome : outcomes) {
    all.samples += outcome.samples;
    all.failed += outcome.failed;
  }
  size_t constant = 0, full = 0;
  for (const Shape& shape : shapes) {
    constant += shape.change == 0 ? 1 : 0;
    full += shape.change > 0 && shape.quantum == 0 ? 1 : 0;
  }
  std::printf(
      "{\"samples\":%llu,\"failed\":%llu,\"seconds\":%.3f,\"series\":%llu,\"instances\":%llu,\"shapes\":%zu,"
      "\"constant\":%zu,"
      "\"all_digits\":%zu}\n",
      static_cast<unsigned long long>(all.samples), static_cast<unsigned long long>(all.failed), seconds,
      static_cast<unsigned long long>(instances * shapes.size()), static_cast<unsigned long long>(instances),
      shapes.size(), constant, full);
  return all.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace clew::bench

int main(int argc, char** argv) { return clew::bench::run(clew::bench::parse(argc, argv)); }
