// Every file of ../shared/data, read as the agent reads files: how many of its events tell their time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "collect/event_lines.h"
#include "collect/input_file.h"
#include "model/batch.h"
#include "process/importer.h"
#include "process/line_parser.h"

namespace clew::collect {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kArrival = 1'796'040'000'000'000'000;  // 2026-11-30
constexpr uint32_t kNoTime =
    static_cast<uint32_t>(model::Flag::kArrivalTime) | static_cast<uint32_t>(model::Flag::kInferred);
constexpr size_t kSampleBytes = 64 << 10;

std::string read_file(const std::string& path) {
  std::string text;
  Result<std::unique_ptr<InputFile>> file = InputFile::open(path);
  if (!file.ok()) return text;
  while (true) {
    Result<std::string_view> more = (*file)->read();
    if (!more.ok() || more->empty()) return text;
    text.append(*more);
  }
}

struct Read {
  process::Format format = process::Format::kPlain;
  uint64_t lines = 0;
  uint64_t events = 0;
  uint64_t untimed = 0;
  uint64_t frames_apart = 0;  // events that are the rest of a trace
  std::string example;
};

bool is_frame(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos || begin == 0) return false;
  text.remove_prefix(begin);
  return text.starts_with("at ") || text.starts_with("File \"") || text.starts_with("... ");
}

// Files that are no logs, or in which nothing says when.
bool has_no_times(const std::string& path) {
  for (std::string_view part : {"lnav/log-samples", "fault_list", "slow008", "slow015", "slow018", "slow016"}) {
    if (path.find(part) != std::string::npos) return true;
  }
  return false;
}

// Objects in an array, or over several lines, as an import takes them apart.
Read read_objects(const std::string& text) {
  Read out{.format = process::Format::kJsonStream, .example = {}};
  process::ImportOptions options;
  process::Importer importer(options, UnixNanos(kArrival), [&](model::Batch batch) {
    const model::Column* flags = batch.find(model::kFlagsField);
    for (int64_t bits : flags == nullptr ? std::vector<int64_t>() : flags->ints()) {
      out.untimed += (static_cast<uint32_t>(bits) & kNoTime) != 0 ? 1 : 0;
    }
    return Status();
  });
  EXPECT_TRUE(importer.feed(text).ok());
  EXPECT_TRUE(importer.finish().ok());
  out.lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  out.events = importer.events();
  return out;
}

Read read_events(const std::string& text) {
  Read out;
  std::string_view sample = std::string_view(text).substr(0, kSampleBytes);
  out.format = process::detect(sample);
  if (out.format == process::Format::kJsonStream) return read_objects(text);
  process::LineParser parser(out.format, process::Expect::kMostly);
  model::Batch batch;
  LineForm form;
  form.join = process::join_rule(out.format);
  EventLines lines(form, process::kLineBytesMax);
  auto take = [&](const FileEvent& event) {
    uint32_t before = batch.rows();
    parser.attach(batch, {.arrival = UnixNanos(kArrival), .zone = {}});
    if (!parser.parse_line(event.text)) return;
    ++out.events;
    out.frames_apart += is_frame(event.text) ? 1 : 0;
    const model::Column* flags = batch.find(model::kFlagsField);
    bool flagged = flags != nullptr && flags->rows_end() == before + 1;
    bool untimed = flagged && (static_cast<uint32_t>(flags->ints().back()) & kNoTime) != 0;
    if (untimed && out.untimed++ == 0) out.example = std::string(event.text.substr(0, 100));
    if (batch.rows() > 4096) batch.clear();
  };
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    ++out.lines;
    lines.add(rest.substr(0, end), end + 1, take);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  lines.end(take);
  return out;
}

TEST(SharedFiles, NearlyEveryEventTellsItsTime) {
  const fs::path root = "../shared/data";
  if (!fs::is_directory(root)) GTEST_SKIP() << "../shared/data is not there";
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::string name = entry.path().filename().string();
    bool about = name == "LICENSE" || name.starts_with("LICENSE") || name.ends_with(".md");
    if (entry.is_regular_file() && !about) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  uint64_t events = 0;
  uint64_t untimed = 0;
  for (const fs::path& path : files) {
    std::string text = read_file(path.string());
    if (text.find_first_not_of(" \r\n\t") == std::string::npos) continue;
    Read read = read_events(text);
    events += read.events;
    untimed += read.untimed;
    double share = 100.0 * static_cast<double>(read.untimed) / static_cast<double>(std::max<uint64_t>(read.events, 1));
    std::printf("%-70s %-9s %7lu lines %7lu events %6.2f %% without a time %lu frames apart%s%s\n",
                fs::relative(path, root).c_str(), std::string(process::format_name(read.format)).c_str(), read.lines,
                read.events, share, read.frames_apart, read.untimed > 0 ? "  e.g. " : "", read.example.c_str());
    EXPECT_EQ(read.frames_apart, 0u) << path;
    constexpr uint64_t kHeadLines = 2;  // before the first time of a short file
    bool few = read.untimed <= kHeadLines || share <= 1.0;
    EXPECT_TRUE(few || has_no_times(path.string())) << path << ": " << share << " % without a time";
  }
  std::printf("%zu files, %lu events, %lu without a time\n", files.size(), events, untimed);
}

}  // namespace
}  // namespace clew::collect
