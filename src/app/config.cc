#include "app/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "app/flags.h"
#include "geo/sources.h"
#include "logstore/log_store.h"
#include "os/disk.h"
#include "process/line_parser.h"
#include "process/redact.h"
#include "text/time_format.h"

namespace clew::app {
namespace {

constexpr uint64_t kConfigBytesMax = 1u << 20;
constexpr uint64_t kMillisPerDay = 86'400'000;
constexpr uint64_t kDaysMax = 36'500;
constexpr uint64_t kThreadsMax = 1024;
constexpr uint64_t kQueryMillisMost = 3'600'000;
constexpr size_t kDepthMax = 8;
constexpr uint64_t kQueryRowsMost = 10'000'000;
constexpr uint64_t kQueryGroupsMost = 100'000'000;
constexpr uint64_t kLineBytesLeast = 1u << 10;
constexpr uint64_t kBodyBytesLeast = 1u << 20;
constexpr uint64_t kBodyBytesMost = 1ull << 30;
constexpr uint64_t kConnectionsMost = 1'000'000;
constexpr uint64_t kTimeoutMillisMost = 3'600'000;
constexpr uint64_t kQueueBytesLeast = 8u << 20;

// Where a value goes. `names` are the words that stood for "*" in the path.
using Names = std::vector<std::string>;
using Set = Status (*)(ServeOptions& options, const Names& names, const std::string& text);

struct Entry {
  ConfigKey key;
  Set set;
};

Error wrong(const std::string& text, std::string_view expected) {
  return Error(Code::kInvalid, fmt::format("{} is no {}", clew::quoted(text), expected));
}

Status set_size(const std::string& text, uint64_t& to) {
  std::optional<uint64_t> value = parse_bytes(text);
  if (!value) return wrong(text, "size: write 512MiB, 2GB or 4096");
  to = *value;
  return {};
}

Status set_days(const std::string& text, uint32_t& to) {
  std::optional<uint64_t> millis = parse_duration_ms(text);
  if (!millis) return wrong(text, "duration: write 30d or 4w");
  if (*millis % kMillisPerDay != 0 || *millis == 0) return wrong(text, "whole number of days: write 30d or 4w");
  if (*millis / kMillisPerDay > kDaysMax)
    return Error(Code::kInvalid, fmt::format("{} is more than {}d", text, kDaysMax));
  to = static_cast<uint32_t>(*millis / kMillisPerDay);
  return {};
}

Status set_address(const std::string& text, net::Address& to) {
  Result<net::Address> address = net::parse_address(text);
  if (!address.ok()) return wrong(text, "address: write 127.0.0.1:4320, [::1]:4320 or :4320");
  to = std::move(address).take();
  return {};
}

// A size within bounds that a person is told.
Status set_bounded_size(const std::string& text, uint64_t min, uint64_t max, uint64_t& to) {
  uint64_t bytes = 0;
  CLEW_TRY(set_size(text, bytes));
  if (bytes < min || bytes > max) {
    return Error(Code::kInvalid, fmt::format("{} is not from {} to {} bytes", text, min, max));
  }
  to = bytes;
  return {};
}

Status set_millis(const std::string& text, uint64_t max, uint64_t& to) {
  std::optional<uint64_t> millis = parse_duration_ms(text);
  if (!millis || *millis == 0) return wrong(text, "duration: write 30s or 5m");
  if (*millis > max) return Error(Code::kInvalid, fmt::format("{} is more than {} ms", text, max));
  to = *millis;
  return {};
}

Status set_timeout(const std::string& text, uint32_t& to) {
  uint64_t millis = 0;
  CLEW_TRY(set_millis(text, kTimeoutMillisMost, millis));
  to = static_cast<uint32_t>(millis);
  return {};
}

Status set_count(const std::string& text, uint64_t min, uint64_t max, uint64_t& to) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return wrong(text, "number");
  if (value < min || value > max) return Error(Code::kInvalid, fmt::format("{} is not from {} to {}", text, min, max));
  to = value;
  return {};
}

Status set_yes_or_no(const std::string& text, bool& to) {
  if (text != "true" && text != "false" && text != "yes" && text != "no") return wrong(text, "yes or no");
  to = text == "true" || text == "yes";
  return {};
}

Status set_on_or_off(const std::string& text, bool& to) {
  if (text != "on" && text != "off") return set_yes_or_no(text, to).ok() ? Status() : wrong(text, "on or off");
  to = text == "on";
  return {};
}

process::OwnRedaction& own_redaction(ServeOptions& options, const std::string& name) {
  for (process::OwnRedaction& rule : options.redaction.own) {
    if (rule.name == name) return rule;
  }
  options.redaction.own.push_back({name, {}, {}});
  return options.redaction.own.back();
}

Status set_number(const std::string& text, uint64_t max, uint32_t& to) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return wrong(text, "number");
  if (value > max) return Error(Code::kInvalid, fmt::format("{} is more than {}", text, max));
  to = static_cast<uint32_t>(value);
  return {};
}

