#include "collect/ship_lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <charconv>

#include "collect/source_counts.h"
#include "net/http_message.h"
#include "wire/otlp_encode.h"

namespace clew::collect {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr auto kWaitAtMost = std::chrono::milliseconds(200);  // until a thread looks whether it shall stop
constexpr uint64_t kRetryAfterSecondsMax = 600;               // a server's word is taken up to this
constexpr size_t kReasonBytesMax = 4'096;
constexpr uint32_t kDoublingsMax = 20;
constexpr uint64_t kTellEveryNs = 300'000'000'000;  // that an endpoint still takes nothing
constexpr uint64_t kOutageToldNs = 10'000'000'000;  // a server that restarts is not worth a line

// Of an answer's body: its first line, what a person reads.
std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min(text.size(), text.find_first_of("\r\n")));
}

// The number behind "NAME": in a small JSON object of our own server; 0 when it is not there.
uint64_t number_of(std::string_view json, std::string_view name) {
  std::string key = fmt::format("\"{}\":", name);
  size_t at = json.find(key);
  uint64_t number = 0;
  if (at == std::string_view::npos) return number;
  at += key.size();
  while (at < json.size() && json[at] == ' ') ++at;
  std::from_chars(json.data() + at, json.data() + json.size(), number);
  return number;
}

uint64_t retry_after_ms(std::string_view header) {
  uint64_t seconds = 0;
  std::from_chars(header.data(), header.data() + header.size(), seconds);
  return std::min(seconds, kRetryAfterSecondsMax) * 1'000;
}

}  // namespace

ShipLane::ShipLane(ShipParts parts, ShipLimits limits, std::vector<ShipEndpoint> endpoints, RefusedBatches& refused,
                   DeliveryWatch& watch, std::function<void()> progress)
    : parts_(std::move(parts)), limits_(limits), refused_(refused), watch_(watch), progress_(std::move(progress)) {
  for (ShipEndpoint& endpoint : endpoints) {
    base::MetricLabels to{{"endpoint", endpoint.url}};
    base::Registry& m = parts_.metrics;
    Target target;
    target.sent_events = &m.counter("clew_ship_sent_events_total", "events sent, each time they are sent", to);
    target.sent_bytes = &m.counter("clew_ship_sent_bytes_total", "bytes of batches sent, each time", to);
    target.stored_events = &m.counter("clew_ship_stored_events_total", "events that the server has stored", to);
    target.duplicate_events =
        &m.counter("clew_ship_duplicate_events_total", "events sent again that the server had stored before", to);
    target.left_out_events =
        &m.counter("clew_ship_left_out_events_total", "events that an OTLP server left out of what it took", to);
    target.endpoint = std::move(endpoint);
    targets_.push_back(std::move(target));
  }
  for (size_t i = 0; i < targets_.size(); ++i) add_gauges(i);
}

ShipLane::~ShipLane() { stop(0); }

void ShipLane::add_gauges(size_t which) {
  base::MetricLabels to{{"endpoint", targets_[which].endpoint.url}};
  parts_.metrics.gauge("clew_ship_endpoint_answers", "1 while the server takes batches", to, [this, which] {
    base::MutexLock lock(mutex_);
    return targets_[which].failures == 0 ? 1.0 : 0.0;
  });
  parts_.metrics.gauge("clew_ship_endpoint_refuses",
                       "1 while the server says no to this agent: a wrong key, address or certificate", to,
                       [this, which] {
                         base::MutexLock lock(mutex_);
                         return targets_[which].refuses ? 1.0 : 0.0;
                       });
}

void ShipLane::start() {
  base::MutexLock lock(mutex_);
  grow();
}

// A thread for each request that may be in flight.
void ShipLane::grow() {
  while (!stopping_ && threads_.size() < static_cast<size_t>(limit_)) {
    threads_.emplace_back([this] { work(); });
    pthread_setname_np(threads_.back().native_handle(), "clew-ship");
  }
}

