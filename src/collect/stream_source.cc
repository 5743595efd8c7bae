#include "collect/stream_source.h"

#include <algorithm>

namespace clew::collect {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr uint32_t kIdleMillis = 1000;

}  // namespace

StreamSource::StreamSource(BatchOptions batch, std::optional<process::Format> format, size_t line_bytes_max, int fd,
                           contract::Queue& queue, const os::Clock& clock, base::Registry& metrics)
    : options_(batch),
      format_(format),
      line_bytes_max_(line_bytes_max),
      input_(fd),
      maker_(std::move(batch), queue, clock, metrics) {}

void StreamSource::stop() {
  stop_ = true;
  input_.wake();
}

Status StreamSource::run() {
  std::string buffer(kReadBytes, '\0');
  while (!stop_) {
    uint64_t wait_nanos = maker_.empty() ? uint64_t{kIdleMillis} * 1'000'000 : options_.wait_nanos;
    std::optional<size_t> got =
        CLEW_TRY(input_.read(buffer.data(), buffer.size(), static_cast<uint32_t>(wait_nanos / 1'000'000)));
    if (got == 0) break;
    if (got) take(std::string_view(buffer).substr(0, *got));
    if (maker_.due()) CLEW_TRY(maker_.flush({}, stop_));
  }
  if (!held_.empty()) take_line(held_);
  std::atomic<bool> patient{false};  // what was taken from the pipe must not get lost
  return maker_.flush({}, patient);
}

void StreamSource::take(std::string_view bytes) {
  if (!parser_) {
    process::Format found = format_ ? *format_ : process::detect(bytes);
    if (found == process::Format::kJsonStream) found = process::Format::kNdjson;  // line by line
    parser_ = std::make_unique<process::LineParser>(found, format_ ? process::Expect::kOnly : process::Expect::kMostly,
                                                    line_bytes_max_);
  }
  while (!bytes.empty()) {
    size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) return hold(bytes);
    if (held_.empty()) {
      take_line(bytes.substr(0, newline));
    } else {
      hold(bytes.substr(0, newline));
      take_line(held_);
      held_.clear();
    }
    bytes.remove_prefix(newline + 1);
  }
}

// Of a line over the limit one byte more than the limit is held: its reader then sees that it was cut.
void StreamSource::hold(std::string_view bytes) {
  size_t room = line_bytes_max_ + 1 - std::min(held_.size(), line_bytes_max_ + 1);
  held_.append(bytes.substr(0, room));
}

void StreamSource::take_line(std::string_view line) {
  if (batch_ != maker_.number()) maker_.attach(*parser_);
  batch_ = maker_.number();
  maker_.add_line(*parser_, line);
}

}  // namespace clew::collect