// A file that geoip() reads under `name`; opened, so that a mistake is told before anybody asks.
Status set_geo_file(ServeOptions& options, std::string_view name, const std::string& path) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  Result<geo::DatabasePtr> opened = geo::Database::open(*disk, path, geo::Addresses::kAll);
  if (!opened.ok()) {
    return Error(
        opened.error().code(),
        opened.error().message() + ": name a country or city database in MMDB form, such as GeoLite2-City.mmdb");
  }
  options.geo_files[std::string(name)] = path;
  return {};
}

DatasetRetention& dataset_of(ServeOptions& options, const Names& names) { return options.dataset_retention[names[0]]; }

ClassRetention& class_rule(ServeOptions& options, const Names& names) {
  return dataset_of(options, names).classes[names[1]];
}

// FIELD=VALUE; the field ends at the first "=".
Status set_match(const std::string& text, ClassRetention& to) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return wrong(text, "condition: write level=debug");
  }
  to.field = text.substr(0, equals);
  to.value = text.substr(equals + 1);
  return {};
}

SourceOptions& source_of(ServeOptions& options, const Names& names) { return options.agent.sources[names[0]]; }

Status set_format(const std::string& text, std::string& to) {
  Result<std::optional<process::Format>> format = process::format_by_name(text);
  if (!format.ok()) return format.error();
  to = text;
  return {};
}

Status set_zone(const std::string& text, std::string& to) {
  if (!text::Zone::find(text)) return wrong(text, "time zone: write Asia/Ho_Chi_Minh, +07:00 or UTC");
  to = text;
  return {};
}