void ShipLane::begin_stop() {
  base::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void ShipLane::stop(uint64_t deadline_ns) {
  begin_stop();
  std::vector<std::jthread> threads;
  {
    base::MutexLock lock(mutex_);
    while (in_flight_ > 0) {
      uint64_t now = parts_.clock.monotonic_ns();
      if (now >= deadline_ns) break;
      wait(std::chrono::nanoseconds(deadline_ns - now));
    }
    threads.swap(threads_);
  }
  cancelled_ = true;
  threads.clear();  // joins
}

void ShipLane::wait(std::chrono::nanoseconds at_most) {
  changed_.wait_for(mutex_, std::min<std::chrono::nanoseconds>(at_most, kWaitAtMost));
}

uint64_t ShipLane::done_up_to() const {
  base::MutexLock lock(mutex_);
  return (outstanding_.empty() ? next_ : *outstanding_.begin()) - 1;
}

uint32_t ShipLane::in_flight_limit() const {
  base::MutexLock lock(mutex_);
  return static_cast<uint32_t>(limit_);
}

std::vector<ShipEndpointState> ShipLane::endpoints() const {
  base::MutexLock lock(mutex_);
  std::vector<ShipEndpointState> out;
  for (const Target& t : targets_) out.push_back({t.endpoint.url, t.failures == 0, t.refuses, t.last_error});
  return out;
}

void ShipLane::work() {
  std::unique_ptr<net::HttpClient> client = parts_.make_client();
  while (std::optional<contract::QueueEntry> entry = next_entry()) {
    bool done = deliver(*client, *entry);
    if (done) {
      watch_.done(std::string(source_of_key(entry->source)), entry->rows,
                  parts_.clock.now().get() - entry->appended_at);
      finish(entry->offset);
    }
    {
      base::MutexLock lock(mutex_);
      --in_flight_;
      changed_.notify_all();
    }
    if (done) progress_();
  }
}

// Waits for a turn and for an entry; nothing when the lane stops.
std::optional<contract::QueueEntry> ShipLane::next_entry() {
  base::MutexLock lock(mutex_);
  for (;;) {
    while (!stopping_ && (reading_ || in_flight_ >= static_cast<uint32_t>(limit_))) wait(kWaitAtMost);
    if (stopping_) return std::nullopt;
    reading_ = true;
    uint64_t from = next_;
    mutex_.unlock();
    auto read = parts_.queue.read(from);
    bool found = read.ok() && read->has_value();
    // A read that failed is tried again after a while; the queue gives up on its own.
    if (!found && read.ok()) (void)parts_.queue.wait_readable(from, kWaitAtMost);
    mutex_.lock();
    if (!read.ok()) wait(kWaitAtMost);
    reading_ = false;
    changed_.notify_all();
    if (!found) continue;
    next_ = (*read)->offset + 1;
    outstanding_.insert((*read)->offset);
    ++in_flight_;
    return std::move(*read);
  }
}

// Tries until the entry is stored or refused; false when the lane stops before.
bool ShipLane::deliver(net::HttpClient& client, const contract::QueueEntry& entry) {
  Parcel parcel{.entry = entry};
  while (std::optional<size_t> which = pick_target()) {
    Target& target = targets_[*which];
    uint64_t begun_ns = parts_.clock.monotonic_ns();
    target.sent_events->add(entry.rows);
    watch_.sent(std::string(source_of_key(entry.source)), entry.rows);
    Answer answer = target.endpoint.otlp ? attempt_otlp(client, target, parcel) : attempt(client, target, parcel);
    if (answer.verdict == Verdict::kStored) {
      target.duplicate_events->add(answer.duplicate);
      target.stored_events->add(entry.rows - std::min<uint64_t>(entry.rows, answer.duplicate));
    }
    if (answer.verdict == Verdict::kRefused) set_aside(target, entry, answer);
    note(*which, answer, begun_ns);
    if (answer.verdict == Verdict::kStored || answer.verdict == Verdict::kRefused) return true;
    if (!cancelled_) {
      parts_.metrics
          .counter("clew_ship_retries_total", "batches that were not taken and are sent again",
                   {{"endpoint", target.endpoint.url}, {"reason", answer.reason}})
          .add();
    }
  }
  return false;
}

// The first endpoint that answers. One that failed is asked again after a while, by one request; the others go on to
// the next endpoint meanwhile. One that has too much to do is waited for: others have no more room for its load.
std::optional<size_t> ShipLane::pick_target() {
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    uint64_t now = parts_.clock.monotonic_ns();
    uint64_t wait_ns = kWaitAtMost / std::chrono::nanoseconds(1);
    for (size_t i = 0; i < targets_.size(); ++i) {
      Target& target = targets_[i];
      if (target.failures == 0) return i;
      if (!target.probing && now >= target.closed_until_ns) {
        target.probing = true;
        return i;
      }
      if (!target.probing) wait_ns = std::min(wait_ns, target.closed_until_ns - now);
      if (target.busy) break;
    }
    wait(std::chrono::nanoseconds(wait_ns));
  }
  return std::nullopt;
}

