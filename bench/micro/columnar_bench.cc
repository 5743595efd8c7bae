// columnar_bench [--rows N] [--columns] [--benchmark_min_time=...]: cost of parts and segments on synthetic 12-field
// events.
//
// Prints nanoseconds per event of encoding, gathering and reading, bytes per event of each column and of the index, and
// a checksum over what was read, so that nobody changes the work without changing the number.
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "base/hash.h"
#include "columnar/inspect.h"
#include "columnar/part.h"
#include "columnar/segment.h"
#include "contract/event_source.h"
#include "event_gen.h"
#include "model/batch.h"
#include "os/disk.h"

namespace {

using namespace clew;

// CPU time of this thread: the machine may be shared.
struct Clock {
  using time_point = double;
  static double now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
  }
};

constexpr uint32_t kPartRows = 3300;

double ns_since(Clock::time_point begin) { return Clock::now() - begin; }

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.error().message().c_str());
  std::exit(1);
}
template <class T>
T must(Result<T> result) {
  if (!result.ok()) must(Status(result.error()));
  return std::move(result).take();
}

std::string iso(int64_t unix_micros) {
  time_t second = unix_micros / 1'000'000;
  tm parts{};
  gmtime_r(&second, &parts);
  char text[40];
  size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%06dZ", static_cast<int>(unix_micros % 1'000'000));
  return text;
}

void add_event(const bench::Event& e, model::Batch& batch) {
  uint32_t row = batch.begin_row();
  batch.column("_time")->add_time(row, e.unix_micros * 1000);
  batch.column("_shape")->add_string(row, "same");
  batch.column("timestamp")->add_string(row, iso(e.unix_micros));
  batch.column("level")->add_string(row, e.level);
  batch.column("service")->add_string(row, e.service);
  batch.column("host")->add_string(row, e.host);
  batch.column("trace_id")->add_string(row, std::string_view(e.trace_id, 32));
  batch.column("user_id")->add_int(row, e.user_id);
  batch.column("method")->add_string(row, e.method);
  batch.column("path")->add_string(row, e.path);
  batch.column("status")->add_int(row, e.status);
  batch.column("latency_ms")->add_decimal(row, static_cast<int64_t>(e.latency_us), 3);
  batch.column("ip")->add_string(row, e.ip);
  batch.column("message")->add_string(row, e.message);
  batch.end_row();
}

struct Parts {
  std::vector<columnar::RowSourcePtr> sources;
  std::vector<columnar::CommitRange> commits;
  uint64_t bytes = 0;
  double encode_ns = 0;
};

Parts make_parts(uint64_t rows) {
  bench::EventGenerator generator(7, bench::Shape::kTwelve, 1'763'719'200'000'000, 720'000);
  Parts parts;
  columnar::BatchEncoder encoder;
  for (uint64_t first = 0; first < rows; first += kPartRows) {
    model::Batch batch("logs");
    for (uint32_t i = 0; i < kPartRows && first + i < rows; ++i) add_event(generator.next(), batch);
    auto begin = Clock::now();
    std::string bytes = encoder.encode(batch);
    parts.encode_ns += ns_since(begin);
    parts.bytes += bytes.size();
    std::vector<columnar::CommitRange> commits = {
        {Seq(1 + first), batch.rows(), {"bench", first}, UnixNanos(1), 0, batch.rows()}};
    parts.commits.push_back(commits[0]);
    parts.sources.push_back(must(columnar::open_part(std::make_shared<const std::string>(std::move(bytes)), commits)));
  }
  return parts;
}

struct Costs {
  double sort_ns = 0, add_ns = 0, finish_ns = 0;
};

columnar::SegmentSummary write_segment(os::Disk& disk, const std::string& path, const Parts& parts, Costs& costs) {
  auto writer =
      must(columnar::create_segment(disk, path, {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""}));
  constexpr size_t kPartsPerGroup = contract::kGranuleRowsMax / kPartRows;
  for (size_t first = 0; first < parts.sources.size(); first += kPartsPerGroup) {
    size_t n = std::min(kPartsPerGroup, parts.sources.size() - first);
    std::span<const columnar::RowSourcePtr> some(parts.sources.data() + first, n);
    std::vector<columnar::RowRef> rows;
    for (uint32_t s = 0; s < n; ++s) {
      for (uint32_t r = 0; r < some[s]->rows(); ++r) rows.push_back({s, r});
    }
    auto begin = Clock::now();
    rows = must(columnar::sorted_for_row_group(some, std::move(rows)));
    costs.sort_ns += ns_since(begin);
    begin = Clock::now();
    must(writer->add_row_group(some, rows));
    costs.add_ns += ns_since(begin);
  }
  auto begin = Clock::now();
  auto summary = must(writer->finish(parts.commits));
  costs.finish_ns += ns_since(begin);
  return summary;
}