const Entry kEntries[] = {
    {{"data", "text", "clew-data", "The directory of the store."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       if (text.empty()) return Status(Error(Code::kInvalid, "an empty directory name"));
       o.data = text;
       return Status();
     }},
    {{"listen", "address", "127.0.0.1:4320", "Every HTTP protocol and the API."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_address(text, o.http); }},
    {{"otlp_grpc", "address", "127.0.0.1:4317", "OTLP over gRPC."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_address(text, o.otlp_grpc); }},
    {{"otlp_http", "address", "127.0.0.1:4318", "OTLP over HTTP."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_address(text, o.otlp_http); }},
    {{"jaeger_udp", "address", "off", "Jaeger's agent: spans of its clients over UDP."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       if (text == "off") return Status();
       return set_address(text, o.jaeger_udp.emplace());
     }},
    {{"insecure", "yes or no", "no", "Listen beyond loopback although nobody has to authenticate."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_yes_or_no(text, o.insecure); }},
    {{"memory", "size", "a fifth of the machine", "Memory budget of the whole server; at least 64MiB are used."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_size(text, o.memory_bytes); }},
    {{"threads", "number", "one per core", "Threads of receivers and of queries."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_number(text, kThreadsMax, o.threads); }},
    {{"retention.hot", "days", "30d", "Days that events stay in the fast store."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_days(text, o.hot_days); }},
    {{"retention.total", "days", "365d", "Days until events are deleted."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_days(text, o.total_days); }},
    {{"retention.datasets.*.hot", "days", "retention.hot", "The same for one dataset."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_days(text, dataset_of(o, n).hot_days);
     }},
    {{"retention.datasets.*.total", "days", "retention.total", "The same for one dataset."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_days(text, dataset_of(o, n).total_days);
     }},
    {{"retention.datasets.*.max_bytes", "size", "no limit", "Oldest days of the dataset go when it is greater."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_size(text, dataset_of(o, n).bytes_max);
     }},
    {{"retention.datasets.*.classes.*.when", "condition", "none",
      "Events of the dataset with a rule of their own: FIELD=VALUE."},
     [](ServeOptions& o, const Names& n, const std::string& text) { return set_match(text, class_rule(o, n)); }},
    {{"retention.datasets.*.classes.*.hot", "days", "that of the dataset", "The same for these events."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_days(text, class_rule(o, n).hot_days);
     }},
    {{"retention.datasets.*.classes.*.total", "days", "that of the dataset", "The same for these events."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_days(text, class_rule(o, n).total_days);
     }},
    {{"retention.datasets.*.classes.*.max_bytes", "size", "no limit", "The same for these events."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_size(text, class_rule(o, n).bytes_max);
     }},
    {{"query.timeout", "duration", "30s", "A query ends after this."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_millis(text, kQueryMillisMost, o.query_millis_max);
     }},
    {{"query.memory", "size", "256MiB", "Memory of one query."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_size(text, o.query_memory_bytes_max); }},
    {{"query.rows", "number", "10000", "Rows of an answer when the query names none."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_count(text, 1, kQueryRowsMost, o.query_rows_default);
     }},
    {{"query.groups", "number", "1000000", "Groups of one aggregation."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_count(text, 1, kQueryGroupsMost, o.query_groups_max);
     }},
    {{"ingest.line", "size", "1MiB", "Bytes of one line of text, at most 16MiB; longer ones are cut and flagged."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_bounded_size(text, kLineBytesLeast, process::kLineBytesMost, o.line_bytes_max);
     }},
    {{"agent.servers", "list", "http://127.0.0.1:4320", "Where the agent sends to: the first that answers, or all."},
     [](ServeOptions& o, const Names&, const std::string& text) -> Status {
       if (!text.starts_with("http://") && !text.starts_with("https://")) {
         return wrong(text, "URL: write http://127.0.0.1:4320");
       }
       o.agent.servers.push_back(text);
       return {};
     }},
    {{"agent.mirror", "yes or no", "no", "Every server gets everything, instead of the first that answers."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_yes_or_no(text, o.agent.mirror); }},
    {{"agent.dir", "text", "clew-agent", "The directory of the agent's queue and of how far it has read."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       if (text.empty()) return Status(Error(Code::kInvalid, "an empty directory name"));
       o.agent.dir = text;
       return Status();
     }},
    {{"agent.queue", "size", "1GiB", "Bytes on disk that wait for a server; at most a tenth of the disk."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_bounded_size(text, kQueueBytesLeast, UINT64_MAX, o.agent.queue_bytes);
     }},
    {{"agent.listen", "address", "off", "The agent's own /metrics and /health."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       if (text == "off") return Status();
       return set_address(text, o.agent.listen.emplace());
     }},
    {{"sources.*.files", "list", "none", "Files that the agent follows, by patterns of a shell."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       source_of(o, n).files.push_back(text);
       return Status();
     }},
    {{"sources.*.exclude", "list", "none", "Of them, what it leaves alone, by patterns of whole paths."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       source_of(o, n).exclude.push_back(text);
       return Status();
     }},
    {{"sources.*.dataset", "text", "logs", "Where their events go."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       source_of(o, n).dataset = text;
       return check_source_dataset(text);
     }},
    {{"sources.*.format", "format", "auto", "auto, plain, ndjson, access, syslog or logfmt."},
     [](ServeOptions& o, const Names& n, const std::string& text) { return set_format(text, source_of(o, n).format); }},
    {{"sources.*.zone", "zone", "UTC", "Time zone of times that do not say theirs."},
     [](ServeOptions& o, const Names& n, const std::string& text) { return set_zone(text, source_of(o, n).zone); }},
    {{"sources.*.start", "begin or end", "begin", "Where files are begun that are there when the source first runs."},
     [](ServeOptions& o, const Names& n, const std::string& text) -> Status {
       if (text != "begin" && text != "end") return wrong(text, "place: write begin or end");
       source_of(o, n).from_end = text == "end";
       return {};
     }},
    {{"redact.default", "on or off", "on", "Redaction of datasets that are not named below."},
     [](ServeOptions& o, const Names&, const std::string& text) { return set_on_or_off(text, o.redaction.on); }},
    {{"redact.datasets.*", "on or off", "redact.default", "The same for one dataset."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       return set_on_or_off(text, o.redaction.datasets[n[0]]);
     }},
    {{"redact.rules.*.regex", "regex", "none", "A rule of your own: what matches is replaced, or its first group."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       process::OwnRedaction& rule = own_redaction(o, n[0]);
       rule.regex = text;
       return process::check_own_redaction(rule);
     }},
    {{"redact.rules.*.replacement", "text", "[redacted:NAME]", "What stands instead; no quotes or backslashes."},
     [](ServeOptions& o, const Names& n, const std::string& text) {
       process::OwnRedaction& rule = own_redaction(o, n[0]);
       rule.replacement = text;
       return rule.regex.empty() ? Status() : process::check_own_redaction(rule);
     }},
    {{"geoip.path", "file", "the country database that comes with clew",
      "MMDB file that geoip() reads: countries or cities."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_geo_file(o, geo::kConfiguredSource, text);
     }},
    {{"geoip.sources.*", "file", "none", "Further MMDB files, by the names that geoip(\"NAME\", ip) uses."},
     [](ServeOptions& o, const Names& n, const std::string& text) { return set_geo_file(o, n[0], text); }},
    {{"http.body", "size", "64MiB", "Decoded bytes of one request, also of gRPC."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_bounded_size(text, kBodyBytesLeast, kBodyBytesMost, o.http_limits.body_bytes_max);
     }},
    {{"http.bodies", "size", "256MiB", "Bytes of all requests together; at most a quarter of memory is used."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_bounded_size(text, kBodyBytesLeast, UINT64_MAX, o.bodies_bytes_max);
     }},
    {{"http.connections", "number", "10000", "Open connections of a listener; further ones are closed."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_number(text, kConnectionsMost, o.http_limits.connections_max);
     }},
    {{"http.header_timeout", "duration", "10s", "A header that is not whole after this ends its connection."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_timeout(text, o.http_limits.header_timeout_ms);
     }},
    {{"http.idle_timeout", "duration", "75s", "A connection without a request is closed after this."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       return set_timeout(text, o.http_limits.idle_timeout_ms);
     }},
    {{"http.stall_timeout", "duration", "30s", "A body or answer of which no byte moves ends its connection."},
     [](ServeOptions& o, const Names&, const std::string& text) {
       Status set = set_timeout(text, o.http_limits.body_stall_timeout_ms);
       o.http_limits.write_stall_timeout_ms = o.http_limits.body_stall_timeout_ms;
       return set;
     }},
};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> words;
  while (true) {
    size_t dot = path.find('.');
    words.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    path.remove_prefix(dot + 1);
  }
}