ShipLane::Answer ShipLane::attempt(net::HttpClient& client, const Target& target, Parcel& parcel) const {
  const contract::QueueEntry& entry = parcel.entry;
  if (!parcel.batches) parcel.batches = body_of_entry(entry.batch);
  net::HttpCall call{.method = "POST",
                     .url = target.endpoint.url + "/clew/v1/batches",
                     .headers = target.endpoint.headers,
                     .body = parcel.batches->bytes,
                     .timeout_ms = limits_.call_timeout_ms,
                     .on_body = {},
                     .go_on = [this] { return !cancelled_.load(); }};
  call.headers.emplace_back("Content-Type", "application/vnd.clew.batch");
  if (parcel.batches->zstd) call.headers.emplace_back("Content-Encoding", "zstd");
  call.headers.emplace_back("Clew-Batch", fmt::format("{}:{}", parts_.queue.producer(), entry.offset));
  if (std::string_view source = source_of_key(entry.source); !source.empty()) {
    call.headers.emplace_back("Clew-Source", net::percent_encoded(source));
  }
  target.sent_bytes->add(call.body.size());
  Result<net::HttpReply> reply = client.call(call);
  Answer answer = answer_of(reply);
  if (answer.verdict == Verdict::kStored) answer.duplicate = number_of(reply->body, "duplicate");
  return answer;
}

// One request after the other; what was taken is not sent again while this process lives.
ShipLane::Answer ShipLane::attempt_otlp(net::HttpClient& client, const Target& target, Parcel& parcel) const {
  if (!parcel.otlp) parcel.otlp = OtlpRequests::of(parcel.entry, target.endpoint.gzip);
  if (!parcel.otlp->ok()) {
    return {.verdict = Verdict::kRefused, .reason = "unreadable", .text = parcel.otlp->error().message()};
  }
  OtlpRequests& requests = **parcel.otlp;
  while (requests.taken < requests.all().size()) {
    const OtlpRequests::Request& request = requests.all()[requests.taken];
    net::HttpCall call{.method = "POST",
                       .url = otlp_logs_url(target.endpoint.url),
                       .headers = target.endpoint.headers,
                       .body = request.body,
                       .timeout_ms = limits_.call_timeout_ms,
                       .on_body = {},
                       .go_on = [this] { return !cancelled_.load(); }};
    for (auto& header : otlp_headers(requests, fmt::format("{}:{}", parts_.queue.producer(), parcel.entry.offset))) {
      call.headers.push_back(std::move(header));
    }
    target.sent_bytes->add(call.body.size());
    Result<net::HttpReply> reply = client.call(call);
    bool taken = reply.ok() && reply->status >= 200 && reply->status < 300;
    if (!taken) return answer_of(reply);
    wire::OtlpPartialSuccess partial = wire::read_otlp_logs_reply(reply->body);
    bool first = target.left_out_events->value() == 0;
    target.left_out_events->add(std::min<uint64_t>(partial.rejected, request.events));
    if (partial.rejected > 0 && first && parts_.say) {
      parts_.say(fmt::format("{} left out {} of {} events: {}", target.endpoint.url, partial.rejected, request.events,
                             first_line(partial.message)));
    }
    ++requests.taken;
  }
  return {.verdict = Verdict::kStored};
}

ShipLane::Answer ShipLane::answer_of(const Result<net::HttpReply>& reply) {
  if (reply.ok()) return judge(*reply);
  if (reply.error().code() == Code::kForbidden) {
    return {.verdict = Verdict::kDenied, .reason = "certificate", .text = reply.error().message()};
  }
  bool slow = reply.error().code() == Code::kDeadline;
  return {.verdict = slow ? Verdict::kBusy : Verdict::kFailed,
          .reason = slow ? "timeout" : "unreachable",
          .text = reply.error().message()};
}

ShipLane::Answer ShipLane::judge(const net::HttpReply& reply) {
  Answer answer{.text = fmt::format("{} {}", reply.status, std::string_view(reply.body).substr(0, kReasonBytesMax))};
  answer.retry_after_ms = retry_after_ms(reply.header("retry-after"));
  answer.reason = fmt::format("status_{}", reply.status);
  switch (reply.status) {
    case 200: answer.verdict = Verdict::kStored; break;
    case 400:
    case 413:
    case 415:
    case 422: answer.verdict = Verdict::kRefused; break;
    case 401:
    case 403:
    case 404:
    case 405: answer.verdict = Verdict::kDenied; break;
    case 408:
    case 429: answer.verdict = Verdict::kBusy; break;
    default: answer.verdict = Verdict::kFailed; break;
  }
  return answer;
}

