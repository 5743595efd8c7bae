// wire_bench: nanoseconds per event from bytes to columns, on one core.
//
// Each benchmark prints the rows and the bytes of its columns as a checksum of the work.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "event_gen.h"
#include "text/time_format.h"
#include "text/words.h"
#include "wire/es_bulk.h"
#include "wire/ndjson.h"

namespace {

using namespace clew;

constexpr int64_t kStartMicros = 1'795'000'000'000'000;
constexpr size_t kBodyBytes = 1 << 20;
constexpr size_t kBodies = 16;

struct Input {
  std::vector<std::string> bodies;
  uint64_t events = 0;
  uint64_t bytes = 0;
};

Input make_input(bench::Shape shape, std::string_view action) {
  Input in;
  bench::EventGenerator generator(1, shape, kStartMicros, 100'000);
  while (in.bodies.size() < kBodies) {
    std::string body;
    while (body.size() < kBodyBytes) {
      body += action;
      generator.append_json(generator.next(), body);
      ++in.events;
    }
    in.bytes += body.size();
    in.bodies.push_back(std::move(body));
  }
  return in;
}

wire::Intake intake() {
  wire::Intake i;
  i.arrival = UnixNanos((kStartMicros + 100'000'000) * 1000);
  return i;
}

void report(benchmark::State& state, const Input& in, uint64_t rows, uint64_t checksum) {
  auto events = static_cast<double>(state.iterations()) * static_cast<double>(in.events);
  state.counters["ns_per_event"] =
      benchmark::Counter(events / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["rows"] = static_cast<double>(rows);
  state.counters["checksum"] = static_cast<double>(checksum);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(in.bytes));
}

uint64_t text_bytes(const std::vector<model::Batch>& batches) {
  uint64_t n = 0;
  for (const model::Batch& b : batches) {
    for (const auto& c : b.columns()) n += c->text().size() + c->ints().size();
  }
  return n;
}

void bm_ndjson(benchmark::State& state, bench::Shape shape) {
  Input in = make_input(shape, "");
  wire::NdjsonDecoder decoder;
  uint64_t rows = 0;
  uint64_t checksum = 0;
  for (auto _ : state) {
    rows = checksum = 0;
    for (const std::string& body : in.bodies) {
      wire::Events events = decoder.decode(body, intake());
      rows += events.received - events.rejected;
      checksum += text_bytes(events.batches);
    }
  }
  report(state, in, rows, checksum);
}
BENCHMARK_CAPTURE(bm_ndjson, twelve, bench::Shape::kTwelve);
BENCHMARK_CAPTURE(bm_ndjson, fifteen, bench::Shape::kFifteen);

void bm_bulk(benchmark::State& state) {
  Input in = make_input(bench::Shape::kTwelve, "{\"create\":{\"_index\":\"web-2026.11.20\"}}\n");
  wire::BulkDecoder decoder;
  contract::Ack ack;
  ack.key = {"bench", 1};
  ack.first_seq = Seq(1);
  uint64_t rows = 0;
  uint64_t checksum = 0;
  for (auto _ : state) {
    rows = checksum = 0;
    for (const std::string& body : in.bodies) {
      Result<wire::BulkRequest> request = decoder.decode(body, "", intake());
      rows += request->items.size();
      checksum += wire::bulk_reply(*request, &ack, 1).size() + text_bytes(request->events.batches);
    }
  }
  report(state, in, rows, checksum);
}
BENCHMARK(bm_bulk);

// Requests of 100 events: what each costs beside its events.
void bm_bulk_small(benchmark::State& state) {
  Input in;
  bench::EventGenerator generator(1, bench::Shape::kTwelve, kStartMicros, 100'000);
  for (int i = 0; i < 100; ++i) {
    std::string body;
    for (int n = 0; n < 100; ++n, ++in.events) {
      body += "{\"create\":{}}\n";
      generator.append_json(generator.next(), body);
    }
    in.bytes += body.size();
    in.bodies.push_back(std::move(body));
  }
  wire::BulkDecoder decoder;
  uint64_t rows = 0;
  for (auto _ : state) {
    rows = 0;
    for (const std::string& body : in.bodies) rows += decoder.decode(body, "web", intake())->items.size();
  }
  report(state, in, rows, 0);
}
BENCHMARK(bm_bulk_small);

void bm_words(benchmark::State& state) {
  Input in = make_input(bench::Shape::kTwelve, "");
  uint64_t checksum = 0;
  for (auto _ : state) {
    checksum = 0;
    for (const std::string& body : in.bodies) {
      text::for_each_word(body, [&](std::string_view word) { checksum += word.size(); });
    }
  }
  report(state, in, 0, checksum);
}
BENCHMARK(bm_words);

void bm_word_hashes(benchmark::State& state) {
  Input in = make_input(bench::Shape::kTwelve, "");
  uint64_t checksum = 0;
  for (auto _ : state) {
    checksum = 0;
    for (const std::string& body : in.bodies) {
      text::for_each_word(body, [&](std::string_view word) { checksum += text::word_hash(word) & 15; });
    }
  }
  report(state, in, 0, checksum);
}
BENCHMARK(bm_word_hashes);

void bm_phrase(benchmark::State& state) {
  Input in = make_input(bench::Shape::kTwelve, "");
  text::Phrase phrase("connection timed out");
  uint64_t hits = 0;
  for (auto _ : state) {
    hits = 0;
    for (const std::string& body : in.bodies) {
      std::string_view rest = body;
      while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() + 1);
        hits += phrase.matches(line) ? 1 : 0;
      }
    }
  }
  report(state, in, 0, hits);
}
BENCHMARK(bm_phrase);

void bm_time(benchmark::State& state, const char* text) {
  text::TimeReader reader;
  text::TimeContext context;
  int64_t checksum = 0;
  for (auto _ : state) {
    std::optional<text::Time> t = reader.parse(text, context);
    checksum += t ? t->unix_nanos & 1023 : -1;
    benchmark::DoNotOptimize(checksum);
  }
}
BENCHMARK_CAPTURE(bm_time, rfc3339, "2026-11-20T10:37:05.484720Z");
BENCHMARK_CAPTURE(bm_time, apache, "20/Nov/2026:10:37:05 +0000");
BENCHMARK_CAPTURE(bm_time, rfc3164, "Nov 20 10:37:05");

}  // namespace