// Reads the tree and keeps what is wrong with it.
class Reader {
 public:
  Reader(const Environment& environment, ServeOptions& options) : environment_(environment), options_(options) {}

  void read(const YAML::Node& root) {
    if (root.IsNull()) return;
    read_map(root, {});
  }
  std::vector<ConfigMistake> take() {
    std::stable_sort(mistakes_.begin(), mistakes_.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return std::move(mistakes_);
  }

 private:
  static uint32_t line_of(const YAML::Node& node) { return static_cast<uint32_t>(node.Mark().line + 1); }
  void blame(const YAML::Node& node, std::string message) { mistakes_.push_back({line_of(node), std::move(message)}); }

  // Words that may follow `path`; "*" allows any.
  static std::set<std::string> words_after(const Names& path) {
    std::set<std::string> words;
    for (const Entry& entry : kEntries) {
      std::vector<std::string> want = split_path(entry.key.path);
      if (want.size() <= path.size()) continue;
      bool same = true;
      for (size_t i = 0; i < path.size(); ++i) same = same && (want[i] == "*" || want[i] == path[i]);
      if (same) words.insert(want[path.size()]);
    }
    return words;
  }

  static const Entry* entry_of(const Names& path, Names& names) {
    for (const Entry& entry : kEntries) {
      std::vector<std::string> want = split_path(entry.key.path);
      if (want.size() != path.size()) continue;
      names.clear();
      bool same = true;
      for (size_t i = 0; i < want.size() && same; ++i) {
        if (want[i] == "*") names.push_back(path[i]);
        same = want[i] == "*" || want[i] == path[i];
      }
      if (same) return &entry;
    }
    return nullptr;
  }

  static std::string text_of(const Names& path) { return fmt::format("{}", fmt::join(path, ".")); }

  void read_map(const YAML::Node& node, const Names& path) {
    if (!node.IsMap()) {
      blame(node, (path.empty() ? "the file" : text_of(path)) + ": expected keys and values");
      return;
    }
    std::set<std::string> allowed = words_after(path);
    std::set<std::string> seen;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) {
        blame(pair.first, "a key is a word");
        continue;
      }
      std::string word = pair.first.Scalar();
      if (!seen.insert(word).second) blame(pair.first, fmt::format("{} stands here twice", word));
      Names inside = path;
      inside.push_back(word);
      if (allowed.count(word) == 0 && allowed.count("*") == 0) {
        unknown(pair.first, inside, allowed);
      } else {
        read_value(pair.first, pair.second, inside);
      }
    }
  }

  void unknown(const YAML::Node& node, const Names& path, const std::set<std::string>& allowed) {
    std::vector<std::string> known(allowed.begin(), allowed.end());
    std::string near = nearest_name(path.back(), known);
    std::string hint =
        near.empty() ? fmt::format("known here: {}", fmt::join(known, ", ")) : "did you mean " + near + "?";
    blame(node, fmt::format("no key {}; {}", text_of(path), hint));
  }

  void read_value(const YAML::Node& key, const YAML::Node& value, const Names& path) {
    Names names;
    const Entry* entry = entry_of(path, names);
    if (entry == nullptr) {
      if (value.IsNull()) return;  // a heading with nothing under it
      if (path.size() < kDepthMax) read_map(value, path);
      return;
    }
    if (value.IsNull()) return;  // the default
    if (value.IsSequence() && entry->key.kind == "list") {
      for (const auto& item : value) set_scalar(key, item, path, names, *entry);
      return;
    }
    set_scalar(key, value, path, names, *entry);
  }

  void set_scalar(const YAML::Node& key, const YAML::Node& value, const Names& path, const Names& names,
                  const Entry& entry) {
    if (!value.IsScalar()) {
      blame(key, fmt::format("{}: expected a {}", text_of(path), entry.key.kind));
      return;
    }
    Result<std::string> text = substituted(value.Scalar());
    Status done = text.ok() ? entry.set(options_, names, *text) : Status(text.error());
    if (!done.ok()) blame(value, fmt::format("{}: {}", text_of(path), done.error().message()));
  }

  // ${NAME} and ${NAME:-default}; $${ stands for ${.
  Result<std::string> substituted(const std::string& text) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "$${") == 0) {
        out += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        size_t close = text.find('}', at);
        if (close == std::string::npos) return Error(Code::kInvalid, "${ without }");
        out += CLEW_TRY(variable(text.substr(at + 2, close - at - 2)));
        at = close + 1;
      } else {
        out += text[at++];
      }
    }
    return out;
  }

  Result<std::string> variable(const std::string& inside) const {
    size_t mark = inside.find(":-");
    std::string name = inside.substr(0, mark);
    std::optional<std::string> value = environment_(name);
    if (value && !(value->empty() && mark != std::string::npos)) return *value;
    if (mark != std::string::npos) return inside.substr(mark + 2);
    return Error(Code::kInvalid,
                 fmt::format("the environment variable {} is not set: set it, or write ${{{}:-default}}", name, name));
  }

  const Environment& environment_;
  ServeOptions& options_;
  std::vector<ConfigMistake> mistakes_;
};

