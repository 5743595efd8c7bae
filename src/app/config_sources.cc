// The keys of an agent and of its sources.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "app/agent_sources.h"
#include "app/config_keys.h"
#include "app/config_values.h"
#include "app/http_source.h"
#include "app/listeners.h"
#include "app/metric_sources.h"
#include "collect/health_source.h"
#include "collect/protocol.h"
#include "text/encoding.h"

namespace clew::app {
namespace {

constexpr uint64_t kQueueBytesLeast = 8u << 20;
constexpr std::string_view kTypes[] = {"files", "journal", "host", "health", "check", kHttpSourceType};
constexpr uint64_t kEveryMillisMost = 86'400'000;

SourceOptions& source_of(ServeOptions& options, const ConfigNames& names) { return options.agent.sources[names[0]]; }

const ConfigEntry kEntries[] = {
    {{"agent.servers", "list", "http://127.0.0.1:4320", "Where the agent sends to: the first that answers, or all."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       if (!text.starts_with("http://") && !text.starts_with("https://")) {
         return wrong(text, "URL: write http://127.0.0.1:4320");
       }
       o.agent.servers.push_back(text);
       return {};
     }},
    {{"agent.otlp.url", "URL", "none",
      "Another server that gets everything as OTLP logs, besides agent.servers where these are named."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       if (!text.starts_with("http://") && !text.starts_with("https://")) {
         return wrong(text, "URL: write http://127.0.0.1:4318");
       }
       o.agent.otlp.url = text;
       return {};
     }},
    {{"agent.otlp.headers.*", "text", "none", "A header of each request to it, by its name: Authorization."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       if (text.find_first_of("\r\n") != std::string::npos || n[0].find_first_of("\r\n: ") != std::string::npos) {
         return Error(Code::kInvalid, "a header is one line, and its name has no blanks");
       }
       o.agent.otlp.headers.emplace_back(n[0], text);
       return {};
     }},
    {{"agent.otlp.compression", "gzip or none", "gzip", "Of requests to it."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       if (text != "gzip" && text != "none") return wrong(text, "compression: write gzip or none");
       o.agent.otlp.gzip = text == "gzip";
       return {};
     }},
    {{"agent.mirror", "yes or no", "no", "Every server gets everything, instead of the first that answers."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_yes_or_no(text, o.agent.mirror); }},
    {{"agent.compression", "lz4, zstd or none", "lz4",
      "Of events in the queue and on their way; none costs bytes and saves a third of the CPU."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       using collect::Compression;
       if (text != "lz4" && text != "zstd" && text != "none") {
         return wrong(text, "compression: write lz4, zstd or none");
       }
       o.agent.compression = text == "lz4"    ? Compression::kLz4
                             : text == "zstd" ? Compression::kZstd
                                              : Compression::kNone;
       return {};
     }},
    {{"agent.cpu", "share", "as it comes",
      "What it may use of the processors: 20% of one core, 150%; it reads more slowly then."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_share(text, o.agent.cpu_cores); }},
    {{"agent.dir", "text", "clew-agent", "The directory of the agent's queue and of how far it has read."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       if (text.empty()) return Status(Error(Code::kInvalid, "an empty directory name"));
       o.agent.dir = text;
       return Status();
     }},
    {{"agent.queue", "size", "1GiB", "Bytes on disk that wait for a server; at most a tenth of the disk."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kQueueBytesLeast, UINT64_MAX, o.agent.queue_bytes);
     }},
    {{"agent.key", "text", "none", "The key that the servers ask for (auth.ingest_key)."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       std::vector<std::string> keys;
       CLEW_TRY(add_key(text, keys));
       o.agent.key = keys.front();
       return {};
     }},
    {{"agent.key_file", "file", "none", "The same from a file, its first line."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       std::vector<std::string> keys;
       CLEW_TRY(add_keys_of_file(text, keys));
       o.agent.key = keys.front();
       return {};
     }},
    {{"agent.ca", "file", "the system's", "Who may sign the certificates of https servers, PEM."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.agent.tls.ca); }},
    {{"agent.client_cert", "file", "none", "The certificate that a server with tls.client_ca asks for, PEM."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.agent.tls.cert); }},
    {{"agent.client_key", "file", "none", "Its private key, PEM."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.agent.tls.key); }},
    {{"agent.listen", "address", "off", "The agent's own /metrics and /health."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       if (text == "off") return Status();
       return set_address(text, o.agent.listen.emplace());
     }},
    {{"sources.*.type", "source type", "files",
      "files, journal (systemd's), host (measurements), health (of services), check (of services, as metrics), http "
      "(what "
      "programs send by HTTP), or what "
      "others send to: syslog, json, forward, gelf, beats."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       bool known = std::find(std::begin(kTypes), std::end(kTypes), text) != std::end(kTypes);
       if (!known && collect::find_protocol(text) == nullptr) {
         return wrong(text,
                      fmt::format("type of source: write {}, {}", fmt::join(kTypes, ", "), collect::protocol_names()));
       }
       source_of(o, n).type = text;
       return {};
     }},
    {{"sources.*.every", "duration", "15s, of health and check 10s",
      "Of types host, health and check: how often they look."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_millis(text, kEveryMillisMost, source_of(o, n).every_millis);
     }},
    {{"sources.*.urls", "list", "none",
      "Of type health: services, http://127.0.0.1:8080, or whole URLs of health pages. Of type check: URLs."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       CLEW_TRY(collect::HealthSource::check_urls({text}));
       source_of(o, n).urls.push_back(text);
       return {};
     }},
    {{"sources.*.timeout", "duration", "5s", "Of types health and check: an answer that takes longer is none."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_timeout(text, source_of(o, n).timeout_millis);
     }},
    {{"sources.*.ca", "file", "the system's", "Of type check: who may sign the certificates of https URLs, PEM."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) { return set_path(text, source_of(o, n).ca); }},
    {{"sources.*.command", "list", "none",
      "Of type check: a program and its arguments; it must end with 0, and may print metrics."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).command.push_back(text);
       return Status();
     }},
    {{"sources.*.directory", "text", "this machine's journal", "Of type journal: a directory of journal files."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).directory = text;
       return Status();
     }},
    {{"sources.*.namespace", "text", "none", "Of type journal: the namespace that services log to."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).name_space = text;
       return Status();
     }},
    {{"sources.*.files", "list", "none", "Files that the agent follows, by patterns of a shell."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).files.push_back(text);
       return Status();
     }},
    {{"sources.*.exclude", "list", "none", "Of them, what it leaves alone, by patterns of whole paths."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).exclude.push_back(text);
       return Status();
     }},
    {{"sources.*.dataset", "text", "logs, of health health", "Where their events go."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).dataset = text;
       source_of(o, n).dataset_named = true;
       return check_source_dataset(text);
     }},
    {{"sources.*.multiline.begins", "regex", "none", "A line that this does not match goes on with the event before."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       source_of(o, n).join = CLEW_TRY(process::own_join_rule(process::JoinRule::How::kBegins, text));
       return {};
     }},
    {{"sources.*.multiline.continues", "regex", "none", "A line that this matches goes on with the event before."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       source_of(o, n).join = CLEW_TRY(process::own_join_rule(process::JoinRule::How::kContinues, text));
       return {};
     }},
    {{"sources.*.pipeline", "name", "none", "The pipeline that its events pass, one of `pipelines`."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       source_of(o, n).pipeline = text;
       return Status();
     }},
    {{"sources.*.format", "format", "auto",
      "auto, plain, ndjson, access, syslog, logfmt, w3c, zeek, csv, mysql_slow, postgres_csv or raw."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_format(text, source_of(o, n).format);
     }},
    {{"sources.*.encoding", "encoding", "auto",
      "utf-8, utf-16le, utf-16be, latin-1 or windows-1252; auto knows UTF-16."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       Result<std::optional<text::Encoding>> encoding = text::encoding_by_name(text);
       if (!encoding.ok()) return encoding.error();
       source_of(o, n).encoding = text;
       return {};
     }},
    {{"sources.*.zone", "zone", "UTC", "Time zone of times that do not say theirs."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_zone(text, source_of(o, n).zone);
     }},
    {{"sources.*.start", "begin or end", "begin", "Where files are begun that are there when the source first runs."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       if (text != "begin" && text != "end") return wrong(text, "place: write begin or end");
       source_of(o, n).from_end = text == "end";
       return {};
     }},
};

}  // namespace

