// clew inspect, verify, upgrade and restore: what works on files, without a server.
#include <algorithm>
#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/flags.h"
#include "columnar/inspect.h"
#include "journal/record.h"
#include "logstore/commit.h"
#include "logstore/log_store.h"
#include "metricstore/metric_store.h"
#include "os/clock.h"
#include "os/disk.h"
#include "queue/queue_record.h"

namespace clew::app {
namespace {

constexpr int kDirDepthMax = 8;

bool is_store(os::Disk& disk, const std::string& dir) {
  Result<bool> manifest = disk.exists(dir + "/manifest");
  return manifest.ok() && *manifest;
}

Error no_store(const std::string& dir) {
  return Error(Code::kNotFound, dir + " is no store and no snapshot: it has no manifest/");
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// --- inspect ---------------------------------------------------------------------------------------------------------

// Of a store's journal or of an agent's queue.
std::string describe_meta(std::string_view meta) {
  std::string entry = queue::describe_record(meta);
  return entry.empty() ? logstore::describe_commit(meta) : entry;
}

Result<std::string> describe_file(os::Disk& disk, const std::string& path) {
  std::string name = base_name(path);
  bool journal = name.ends_with(".journal") || name.ends_with(".journal.bad");
  bool metrics = name == "MANIFEST" || name.starts_with("series-") || name.find(".mpart") != std::string::npos;
  if (metrics) return metricstore::describe_metric_file(disk, path);
  if (!journal && !name.starts_with("MANIFEST-")) return columnar::describe_segment(disk, path);
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  return journal ? journal::describe_journal(*file, describe_meta) : logstore::describe_manifest(*file);
}

int inspect_file(os::Disk& disk, const std::string& path) {
  Result<std::string> text = describe_file(disk, path);
  if (!text.ok()) return fail("inspect", text.error());
  std::printf("%s\n%s%s", path.c_str(), text->c_str(), text->ends_with('\n') ? "" : "\n");
  return 0;
}

// Events and, where there are any, metrics.
Result<logstore::StoreReport> examine_all(os::Disk& disk, const std::string& dir) {
  logstore::StoreReport report = CLEW_TRY(logstore::examine_store(disk, dir));
  const std::string metrics = dir + "/metrics";
  bool there = CLEW_TRY(disk.exists(metrics + "/MANIFEST"));
  if (!there) return report;
  Result<metricstore::MetricStoreReport> of_metrics = metricstore::examine_metric_store(disk, metrics);
  if (!of_metrics.ok()) {
    report.findings.push_back(metrics + ": " + of_metrics.error().message());
    return report;
  }
  report.text += of_metrics->text;
  report.findings.insert(report.findings.end(), of_metrics->findings.begin(), of_metrics->findings.end());
  return report;
}

int inspect_store(os::Disk& disk, const std::string& dir) {
  Result<logstore::StoreReport> report = examine_all(disk, dir);
  if (!report.ok()) return fail("inspect", report.error());
  std::printf("%s", report->text.c_str());
  for (const std::string& finding : report->findings) std::printf("damaged: %s\n", finding.c_str());
  return 0;
}

// A store as a whole; of another directory, each file.
int inspect(os::Disk& disk, const std::string& path, int depth) {
  if (is_store(disk, path)) return inspect_store(disk, path);
  Result<std::vector<os::DirEntry>> entries = disk.list(path);
  if (!entries.ok()) return inspect_file(disk, path);
  int exit = 0;
  std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const os::DirEntry& entry : *entries) {
    std::string inside = path + (path.ends_with('/') ? "" : "/") + entry.name;
    if (entry.is_dir) {
      if (depth < kDirDepthMax) exit = std::max(exit, inspect(disk, inside, depth + 1));
    } else if (entry.name != "LOCK" && entry.name != "run.json") {
      exit = std::max(exit, inspect_file(disk, inside));
      std::printf("\n");
    }
  }
  return exit;
}

// --- verify ----------------------------------------------------------------------------------------------------------

int verify(const std::string& dir) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  if (!is_store(*disk, dir)) return fail("verify", no_store(dir));
  Result<logstore::StoreReport> report = examine_all(*disk, dir);
  if (!report.ok()) return fail("verify", report.error());
  for (const std::string& finding : report->findings) std::printf("damaged: %s\n", finding.c_str());
  if (report->findings.empty()) {
    std::printf("%s: no damage\n", dir.c_str());
  } else {
    std::printf("%s: %zu findings\n", dir.c_str(), report->findings.size());
  }
  return report->findings.empty() ? 0 : 1;
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

int run_inspect(int argc, char** argv) {
  std::vector<std::string> paths;
  bool layout = false;
  Flags flags("inspect", "prints what is inside segments, journals and manifests; writes nothing, needs no server",
              "clew inspect /var/lib/clew\n"
              "clew inspect /var/lib/clew/journal/00000001.journal\n"
              "clew inspect --layout                the numbers of our formats");
  flags.arguments(paths, "PATH", "files or directories", false);
  flags.yes(layout, "--layout", "print the constants of the formats");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (layout) {
    std::printf("%s", columnar::describe_layout().c_str());
    return 0;
  }
  if (paths.empty()) {
    fail("inspect", Error(Code::kInvalid, "name a file or a directory, or pass --layout"));
    return 2;
  }
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  int exit = 0;
  for (const std::string& path : paths) exit = std::max(exit, inspect(*disk, without_slash(path), 0));
  return exit;
}

int run_verify(int argc, char** argv) {
  std::string dir;
  Flags flags("verify", "checks every checksum and invariant of a store; the server must not run on it",
              "clew verify /var/lib/clew\n"
              "clew snapshot /backup/now && clew verify /backup/now       while the server runs");
  flags.argument(dir, "DIR", "a data directory or a snapshot", true);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return verify(without_slash(dir));
}

int run_upgrade(int argc, char** argv) {
  std::string dir;
  Flags flags(
      "upgrade",
      "lets a store be written in this version's format; older versions of clew may refuse it then. Until then a newer "
      "clew keeps to the store's own, so that one can go back. The server must not run on it",
      "clew upgrade /var/lib/clew");
  flags.argument(dir, "DIR", "a data directory", true);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  dir = without_slash(dir);
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  if (!is_store(*disk, dir)) return fail("upgrade", no_store(dir));
  Result<logstore::UpgradeReport> done = logstore::upgrade_store(*disk, *os::make_real_rng(), dir);
  if (!done.ok()) return fail("upgrade", done.error());
  if (done->from == done->to) {
    std::printf("%s has format %u, the newest that this version writes: nothing to do\n", dir.c_str(), done->to);
  } else {
    std::printf("%s had format %u and has %u now; versions of clew that do not read format %u refuse it\n", dir.c_str(),
                done->from, done->to, done->oldest_reader);
  }
  return 0;
}

int run_restore(int argc, char** argv) {
  std::string from;
  std::string to;
  Flags flags("restore", "makes a data directory from a snapshot",
              "clew restore /backup/clew-2026-11-20 --data /var/lib/clew");
  flags.argument(from, "SNAPSHOT", "a directory that clew snapshot made", true);
  flags.text(to, "--data", "DIR", "the new data directory; must not exist, or be empty (required)");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (to.empty()) {
    fail("restore", Error(Code::kInvalid, "say where to: --data DIR"));
    return 2;
  }
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  if (!is_store(*disk, without_slash(from))) return fail("restore", no_store(from));
  Status done = logstore::restore_store(*disk, without_slash(from), without_slash(to));
  if (done.ok()) {
    done = metricstore::restore_metric_store(*disk, without_slash(from) + "/metrics", without_slash(to) + "/metrics");
  }
  if (!done.ok()) return fail("restore", done.error());
  std::printf("restored into %s: start it with clew serve --data %s\n", to.c_str(), to.c_str());
  return 0;
}

}  // namespace clew::app