// The store checks the rest when it takes the rules; this is what a file can be told by itself.
void check_classes(const std::string& dataset, const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  std::vector<logstore::ClassRule> rules = class_rules(options, dataset);
  for (const logstore::ClassRule& rule : rules) {
    if (!rule.field.empty()) continue;
    mistakes.push_back(
        {0, fmt::format("retention.datasets.{}.classes.{} lacks when: write when: level=debug", dataset, rule.name)});
    return;
  }
  Status checked = logstore::check_class_rules(rules);
  if (!checked.ok())
    mistakes.push_back({0, fmt::format("retention.datasets.{}: {}", dataset, checked.error().message())});
}

void check_redaction(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  if (options.redaction.own.size() > process::kOwnRedactionsMax) {
    mistakes.push_back({0, fmt::format("redact.rules: more than {} of them", process::kOwnRedactionsMax)});
  }
  for (const process::OwnRedaction& rule : options.redaction.own) {
    if (rule.regex.empty()) {
      mistakes.push_back({0, fmt::format("redact.rules.{} lacks regex: write regex: 'EMP-[0-9]+'", rule.name)});
    }
  }
}

void check_whole(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  for (const auto& [name, source] : options.agent.sources) {
    if (!source.files.empty()) continue;
    mistakes.push_back({0, fmt::format("sources.{} lacks files: write files: /var/log/{}/*.log", name, name)});
  }
  check_redaction(options, mistakes);
  if (options.hot_days > options.total_days) {
    mistakes.push_back({0, fmt::format("retention.hot is {}d, more than retention.total with {}d", options.hot_days,
                                       options.total_days)});
  }
  for (const auto& [name, rule] : options.dataset_retention) {
    uint32_t hot = rule.hot_days != 0 ? rule.hot_days : options.hot_days;
    uint32_t total = rule.total_days != 0 ? rule.total_days : options.total_days;
    if (hot > total && rule.hot_days != 0) {
      mistakes.push_back(
          {0, fmt::format("retention.datasets.{}.hot is {}d, more than its total with {}d", name, hot, total)});
    }
    check_classes(name, options, mistakes);
  }
}

}  // namespace