void ShipLane::note(size_t which, const Answer& answer, uint64_t begun_ns) {
  std::string told;
  base::MutexLock lock(mutex_);
  Target& target = targets_[which];
  if (begun_ns >= target.closed_until_ns) target.probing = false;
  if (answer.verdict != Verdict::kStored && answer.verdict != Verdict::kRefused) {
    note_failure(target, answer, begun_ns);
    told = failure_to_tell(target, answer);
  } else {
    // An answer to a request that was sent before a failure says nothing about the time since.
    if (target.failures > 0 && begun_ns >= target.closed_until_ns) {
      if (target.told_ns != 0) told = fmt::format("{} takes events again", target.endpoint.url);
      target.failures = 0;
      target.busy = false;
      target.refuses = false;
      target.told_ns = 0;
      target.last_error.clear();
    }
    if (in_flight_ >= static_cast<uint32_t>(limit_)) {
      limit_ = std::min(static_cast<double>(limits_.in_flight_max), limit_ + 1 / limit_);
      grow();
    }
  }
  changed_.notify_all();
  if (told.empty() || !parts_.say) return;
  mutex_.unlock();
  parts_.say(told);
  mutex_.lock();
}

// The line that says that an endpoint takes nothing, when it is time for it: at once where waiting does not help.
std::string ShipLane::failure_to_tell(Target& target, const Answer& answer) {
  uint64_t now = parts_.clock.monotonic_ns();
  bool first = target.told_ns == 0;
  if (cancelled_ || answer.verdict == Verdict::kBusy) return {};
  if (first && !target.refuses && now - target.failing_since_ns < kOutageToldNs) return {};
  if (!first && now - target.told_ns < kTellEveryNs) return {};
  target.told_ns = now;
  return fmt::format("{} {} since {} s: {}; {} events wait in the queue and are sent when it takes them",
                     target.endpoint.url, target.refuses ? "REFUSES events" : "does not answer",
                     (now - target.failing_since_ns) / 1'000'000'000, first_line(answer.text),
                     parts_.queue.stats().waiting_rows);
}

void ShipLane::note_failure(Target& target, const Answer& answer, uint64_t begun_ns) {
  target.last_error = answer.text;
  target.refuses = answer.verdict == Verdict::kDenied;
  uint64_t now = parts_.clock.monotonic_ns();
  if (target.failures == 0) target.failing_since_ns = now;
  // What was sent together fails together: once is enough.
  bool slower = answer.verdict == Verdict::kBusy || answer.reason == "status_503";
  if (slower && begun_ns >= lowered_ns_) {
    limit_ = std::max(1.0, limit_ / 2);
    lowered_ns_ = now;
  }
  if (target.failures > 0 && begun_ns < target.closed_until_ns) return;
  target.busy = answer.verdict == Verdict::kBusy;
  uint64_t backoff_ms = std::min<uint64_t>(
      limits_.backoff_max_ms, uint64_t{limits_.backoff_first_ms} << std::min(target.failures, kDoublingsMax));
  ++target.failures;
  backoff_ms = backoff_ms / 2 + parts_.rng.next() % (backoff_ms / 2 + 1);
  target.closed_until_ns = now + std::max(backoff_ms, answer.retry_after_ms) * kNsPerMs;
}

void ShipLane::set_aside(const Target& target, const contract::QueueEntry& entry, const Answer& answer) {
  const std::string& url = target.endpoint.url;
  parts_.metrics
      .counter("clew_ship_rejected_events_total", "events of batches that the server refused for what they are",
               {{"endpoint", url}, {"reason", answer.reason}})
      .add(entry.rows);
  std::string name = fmt::format("{}-{}", parts_.queue.producer(), entry.offset);
  std::string reason = fmt::format("batch {}:{}, {} events, refused by {}\n{}\n", parts_.queue.producer(), entry.offset,
                                   entry.rows, url, answer.text);
  std::string source(source_of_key(entry.source));
  (void)refused_.count(name, source, entry.rows);  // a disk that keeps nothing shows in what is not kept, below
  if (refused_.keep(name, entry.batch, reason).ok()) return;
  parts_.metrics
      .counter("clew_ship_refused_not_kept_events_total", "events refused whose batch could not be kept aside",
               {{"endpoint", url}})
      .add(entry.rows);
}

void ShipLane::finish(uint64_t offset) {
  base::MutexLock lock(mutex_);
  outstanding_.erase(offset);
}

}  // namespace clew::collect
