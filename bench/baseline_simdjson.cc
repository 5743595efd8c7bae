// Baseline for ingest: parses a file of JSON lines with simdjson on one core and visits every field. Prints one JSON
// line. Usage: clew_baseline_simdjson FILE
#include <simdjson.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: clew_baseline_simdjson FILE\n");
    return 2;
  }
  simdjson::padded_string text;
  if (simdjson::padded_string::load(argv[1]).get(text) != simdjson::SUCCESS) {
    std::fprintf(stderr, "cannot read %s\n", argv[1]);
    return 2;
  }
  auto begun = std::chrono::steady_clock::now();
  simdjson::dom::parser parser;
  simdjson::dom::document_stream lines;
  if (parser.parse_many(text, 1 << 20).get(lines) != simdjson::SUCCESS) return 1;
  size_t events = 0;
  size_t checksum = 0;
  for (auto line : lines) {
    simdjson::dom::object object;
    if (line.get(object) != simdjson::SUCCESS) continue;
    ++events;
    for (auto [key, value] : object) {
      std::string_view s;
      double d = 0;
      checksum += key.size();
      if (value.get(s) == simdjson::SUCCESS)
        checksum += s.size();
      else if (value.get(d) == simdjson::SUCCESS)
        checksum += static_cast<size_t>(d);
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("{\"baseline\":\"simdjson dom\",\"events\":%zu,\"cpu_s_per_million\":%.3f,\"checksum\":%zu}\n", events,
              seconds * 1e6 / static_cast<double>(events), checksum);
  return 0;
}
