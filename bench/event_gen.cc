#include "event_gen.h"

#include <ctime>

#include <array>
#include <charconv>
#include <cstring>

namespace clew::bench {
namespace {

constexpr std::array<std::string_view, 20> kServices = {
    "cart-service",    "checkout",       "payment-gateway", "user-profile",  "inventory",
    "search-api",      "recommendation", "email-worker",    "image-resizer", "auth-service",
    "order-service",   "price-engine",   "frontend",        "shipping",      "review-service",
    "session-manager", "fraud-detector", "geo-lookup",      "notification",  "audit-writer"};
constexpr std::array<std::string_view, 8> kLevels = {"INFO", "INFO", "INFO", "INFO", "DEBUG", "INFO", "WARN", "ERROR"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "GET", "POST", "PUT", "DELETE"};
constexpr std::array<uint32_t, 8> kStatuses = {200, 200, 200, 201, 204, 302, 404, 500};
constexpr std::array<std::string_view, 6> kPaths = {"/api/v1/orders/", "/api/v1/users/",  "/api/v2/cart/",
                                                    "/static/img/",    "/checkout/step/", "/search/page/"};
constexpr std::array<std::string_view, 4> kAgents = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15", "okhttp/4.12.0",
    "python-requests/2.31.0"};
constexpr std::array<std::string_view, 4> kRegions = {"eu-central-1", "us-east-1", "us-west-2", "ap-south-1"};

void append_number(std::string& out, uint64_t v) {
  char buffer[24];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, static_cast<size_t>(end - buffer));
}

void append_digits(std::string& out, uint64_t v, int width) {
  char buffer[24];
  for (int i = width - 1; i >= 0; --i, v /= 10) buffer[i] = static_cast<char>('0' + v % 10);
  out.append(buffer, static_cast<size_t>(width));
}

void hex_of(uint64_t v, char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i, v >>= 4) out[i] = kHex[v & 15];
}

// Protocol buffers, just what LogRecord needs.
void append_varint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}
void append_tag(std::string& out, int field, int wire) { append_varint(out, static_cast<uint64_t>(field << 3 | wire)); }
void append_bytes(std::string& out, int field, std::string_view v) {
  append_tag(out, field, 2);
  append_varint(out, v.size());
  out.append(v);
}
void append_fixed64(std::string& out, int field, uint64_t v) {
  append_tag(out, field, 1);
  out.append(reinterpret_cast<const char*>(&v), 8);
}
void append_attribute(std::string& out, int field, std::string_view key, std::string_view any_value) {
  append_tag(out, field, 2);
  append_varint(out, 2 + key.size() + 2 + any_value.size());  // both shorter than 128 bytes
  append_bytes(out, 1, key);
  append_bytes(out, 2, any_value);
}
std::string_view any_string(std::string& scratch, std::string_view v) {
  scratch.clear();
  append_bytes(scratch, 1, v);
  return scratch;
}
std::string_view any_int(std::string& scratch, uint64_t v) {
  scratch.clear();
  append_tag(scratch, 3, 0);
  append_varint(scratch, v);
  return scratch;
}
std::string_view any_double(std::string& scratch, double v) {
  scratch.clear();
  append_tag(scratch, 4, 1);
  scratch.append(reinterpret_cast<const char*>(&v), 8);
  return scratch;
}

}  // namespace

EventGenerator::EventGenerator(uint64_t seed, Shape shape, int64_t start_unix_micros, uint64_t step_ns)
    : shape_(shape), start_ns_(start_unix_micros * 1000), step_ns_(step_ns) {
  // Neighbouring seeds must not give the same numbers one step apart, so the seed goes through the generator first.
  state_ = seed;
  state_ = random() ^ (random() << 1);
  for (int i = 0; i < 50; ++i) hosts_.push_back("node-" + std::to_string(100 + i) + ".prod");
}

// SplitMix64.
uint64_t EventGenerator::random() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

