// clew bench: how fast this machine, or a server, takes events and answers. A small sibling of `./dev bench`.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "app/bench_events.h"
#include "app/bench_server.h"
#include "app/client.h"
#include "app/command.h"
#include "app/terminal.h"
#include "os/clock.h"

namespace clew::app {
namespace {

constexpr uint64_t kConnectionsMax = 64;
constexpr uint64_t kEventsMax = 1'000'000'000;
constexpr int64_t kSpanMicros = 3600ll * 1'000'000;  // the events lie in the last hour
constexpr uint64_t kRepeats = 9;

struct Asked {
  std::string url;  // empty: a server of our own
  std::string dir;
  std::string format;
  uint64_t events = 1'000'000;
  uint64_t connections = 2;
  uint64_t body_bytes = 1 << 20;
  bool keep = false;
};

double seconds(uint64_t nanos) { return static_cast<double>(nanos) / 1e9; }

// The value below which that share of them lies. Requires: not empty.
double percentile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

struct Sent {
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t bytes = 0;
  std::vector<double> latency_ms;
  std::string trace_id;  // of some event
  Status failed;
};

// One connection's share of the events.
Sent send_share(const Asked& asked, const std::string& url, const std::string& dataset, const os::Clock& clock,
                uint64_t number) {
  Sent sent;
  uint64_t share = asked.events / asked.connections + (number < asked.events % asked.connections ? 1 : 0);
  int64_t now = clock.now().get() / 1000;
  auto step = std::max<int64_t>(1, kSpanMicros / static_cast<int64_t>(std::max<uint64_t>(1, share)));
  BenchEvents events(clock.monotonic_ns() + number * 0x1000193, now - kSpanMicros, step);
  Client client(url);
  std::string body;
  for (uint64_t done = 0; done < share;) {
    body.clear();
    uint64_t count = 0;
    while (done + count < share && body.size() < asked.body_bytes) {
      events.append_bulk(body);
      ++count;
    }
    if (done == 0) sent.trace_id = events.last_trace_id();
    done += count;
    uint64_t begun = clock.monotonic_ns();
    net::HttpCall call{.method = "POST",
                       .url = "/" + dataset + "/_bulk?filter_path=errors",
                       .headers = {},
                       .body = body,
                       .on_body = nullptr};
    call.headers.emplace_back("Content-Type", "application/x-ndjson");
    Result<net::HttpReply> reply = client.call(std::move(call));
    if (!reply.ok()) {
      sent.failed = std::move(reply).error();
      return sent;
    }
    sent.latency_ms.push_back(seconds(clock.monotonic_ns() - begun) * 1000);
    if (reply->status == 200 && reply->body.find("\"errors\":false") != std::string::npos) {
      sent.acknowledged += count;
      sent.bytes += body.size();
    } else {
      sent.refused += count;
    }
  }
  return sent;
}

Sent send_all(const Asked& asked, const std::string& url, const std::string& dataset, const os::Clock& clock) {
  std::vector<Sent> shares(asked.connections);
  {
    std::vector<std::jthread> threads;
    for (uint64_t i = 0; i < asked.connections; ++i) {
      threads.emplace_back([&, i] { shares[i] = send_share(asked, url, dataset, clock, i); });
    }
  }
  Sent all;
  for (Sent& share : shares) {
    all.acknowledged += share.acknowledged;
    all.refused += share.refused;
    all.bytes += share.bytes;
    all.latency_ms.insert(all.latency_ms.end(), share.latency_ms.begin(), share.latency_ms.end());
    if (!share.trace_id.empty()) all.trace_id = share.trace_id;
    if (!share.failed.ok() && all.failed.ok()) all.failed = share.failed;
  }
  return all;
}

// Prints results as they come: a line of text each on a terminal, else a line of JSON.
class Reporter {
 public:
  explicit Reporter(std::string format)
      : text_(format.empty() ? terminal_of(STDOUT_FILENO).is_terminal : format == "text") {}

