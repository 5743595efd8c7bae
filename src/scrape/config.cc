#include "scrape/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "os/disk.h"
#include "os/foreign_file.h"
#include "scrape/config_yaml.h"

namespace clew::scrape {
namespace {

constexpr uint64_t kFileBytesMax = 16u << 20;

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// A number and a unit of `units`, longest names first.
template <size_t N>
std::optional<uint64_t> take_unit(std::string_view& text, const std::array<Unit, N>& units) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    if (value > INT64_MAX / unit.factor) return std::nullopt;
    return value * unit.factor;
  }
  return std::nullopt;
}

std::string directory_of(const std::string& file) {
  size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string() : file.substr(0, slash);
}

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<os::ForeignFile> file = CLEW_TRY(os::ForeignFile::open(path));
  os::FileInfo info = CLEW_TRY(file->info());
  if (info.bytes > kFileBytesMax) return Error(Code::kTooLarge, path + " is no configuration: over 16 MiB");
  std::string text(info.bytes, '\0');
  size_t bytes = CLEW_TRY(file->read_at(0, text.data(), text.size()));
  text.resize(bytes);
  return text;
}

std::string line_of(const std::string& file, const Notice& notice) {
  std::string line = notice.line == 0 ? std::string() : ":" + std::to_string(notice.line);
  return file + line + ": " + notice.message;
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
  constexpr std::array<Unit, 7> kUnits = {{{"ms", 1},
                                           {"s", 1000},
                                           {"m", 60'000},
                                           {"h", 3'600'000},
                                           {"d", 86'400'000},
                                           {"w", 604'800'000},
                                           {"y", 31'536'000'000}}};
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  int64_t sum = 0;
  while (!text.empty()) {
    std::optional<uint64_t> part = take_unit(text, kUnits);
    if (!part || sum > INT64_MAX - static_cast<int64_t>(*part)) return std::nullopt;
    sum += static_cast<int64_t>(*part);
  }
  return sum;
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  constexpr std::array<Unit, 9> kUnits = {{{"KiB", 1u << 10},
                                           {"MiB", 1u << 20},
                                           {"GiB", 1u << 30},
                                           {"TiB", 1ull << 40},
                                           {"KB", 1u << 10},
                                           {"MB", 1u << 20},
                                           {"GB", 1u << 30},
                                           {"TB", 1ull << 40},
                                           {"B", 1}}};
  if (text == "0") return 0;
  std::optional<uint64_t> value = take_unit(text, kUnits);
  return text.empty() ? value : std::nullopt;
}

bool ScrapeConfig::same_as(const ScrapeConfig& o) const {
  return job_name == o.job_name && interval_millis == o.interval_millis && timeout_millis == o.timeout_millis &&
         metrics_path == o.metrics_path && scheme == o.scheme && params == o.params && honor_labels == o.honor_labels &&
         honor_timestamps == o.honor_timestamps && track_timestamps_staleness == o.track_timestamps_staleness &&
         enable_compression == o.enable_compression && scrape_native_histograms == o.scrape_native_histograms &&
         scrape_classic_histograms == o.scrape_classic_histograms && protocols == o.protocols &&
         sample_limit == o.sample_limit && target_limit == o.target_limit && label_limit == o.label_limit &&
         label_name_length_limit == o.label_name_length_limit &&
         label_value_length_limit == o.label_value_length_limit && body_bytes_max == o.body_bytes_max &&
         access == o.access && relabel == o.relabel && metric_relabel == o.metric_relabel &&
         discoveries == o.discoveries && (own_page == nullptr) == (o.own_page == nullptr);
}

ReadConfig read_config(const std::string& text, const std::string& file) {
  ReadConfig out;
  try {
    read_config_node(YAML::Load(text), directory_of(file), out);
  } catch (const YAML::Exception& error) {
    uint32_t line = error.mark.is_null() ? 0 : static_cast<uint32_t>(error.mark.line + 1);
    out.mistakes.push_back({line, "no YAML: " + error.msg});
  }
  return out;
}

Result<Config> load_config_files(const std::vector<std::string>& files, std::vector<std::string>& told) {
  Config all;
  std::string mistakes;
  std::set<std::string> seen;
  std::vector<std::string> waiting = files;
  for (size_t i = 0; i < waiting.size(); ++i) {
    std::vector<std::string> paths = os::files_matching(waiting[i]);
    if (paths.empty() && waiting[i].find_first_of("*?[{") == std::string::npos) paths.push_back(waiting[i]);
    for (const std::string& path : paths) {
      if (!seen.insert(path).second) continue;
      std::string text = CLEW_TRY(read_file(path));
      ReadConfig read = read_config(text, path);
      auto add = [&](const std::string& line) { mistakes += (mistakes.empty() ? "" : "\n") + line; };
      for (const Notice& notice : read.mistakes) add(line_of(path, notice));
      for (const Notice& notice : read.told) told.push_back(line_of(path, notice));
      waiting.insert(waiting.end(), read.more_files.begin(), read.more_files.end());
      for (ScrapeConfig& scrape : read.config.scrapes) {
        bool twice = std::any_of(all.scrapes.begin(), all.scrapes.end(),
                                 [&](const ScrapeConfig& other) { return other.job_name == scrape.job_name; });
        if (twice) add(path + ": job " + quoted(scrape.job_name) + " stands in another file too");
        all.scrapes.push_back(std::move(scrape));
      }
    }
  }
  if (!mistakes.empty()) return Error(Code::kInvalid, std::move(mistakes));
  return all;
}

}  // namespace clew::scrape
