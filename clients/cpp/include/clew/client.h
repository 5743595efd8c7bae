// What all lines of a program share: its service, its host, and where they go.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "clew/context.h"
#include "clew/json.h"
#include "clew/output.h"

namespace clew {

// A time in UTC with microseconds, RFC 3339.
inline std::string utc_text(std::chrono::system_clock::time_point time) {
  using std::chrono::microseconds;
  const auto since = std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
  const auto micros = ((since % 1'000'000) + 1'000'000) % 1'000'000;
  const std::time_t seconds = static_cast<std::time_t>((since - micros) / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%06dZ", static_cast<int>(micros));
  return text;
}

// Threads:  any.
// Lifetime: `output` outlives the client, the client its goals and sinks.
class Client {
 public:
  Client(std::string service, Output& output) : service_(std::move(service)), output_(output) {
    char host[256] = "";
    if (::gethostname(host, sizeof host - 1) == 0) host_ = host;
  }

  // Writes a line: the time, who we are, then `fields`; the ids of this thread's request where `fields` name none.
  void write(std::string_view level, std::string_view message, const Fields& fields,
             std::chrono::system_clock::time_point time = std::chrono::system_clock::now()) const noexcept {
    try {
      output_.write(line(level, message, fields, time));
    } catch (...) {
      return;  // no memory for a log line: the program has its work to do
    }
  }

  std::string line(std::string_view level, std::string_view message, const Fields& fields,
                   std::chrono::system_clock::time_point time) const {
    JsonLine made;
    made.add_text("@timestamp", utc_text(time));
    made.add_text("level", level);
    made.add_text("message", message);
    made.add_text("service.name", service_);
    if (!host_.empty()) made.add_text("host.name", host_);
    made.add("process.pid", static_cast<int64_t>(::getpid()));
    add_ids(made, fields);
    made.add_all(fields);
    return made.take();
  }

 private:
  static void add_ids(JsonLine& made, const Fields& fields) {
    const Scope& scope = current_scope();
    const std::pair<std::string_view, const std::string&> ids[] = {
        {"trace_id", scope.trace_id}, {"span_id", scope.span_id}, {"request_id", scope.request_id}};
    for (const auto& [name, id] : ids) {
      bool named = id.empty();
      for (const Field& field : fields) named = named || field.first == name;
      if (!named) made.add_text(name, id);
    }
  }

  std::string service_;
  std::string host_;
  Output& output_;
};

}  // namespace clew