void EventGenerator::make_message() {
  std::string& m = event_.message;
  m.clear();
  switch (below(12)) {
    case 0:
      m += "request completed in ";
      append_number(m, event_.latency_us / 1000);
      m += " ms";
      break;
    case 1:
      m += "cache miss for key user:";
      append_number(m, event_.user_id);
      m += ", loading from database";
      break;
    case 2:
      m += "order ";
      append_number(m, below(90'000'000));
      m += " accepted with ";
      append_number(m, below(20));
      m += " items";
      break;
    case 3:
      m += "connection pool stats: active=";
      append_number(m, below(100));
      m += " idle=";
      append_number(m, below(100));
      break;
    case 4:
      m += "retrying upstream call, attempt ";
      append_number(m, below(5));
      m += " of 5 after timeout";
      break;
    case 5:
      m += "user session refreshed, expires in ";
      append_number(m, below(3600));
      m += " seconds";
      break;
    case 6:
      m += "payment authorised for amount ";
      append_number(m, below(1000));
      m += ".";
      append_digits(m, below(100), 2);
      m += " EUR";
      break;
    case 7:
      m += "slow query detected: SELECT * FROM orders took ";
      append_number(m, below(9000));
      m += " ms";
      break;
    case 8:
      m += "shutting down worker gracefully, drained ";
      append_number(m, below(500));
      m += " jobs";
      break;
    case 9:
      m += "validation failed for field \\\"email\\\" in request ";
      append_number(m, below(1'000'000));
      break;
    case 10:
      m += "published event to topic orders partition ";
      append_number(m, below(32));
      m += " offset ";
      append_number(m, below(2'000'000'000));
      break;
    default:
      m += "health check passed, uptime ";
      append_number(m, below(1'000'000));
      m += " s, load 0.";
      append_digits(m, below(100), 2);
  }
}

const Event& EventGenerator::next() {
  Event& e = event_;
  uint64_t jitter = random() % (2 * step_ns_ + 1);
  e.unix_micros = (start_ns_ + static_cast<int64_t>(count_ * step_ns_ + jitter)) / 1000;
  ++count_;
  uint64_t r = random();
  e.level = kLevels[r & 7];
  e.service = kServices[below(kServices.size())];
  e.host = hosts_[below(static_cast<uint32_t>(hosts_.size()))];
  hex_of(random(), e.trace_id);
  hex_of(random(), e.trace_id + 16);
  hex_of(random(), e.span_id);
  e.user_id = below(50'000);
  e.method = kMethods[(r >> 8) % kMethods.size()];
  e.path = kPaths[(r >> 16) % kPaths.size()];
  append_number(e.path, below(100'000));
  e.status = kStatuses[(r >> 24) & 7];
  e.latency_us = below(1000) < 990 ? below(400'000) : below(5'000'000);
  e.ip = "10.";
  append_number(e.ip, below(4));
  e.ip += '.';
  append_number(e.ip, below(256));
  e.ip += '.';
  append_number(e.ip, below(256));
  e.user_agent = kAgents[(r >> 32) & 3];
  e.region = kRegions[(r >> 34) & 3];
  make_message();
  return e;
}

void EventGenerator::append_time(int64_t unix_micros, std::string& out) {
  int64_t second = unix_micros / 1'000'000;
  if (second != printed_second_) {
    time_t t = second;
    tm parts{};
    gmtime_r(&t, &parts);
    strftime(printed_, sizeof printed_, "%Y-%m-%dT%H:%M:%S", &parts);
    printed_second_ = second;
  }
  out.append(printed_, 19);
  out.push_back('.');
  append_digits(out, static_cast<uint64_t>(unix_micros % 1'000'000), 6);
  out.push_back('Z');
}

void EventGenerator::append_json(const Event& e, std::string& out) {
  out += R"({"timestamp":")";
  append_time(e.unix_micros, out);
  out += R"(","level":")";
  out += e.level;
  out += R"(","service":")";
  out += e.service;
  out += R"(","host":")";
  out += e.host;
  out += R"(","trace_id":")";
  out.append(e.trace_id, 32);
  out += R"(","user_id":)";
  append_number(out, e.user_id);
  out += R"(,"method":")";
  out += e.method;
  out += R"(","path":")";
  out += e.path;
  out += R"(","status":)";
  append_number(out, e.status);
  out += R"(,"latency_ms":)";
  append_number(out, e.latency_us / 1000);
  out += '.';
  append_digits(out, e.latency_us % 1000, 3);
  out += R"(,"ip":")";
  out += e.ip;
  if (shape_ == Shape::kFifteen) {
    out += R"(","span_id":")";
    out.append(e.span_id, 16);
    out += R"(","user_agent":")";
    out += e.user_agent;
    out += R"(","region":")";
    out += e.region;
  }
  out += R"(","message":")";
  out += e.message;
  out += "\"}\n";
}

void EventGenerator::append_otlp_record(const Event& e, std::string& out) {
  std::string value;
  std::string id(16, '\0');
  auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i < 16; ++i)
    id[i] = static_cast<char>(nibble(e.trace_id[2 * i]) << 4 | nibble(e.trace_id[2 * i + 1]));
  append_fixed64(out, 1, static_cast<uint64_t>(e.unix_micros) * 1000);
  append_tag(out, 2, 0);
  append_varint(out, e.level == "DEBUG" ? 5 : e.level == "INFO" ? 9 : e.level == "WARN" ? 13 : 17);
  append_bytes(out, 3, e.level);
  append_bytes(out, 5, any_string(value, e.message));
  append_attribute(out, 6, "user_id", any_int(value, e.user_id));
  append_attribute(out, 6, "method", any_string(value, e.method));
  append_attribute(out, 6, "path", any_string(value, e.path));
  append_attribute(out, 6, "status", any_int(value, e.status));
  append_attribute(out, 6, "latency_ms", any_double(value, static_cast<double>(e.latency_us) / 1000));
  append_attribute(out, 6, "ip", any_string(value, e.ip));
  append_attribute(out, 6, "host", any_string(value, e.host));
  append_bytes(out, 9, id);
}

std::string EventGenerator::otlp_request(const std::vector<std::pair<std::string, std::string>>& records_by_service) {
  std::string request;
  for (const auto& [service, records] : records_by_service) {
    std::string value;
    std::string resource;
    append_attribute(resource, 1, "service.name", any_string(value, service));
    std::string resource_logs;
    append_bytes(resource_logs, 1, resource);
    append_bytes(resource_logs, 2, records);  // ScopeLogs: `records` are its repeated field 2 with tags and lengths
    append_bytes(request, 1, resource_logs);
  }
  return request;
}

}  // namespace clew::bench