// Reads a column of all row groups; gives ns per row and adds to the checksum.
double read_column(const columnar::SegmentReader& segment, const std::string& field, uint64_t& checksum) {
  contract::ScanStats stats;
  auto begin = Clock::now();
  uint64_t rows = 0;
  for (const auto& group : segment.row_groups()) {
    auto granule = group->granule(Seq(UINT64_MAX), nullptr);
    model::Selection selection;
    for (uint32_t b = 0; b * contract::kBlockRows < granule->rows(); ++b) {
      granule->alive(b, selection);
      auto v = must(granule->column(field, b, selection, stats));
      rows += v->size;
      if (!v->i64.empty()) checksum = base::hash_mix(checksum, static_cast<uint64_t>(v->i64[v->size / 2]));
      if (!v->codes.empty()) checksum = base::hash_mix(checksum, v->codes[v->size / 2]);
      if (!v->strings.empty()) checksum = base::hash_mix(checksum, base::hash64(v->strings[v->size / 2]));
    }
  }
  return ns_since(begin) / static_cast<double>(rows);
}

double filter_all(const columnar::SegmentReader& segment, const contract::Predicate& leaf, uint64_t& checksum,
                  uint64_t& matches) {
  contract::ScanStats stats;
  auto begin = Clock::now();
  uint64_t rows = 0;
  matches = 0;
  for (const auto& group : segment.row_groups()) {
    auto granule = group->granule(Seq(UINT64_MAX), nullptr);
    model::Selection selection;
    for (uint32_t b = 0; b * contract::kBlockRows < granule->rows(); ++b) {
      granule->alive(b, selection);
      rows += selection.size();
      if (!must(granule->filter(leaf, b, selection, stats))) return -1;
      matches += selection.size();
    }
  }
  checksum = base::hash_mix(checksum, matches);
  return ns_since(begin) / static_cast<double>(rows);
}

