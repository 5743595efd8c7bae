// spdlog: each message as a JSON line with the ids of the request it belongs to.
//
//   logger->sinks().push_back(std::make_shared<clew::SpdlogSink>(client));            // to the client's output
//   rotating_sink->set_formatter(std::make_unique<clew::SpdlogFormatter>(client));    // into any sink of spdlog's
#pragma once

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "clew/client.h"

namespace clew {

namespace detail {

inline std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    case spdlog::level::err:
      return "error";
    case spdlog::level::critical:
      return "fatal";
    default:
      return "unknown";
  }
}

inline std::string_view view(spdlog::string_view_t text) {
  return {text.data(), text.size()};
}

inline Fields message_fields(const spdlog::details::log_msg& message) {
  Fields fields{{"thread.id", message.thread_id}};
  if (message.logger_name.size() > 0) fields.emplace_back("logger", view(message.logger_name));
  if (!message.source.empty()) {
    fields.emplace_back("code.file", message.source.filename);
    fields.emplace_back("code.line", message.source.line);
    if (message.source.funcname != nullptr) fields.emplace_back("code.function", message.source.funcname);
  }
  return fields;
}

}  // namespace detail

// Lifetime: the client outlives it. Ids are those of the thread that formats: with spdlog's async loggers, which format
// in another thread, they are missing.
class SpdlogFormatter final : public spdlog::formatter {
 public:
  explicit SpdlogFormatter(const Client& client) : client_(client) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string line = client_.line(detail::level_name(message.level), detail::view(message.payload),
                                          detail::message_fields(message), message.time);
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<SpdlogFormatter>(client_); }

 private:
  const Client& client_;
};

// A sink into the client's output. Threads: any; no lock is held while a line is made.
class SpdlogSink final : public spdlog::sinks::sink {
 public:
  explicit SpdlogSink(const Client& client) : client_(client) {}
  void log(const spdlog::details::log_msg& message) override {
    client_.write(detail::level_name(message.level), detail::view(message.payload), detail::message_fields(message),
                  message.time);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  const Client& client_;
};

}  // namespace clew
