// Synthetic log events for benchmarks: regular shape, fresh ids and times in every event, by seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::bench {

// What a generated event looks like.
enum class Shape : uint8_t {
  kTwelve,   // 12 fields, about 310 bytes
  kFifteen,  // 15 fields, about 500 bytes
};

// One event before it has a wire form.
struct Event {
  int64_t unix_micros = 0;
  std::string_view level;
  std::string_view service;
  std::string_view host;
  char trace_id[32];
  char span_id[16];
  uint32_t user_id = 0;
  std::string_view method;
  std::string path;
  uint32_t status = 0;
  uint64_t latency_us = 0;  // printed as milliseconds with three digits
  std::string ip;
  std::string message;
  std::string_view user_agent;
  std::string_view region;
};

// Threads: one at a time. Two generators with the same arguments give the same events.
class EventGenerator {
 public:
  // Events lie `step_ns` apart on average, the first at `start_unix_micros`.
  EventGenerator(uint64_t seed, Shape shape, int64_t start_unix_micros, uint64_t step_ns);

  const Event& next();

  // Appends the event as one line of JSON with its newline.
  void append_json(const Event& event, std::string& out);
  // Appends an OTLP LogRecord message (without tag and length).
  void append_otlp_record(const Event& event, std::string& out);
  // An ExportLogsServiceRequest of `records` (each without tag and length), one resource per service.
  static std::string otlp_request(const std::vector<std::pair<std::string, std::string>>& records_by_service);

  uint64_t random();

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((random() >> 32) * n >> 32); }
  void make_message();
  void append_time(int64_t unix_micros, std::string& out);

  uint64_t state_ = 0;
  Shape shape_;
  int64_t start_ns_;
  uint64_t step_ns_;
  uint64_t count_ = 0;
  Event event_;
  std::vector<std::string> hosts_;
  int64_t printed_second_ = -1;
  char printed_[20] = {};  // date and time to the second of printed_second_
};

}  // namespace clew::bench