std::span<const ConfigEntry> agent_keys() { return kEntries; }

namespace {

// Two would give the same names twice to whoever asks for the agent's metrics.
void check_host_sources(const AgentOptions& agent, std::vector<ConfigMistake>& mistakes) {
  const std::string* first = nullptr;
  for (const auto& [name, source] : agent.sources) {
    if (source.type != "host") continue;
    if (first != nullptr) {
      mistakes.push_back({0, fmt::format("sources.{} and sources.{} are both of type host: leave one", *first, name)});
    }
    first = &name;
  }
}

void check_health_sources(const AgentOptions& agent, std::vector<ConfigMistake>& mistakes) {
  for (const auto& [name, source] : agent.sources) {
    if (source.type == "health") {
      Status checked = collect::HealthSource::check_urls(source.urls);
      if (!checked.ok()) mistakes.push_back({0, fmt::format("sources.{}: {}", name, checked.error().message())});
    } else if (source.type == "check") {
      Status checked = check_check_source(source);
      if (!checked.ok()) mistakes.push_back({0, fmt::format("sources.{}: {}", name, checked.error().message())});
    } else if (!source.urls.empty() || !source.command.empty()) {
      mistakes.push_back(
          {0, fmt::format("sources.{} has {}: write type: {}", name, source.urls.empty() ? "a command" : "urls",
                          source.urls.empty() ? "check" : "health or type: check")});
    }
  }
}

}  // namespace

void check_sources(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  Status tls = net::check_tls_client(options.agent.tls);
  if (!tls.ok()) mistakes.push_back({0, "agent: " + tls.error().message()});
  check_host_sources(options.agent, mistakes);
  check_health_sources(options.agent, mistakes);
  for (const auto& [name, source] : options.agent.sources) {
    if (is_listener(source)) {
      Status checked = check_listener(name, source);
      if (!checked.ok()) mistakes.push_back({0, checked.error().message()});
      continue;
    }
    if (source.type == kHttpSourceType) {
      Status checked = check_http_source(name, source);
      if (!checked.ok()) mistakes.push_back({0, checked.error().message()});
      continue;
    }
    bool is_files = source.type == "files";
    if (!is_files && !source.files.empty()) {
      mistakes.push_back({0, fmt::format("sources.{} is of type {} and has files: make them a source of their own",
                                         name, source.type)});
    }
    if (!is_files || !source.files.empty() || name == kStdinSource) continue;
    mistakes.push_back({0, fmt::format("sources.{} lacks files: write files: /var/log/{}/*.log", name, name)});
  }
}

}  // namespace clew::app