std::vector<ConfigMistake> read_config(const std::string& text, const Environment& environment, ServeOptions& options) {
  Reader reader(environment, options);
  std::vector<ConfigMistake> mistakes;
  try {
    reader.read(YAML::Load(text));
    mistakes = reader.take();
  } catch (const YAML::Exception& error) {
    uint32_t line = error.mark.is_null() ? 0 : static_cast<uint32_t>(error.mark.line + 1);
    mistakes = reader.take();
    mistakes.push_back({line, "no YAML: " + error.msg});
    return mistakes;
  }
  check_whole(options, mistakes);
  return mistakes;
}

Status load_config(const std::string& path, ServeOptions& options) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::unique_ptr<os::File> file = CLEW_TRY(disk->open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > kConfigBytesMax) return Error(Code::kTooLarge, path + " is no configuration: over 1 MiB");
  std::string text = CLEW_TRY(file->read_at(0, bytes));
  Environment environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  std::vector<ConfigMistake> mistakes = read_config(text, environment, options);
  if (mistakes.empty()) return {};
  std::string lines;
  for (const ConfigMistake& mistake : mistakes) {
    std::string line = mistake.line == 0 ? std::string() : fmt::format("{}:", mistake.line);
    lines += fmt::format("{}{}:{} {}", lines.empty() ? "" : "\n", path, line, mistake.message);
  }
  return Error(Code::kInvalid, std::move(lines));
}

std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> keys;
  for (const Entry& entry : kEntries) keys.push_back(entry.key);
  return keys;
}

std::optional<uint64_t> parse_duration_ms(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    uint64_t millis;
  };
  constexpr Unit kUnits[] = {{"ms", 1},        {"s", 1000},       {"m", 60'000},
                             {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  for (const Unit& known : kUnits) {
    if (unit == known.name && value <= UINT64_MAX / known.millis) return value * known.millis;
  }
  return std::nullopt;
}

logstore::RetentionRule dataset_rule(const ServeOptions& options, const std::string& dataset) {
  auto own = options.dataset_retention.find(dataset);
  logstore::RetentionRule rule{options.hot_days, options.total_days, 0};
  if (own == options.dataset_retention.end()) return rule;
  if (own->second.hot_days != 0) rule.hot_days = own->second.hot_days;
  if (own->second.total_days != 0) rule.total_days = own->second.total_days;
  rule.hot_days = std::min(rule.hot_days, rule.total_days);
  rule.bytes_max = own->second.bytes_max;
  return rule;
}

std::vector<logstore::ClassRule> class_rules(const ServeOptions& options, const std::string& dataset) {
  std::vector<logstore::ClassRule> rules;
  auto own = options.dataset_retention.find(dataset);
  if (own == options.dataset_retention.end()) return rules;
  for (const auto& [name, wanted] : own->second.classes) {
    logstore::RetentionRule rule = dataset_rule(options, dataset);
    if (wanted.total_days != 0) rule.total_days = wanted.total_days;
    rule.hot_days = wanted.hot_days != 0 ? wanted.hot_days : std::min(rule.hot_days, rule.total_days);
    rule.bytes_max = wanted.bytes_max;
    rules.push_back({name, wanted.field, wanted.value, rule});
  }
  return rules;
}

std::string nearest_name(std::string_view word, std::span<const std::string> known) {
  auto distance = [](std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t corner = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        size_t replaced = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
        corner = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    return row[b.size()];
  };
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& name : known) {
    size_t found = distance(word, name);
    if (found < best_distance) {
      best = name;
      best_distance = found;
    }
  }
  return best;
}

}  // namespace clew::app