// Encoding of a batch, and of a row group, that has one column beside `_time`.
void time_columns(os::Disk& disk, const std::string& path, int repeat) {
  bench::EventGenerator generator(7, bench::Shape::kTwelve, 1'763'719'200'000'000, 720'000);
  constexpr uint32_t kParts = contract::kGranuleRowsMax / kPartRows;
  std::vector<model::Batch> batches;
  for (uint32_t p = 0; p < kParts; ++p) {
    batches.emplace_back("logs");
    for (uint32_t i = 0; i < kPartRows; ++i) add_event(generator.next(), batches.back());
  }
  double n = static_cast<double>(kParts) * kPartRows * repeat;
  columnar::BatchEncoder encoder;
  for (const auto& column : batches[0].columns()) {
    Parts parts;
    std::vector<columnar::RowRef> rows;
    double encode_ns = 0;
    for (uint32_t p = 0; p < kParts; ++p) {
      model::Batch one("logs");
      const model::Column& time = *batches[p].find("_time");
      const model::Column& from = *batches[p].find(column->name());
      size_t scale = 0;
      for (uint32_t r = 0; r < kPartRows; ++r) {
        one.begin_row();
        one.column("_time")->add_time(r, time.ints()[r]);
        if (column->name() == "_time") continue;
        model::Column* to = one.column(column->name());
        if (!from.text_ends().empty())
          to->add_string(r, from.text_at(r));
        else if (!from.scales().empty())
          to->add_decimal(r, from.ints()[r], from.scales()[scale++]);
        else
          to->add_int(r, from.ints()[r]);
        rows.push_back({p, r});
      }
      std::string bytes;
      auto begin = Clock::now();
      for (int i = 0; i < repeat; ++i) bytes = encoder.encode(one);
      encode_ns += ns_since(begin);
      std::vector<columnar::CommitRange> commits = {
          {Seq(1 + p * kPartRows), kPartRows, {"bench", p}, UnixNanos(1), 0, kPartRows}};
      parts.sources.push_back(
          must(columnar::open_part(std::make_shared<const std::string>(std::move(bytes)), commits)));
    }
    if (column->name() == "_time") rows.clear();
    double add_ns = 0;
    if (!rows.empty()) {
      auto writer = must(
          columnar::create_segment(disk, path, {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""}));
      auto begin = Clock::now();
      for (int i = 0; i < repeat; ++i) must(writer->add_row_group(parts.sources, rows));
      add_ns = ns_since(begin);
      writer.reset();
      must(disk.remove(path));
    }
    std::printf("_time and %-12s part %7.1f ns/event, row group %7.1f ns/event\n", column->name().c_str(),
                encode_ns / n, add_ns / n);
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t rows = 650'000;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--benchmark_min_time", 20) == 0) rows = 7'000;
    if (std::strcmp(argv[i], "--columns") == 0) {
      auto real = os::make_real_disk();
      time_columns(*real, std::filesystem::temp_directory_path() / ("columnar-bench-" + std::to_string(::getpid())),
                   10);
      return 0;
    }
    if (std::strcmp(argv[i], "--rows") == 0 && i + 1 < argc) rows = std::strtoull(argv[++i], nullptr, 10);
  }
  auto n = static_cast<double>(rows);
  Parts parts = make_parts(rows);
  std::printf("encode_batch        %7.1f ns/event  %6.2f B/event\n", parts.encode_ns / n,
              static_cast<double>(parts.bytes) / n);
  auto disk = os::make_real_disk();
  std::string path = std::filesystem::temp_directory_path() / ("columnar-bench-" + std::to_string(::getpid()));
  Costs costs;
  auto summary = write_segment(*disk, path, parts, costs);
  std::printf("sort rows           %7.1f ns/event\n", costs.sort_ns / n);
  std::printf("add_row_group       %7.1f ns/event\n", costs.add_ns / n);
  std::printf("finish              %7.1f ns/event\n", costs.finish_ns / n);
  std::printf("segment             %7s            %6.2f B/event\n", "", static_cast<double>(summary.file_bytes) / n);
  for (const auto& [name, bytes] : must(columnar::segment_bytes_by_column(*disk, path))) {
    std::printf("  %-30s %15.2f B/event\n", name.c_str(), static_cast<double>(bytes) / n);
  }
  auto segment = must(columnar::open_segment(*disk, path));
  uint64_t checksum = 0;
  for (const char* field : {"level", "service", "status", "latency_ms", "user_id", "@timestamp", "timestamp", "ip",
                            "trace_id", "path", "message"}) {
    double ns = read_column(*segment, field, checksum);
    std::printf("read %-14s %7.2f ns/row  %8.0fM rows/s\n", field, ns, 1000 / ns);
  }
  using Op = contract::Predicate::Op;
  using model::Value;
  const std::vector<std::pair<const char*, contract::Predicate>> filters = {
      {"level=ERROR", {.op = Op::kEquals, .field = "level", .values = {Value::string("ERROR")}, .children = {}}},
      {"latency_ms>500", {.op = Op::kGreater, .field = "latency_ms", .values = {Value::bigint(500)}, .children = {}}},
      {"user_id=77", {.op = Op::kEquals, .field = "user_id", .values = {Value::bigint(77)}, .children = {}}},
      {"\"worker gracefully\"",
       {.op = Op::kPhrase, .field = "message", .values = {Value::string("worker gracefully")}, .children = {}}},
      {"\"order 1234\"",
       {.op = Op::kPhrase, .field = "message", .values = {Value::string("order 1234")}, .children = {}}},
      {"contains \"s 12\"",
       {.op = Op::kContains, .field = "message", .values = {Value::string("s 12")}, .children = {}}}};
  for (const auto& [name, leaf] : filters) {
    uint64_t matches = 0;
    double ns = filter_all(*segment, leaf, checksum, matches);
    std::printf("filter %-20s %7.2f ns/row  %8.0fM rows/s  %lu matches\n", name, ns, 1000 / ns, matches);
  }
  std::printf("checksum %016lx\n", checksum);
  return std::filesystem::remove(path) ? 0 : 1;
}