  void line(const Json& json, const std::string& text) {
    std::printf("%s\n", text_ ? text.c_str() : json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  }

 private:
  bool text_;
};

struct Question {
  const char* name;
  std::string ppl;
};

std::vector<Question> questions(const std::string& dataset, const std::string& trace_id, uint64_t turn) {
  std::string source = "source=" + dataset;
  return {
      {"one trace id", fmt::format("{} trace_id={}", source, trace_id)},
      {"newest 50 by a word",
       fmt::format("{} {} | sort - @timestamp | head 50", source, turn % 2 == 0 ? "renewed" : "upstream")},
      {"newest 50 by a number",
       fmt::format("{} user_id={} | sort - @timestamp | head 50", source, turn * 4999 % 50'000)},
      {"count by service", fmt::format("{} | stats count() by service", source)},
      {"count by minute and level",
       fmt::format("{} | stats count() by span(@timestamp, {}m), level", source, 1 + turn % 5)},
      {"two conditions", fmt::format("{} level=error latency_ms>{} | stats count()", source, 500 + turn * 7)},
      {"a phrase",
       fmt::format("{} \"{}\" | stats count()", source, turn % 2 == 0 ? "slow query detected" : "cache miss for key")},
  };
}

Result<Json> ask(Client& client, const std::string& ppl) { return client.post("/_plugins/_ppl", {{"query", ppl}}); }

Status ask_all(Client& client, const std::string& dataset, const std::string& trace_id, const os::Clock& clock,
               Reporter& report) {
  size_t count = questions(dataset, trace_id, 0).size();
  for (size_t q = 0; q < count; ++q) {
    std::vector<double> times;
    uint64_t rows = 0;
    std::string name;
    for (uint64_t turn = 0; turn < kRepeats; ++turn) {
      Question question = questions(dataset, trace_id, turn)[q];
      name = question.name;
      uint64_t begun = clock.monotonic_ns();
      Json answer = CLEW_TRY(ask(client, question.ppl));
      times.push_back(seconds(clock.monotonic_ns() - begun) * 1000);
      rows = number_at(answer, "size");
    }
    double median = percentile(times, 0.5);
    report.line({{"bench", "query"},
                 {"query", name},
                 {"ms_median", median},
                 {"ms_min", times.front()},
                 {"ms_max", times.back()},
                 {"rows", rows}},
                fmt::format("{:<28} {:>9.1f} ms   ({:.1f} to {:.1f}, {} rows)", name, median, times.front(),
                            times.back(), rows));
  }
  return {};
}

Result<uint64_t> count_stored(Client& client, const std::string& dataset) {
  Json answer = CLEW_TRY(ask(client, "source=" + dataset + " | stats count() as n"));
  const Json& rows = member_at(answer, "datarows");
  bool one = rows.is_array() && rows.size() == 1 && rows[0].is_array() && rows[0].size() == 1 && rows[0][0].is_number();
  if (!one) return Error(Code::kCorrupt, "no count in the answer");
  return rows[0][0].get<uint64_t>();
}

Status measure(const Asked& asked, const std::string& url, const BenchServer* own, const std::string& dataset,
               Reporter& report) {
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  double cpu_before = 0;
  if (own) cpu_before = CLEW_TRY(own->cpu_seconds());
  uint64_t begun = clock->monotonic_ns();
  Sent sent = send_all(asked, url, dataset, *clock);
  double took = seconds(clock->monotonic_ns() - begun);
  CLEW_TRY(std::move(sent.failed));
  if (sent.acknowledged == 0) return Error(Code::kUnavailable, "the server took none of the events");
  auto events = static_cast<double>(sent.acknowledged);
  Client client(url);
  uint64_t stored = CLEW_TRY(count_stored(client, dataset));
  Json json = {{"bench", "ingest"},
               {"events", asked.events},
               {"acknowledged", sent.acknowledged},
               {"refused", sent.refused},
               {"stored", stored},
               {"events_per_second", static_cast<uint64_t>(events / took)},
               {"mib_per_second", static_cast<double>(sent.bytes) / took / 1048576},
               {"request_ms_p50", percentile(sent.latency_ms, 0.5)},
               {"request_ms_p99", percentile(sent.latency_ms, 0.99)}};
  std::string text = fmt::format(
      "{} events acknowledged in {:.1f} s: {} events/s, {:.0f} MiB/s; requests {:.1f} ms, 99 % under {:.1f} ms",
      grouped(sent.acknowledged), took, grouped(static_cast<uint64_t>(events / took)),
      static_cast<double>(sent.bytes) / took / 1048576, percentile(sent.latency_ms, 0.5),
      percentile(sent.latency_ms, 0.99));
  if (sent.refused > 0)
    text += fmt::format("\n{} events refused: the server is overloaded or full", grouped(sent.refused));
  if (own) {
    // What was acknowledged is rewritten in the background; its cost belongs to the figure.
    Json flushed = CLEW_TRY(client.post("/clew/v1/flush", Json::object()));
    double cpu = CLEW_TRY(own->cpu_seconds()) - cpu_before;
    json["cpu_s_per_million"] = cpu / events * 1e6;
    json["disk_bytes_per_event"] = static_cast<double>(own->disk_bytes()) / events;
    text += fmt::format("\nserver: {:.2f} CPU-s per million events, flush included; {:.0f} bytes on disk an event",
                        cpu / events * 1e6, static_cast<double>(own->disk_bytes()) / events);
  }
  report.line(json, text);
  if (stored != sent.acknowledged) {
    return Error(Code::kCorrupt, fmt::format("{} events acknowledged, {} found", sent.acknowledged, stored));
  }
  return ask_all(client, dataset, sent.trace_id, *clock, report);
}

void remove_dataset(const std::string& url, const std::string& dataset) {
  Result<net::HttpReply> reply =
      Client(url).call({.method = "DELETE", .url = "/" + dataset, .headers = {}, .body = {}, .on_body = nullptr});
  if (reply.ok() && (reply->status == 200 || reply->status == 404)) return;
  std::string why = reply.ok() ? fmt::format("status {}", reply->status) : reply.error().message();
  std::fprintf(stderr, "clew bench: dataset %s is left behind: %s\n", dataset.c_str(), why.c_str());
}

int run(Asked asked) {
  Reporter report(asked.format);
  std::unique_ptr<BenchServer> own;
  if (asked.url.empty()) {
    Result<std::unique_ptr<BenchServer>> started = BenchServer::start(asked.dir);
    if (!started.ok()) return fail("bench", started.error());
    own = std::move(started).take();
  }
  std::string url = own ? own->url() : asked.url;
  std::string dataset = fmt::format("clew-bench-x{:x}", os::make_real_rng()->next() & 0xffffffff);
  std::fprintf(stderr, "%s events over %s connections to %s, which shares this machine with what sends them\n",
               grouped(asked.events).c_str(), grouped(asked.connections).c_str(),
               own ? "a server of its own" : url.c_str());
  Status measured = measure(asked, url, own.get(), dataset, report);
  if (!own && !asked.keep) remove_dataset(url, dataset);
  return measured.ok() ? 0 : fail("bench", measured.error());
}

}  // namespace

int run_bench(int argc, char** argv) {
  Asked asked;
  Flags flags("bench", "measures ingest and queries on a store of its own or on a server",
              "clew bench                                  a server and a store of its own, removed afterwards\n"
              "clew bench --events 10000000 --dir /data    on the disk that counts\n"
              "clew bench --url http://127.0.0.1:4320      a running server; the events are deleted again\n"
              "clew bench --format ndjson > before.json    one line of JSON for each figure");
  flags.text(asked.url, "--url", "URL", "a running server (default: one of its own)");
  flags.text(asked.dir, "--dir", "DIR", "where its own store lies (default the directory for temporary files)");
  flags.number(asked.events, "--events", "N", "events to send");
  flags.number(asked.connections, "--connections", "N", "connections, a thread each");
  flags.bytes(asked.body_bytes, "--body", "bytes of one request");
  flags.yes(asked.keep, "--keep", "leave the dataset on the server");
  flags.choice(asked.format, "--format", {"text", "ndjson"}, "text on a terminal, else ndjson");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (asked.events == 0 || asked.events > kEventsMax || asked.connections == 0 || asked.connections > kConnectionsMax) {
    std::fprintf(stderr, "clew bench: 1 to %s events over 1 to %s connections\n", grouped(kEventsMax).c_str(),
                 grouped(kConnectionsMax).c_str());
    return 2;
  }
  asked.body_bytes = std::clamp<uint64_t>(asked.body_bytes, 1, 32 << 20);
  return run(std::move(asked));
}

}  // namespace clew::app
