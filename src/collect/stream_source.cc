#include "collect/stream_source.h"

#include <algorithm>

namespace clew::collect {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr uint32_t kIdleMillis = 1000;

}  // namespace

StreamSource::StreamSource(Options options, int fd, contract::Queue& queue, const os::Clock& clock,
                           base::Registry& metrics)
    : options_(std::move(options)), clock_(clock), input_(fd), maker_(options_.batch, queue, clock, metrics) {}

void StreamSource::stop() {
  stop_ = true;
  input_.wake();
}

// Until something is due although nothing comes.
uint64_t StreamSource::wait_nanos() const {
  uint64_t nanos = maker_.empty() ? uint64_t{kIdleMillis} * 1'000'000 : options_.batch.wait_nanos;
  bool open = lines_ && lines_->open_bytes() > 0;
  return open ? std::min(nanos, options_.event_wait_nanos) : nanos;
}

Status StreamSource::run() {
  std::string buffer(kReadBytes, '\0');
  uint64_t came_ns = clock_.monotonic_ns();
  while (!stop_) {
    std::optional<size_t> got =
        CLEW_TRY(input_.read(buffer.data(), buffer.size(), static_cast<uint32_t>(wait_nanos() / 1'000'000)));
    if (got == 0) break;
    uint64_t now = clock_.monotonic_ns();
    if (got) {
      came_ns = now;
      take(std::string_view(buffer).substr(0, *got));
    } else if (now - came_ns >= options_.event_wait_nanos) {
      end_event();
    }
    if (maker_.due()) CLEW_TRY(maker_.flush({}, stop_));
  }
  if (!held_.empty()) take_line(held_);
  end_event();
  std::atomic<bool> patient{false};  // what was taken from the pipe must not get lost
  return maker_.flush({}, patient);
}

void StreamSource::begin(std::string_view bytes) {
  process::Format found = options_.format ? *options_.format : process::detect(bytes);
  if (found == process::Format::kJsonStream) found = process::Format::kNdjson;  // line by line
  parser_ = std::make_unique<process::LineParser>(
      found, options_.format ? process::Expect::kOnly : process::Expect::kMostly, options_.line_bytes_max);
  LineForm form;
  form.join = options_.join ? options_.join : process::join_rule(found);
  lines_.emplace(std::move(form), options_.line_bytes_max);
}

void StreamSource::take(std::string_view bytes) {
  if (!parser_) begin(bytes);
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
  size_t room = options_.line_bytes_max + 1 - std::min(held_.size(), options_.line_bytes_max + 1);
  held_.append(bytes.substr(0, room));
}

void StreamSource::take_line(std::string_view line) {
  lines_->add(line, line.size() + 1, [this](const FileEvent& event) { take_event(event); });
}

void StreamSource::end_event() {
  if (lines_) lines_->end([this](const FileEvent& event) { take_event(event); });
}

void StreamSource::take_event(const FileEvent& event) {
  if (batch_ != maker_.number()) maker_.attach(*parser_);
  batch_ = maker_.number();
  maker_.add_line(*parser_, event.text);
}

}  // namespace clew::collect
