// What `clew agent` is told: by the configuration file, or by flags.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/redaction.h"
#include "base/result.h"
#include "collect/queue_entry.h"
#include "net/address.h"
#include "net/tls.h"
#include "process/continuation.h"
#include "scrape/config.h"
#include "yaml/tree.h"

namespace clew::app {

// The keys of a source that others send to.
struct ListenerKeys {
  std::string listen;  // an address, or the path of a Unix socket
  std::vector<std::string> transports;
  std::string shared_key;
  bool raw = true;    // messages of syslog keep their bytes
  net::TlsFiles tls;  // where a certificate is named, streams over TCP speak TLS
  bool insecure = false;
  uint32_t connections_max = 1024;
  uint64_t message_bytes_max = 0;  // 0: what the type usually has
  // Of types that bring samples.
  uint64_t flush_millis = 10'000;
  uint64_t expire_millis = 3'600'000;
  uint64_t series_max = 100'000;
  std::vector<double> buckets;
  std::vector<std::string> mappings;
  std::map<std::string, std::string> labels;
  friend bool operator==(const ListenerKeys&, const ListenerKeys&) = default;
};

// What brings events in by itself. Keys that a type does not have are mistakes of the file (config_sources.cc).
struct SourceOptions {
  std::string type = "files";        // or "journal", "host", "health", or a protocol's
  std::string directory;             // of journal files; this machine's own journal when empty
  std::string name_space;            // of the journal
  std::vector<std::string> files;    // patterns of a shell
  std::vector<std::string> exclude;  // the same, of whole paths
  std::string dataset = "logs";
  bool dataset_named = false;  // else events of type health go to `health`
  std::string format;          // auto when empty, or what the pipeline's first step reads
  std::string encoding = "auto";
  std::string zone;  // of times that do not say theirs; UTC when empty
  bool from_end = false;
  process::JoinRule join;            // which lines go on with an event; none: as the format has it
  std::string pipeline;              // its name; events go as they are when empty
  uint64_t every_millis = 0;         // of types that look again and again; 0: as often as is good for the type
  std::vector<std::string> urls;     // of type health: services, or whole URLs
  uint32_t timeout_millis = 5'000;   // of type health: of a poll
  std::string ca;                    // of type check: who may sign certificates; the system's when empty
  std::vector<std::string> command;  // of type check: a program and its arguments
  ListenerKeys listener;             // of types that listen
};

// What a server or an agent scrapes.
struct ScrapeOptions {
  bool self = true;                                  // a server: itself, as job clew
  std::vector<std::string> config_files;             // in Prometheus' format
  std::vector<scrape::ScrapeConfig> inline_configs;  // of the key scrape_configs
  std::vector<std::string> told;                     // of what has no effect in them, a line each
};

// The keys of a server that is not clew.
struct OtlpKeys {
  std::string url;  // none when empty
  std::vector<std::pair<std::string, std::string>> headers;
  bool gzip = true;
};

struct AgentOptions {
  double cpu_cores = 0;              // that it may use; 0: as it comes
  std::vector<std::string> servers;  // http://127.0.0.1:4320 when empty
  OtlpKeys otlp;                     // another server that gets everything, with the servers or instead of them
  std::string key;                   // that the servers ask for; none is sent when empty
  net::TlsClientFiles tls;           // for servers of https
  std::string dir = "clew-agent";    // the queue, and how far sources were read
  uint64_t queue_bytes = 1ull << 30;
  uint64_t samples_bytes = 256ull << 20;  // of the samples' queue
  collect::Compression compression = collect::Compression::kLz4;
  bool mirror = false;                 // every server gets everything, instead of the first that answers
  std::optional<net::Address> listen;  // of /metrics and /health; off where none is given
  std::map<std::string, SourceOptions> sources;
  ScrapeOptions scrape;
  api::RedactionRules redaction;                 // the `redact` keys, which hold for servers and agents
  std::map<std::string, yaml::Tree> pipelines;   // the same of the `pipelines` keys
  std::map<std::string, std::string> geo_files;  // the same of the `geoip` keys
};

// Whether events of a source may go there. Errors: kInvalid for what is no name, kForbidden for clew's own log.
Status check_source_dataset(const std::string& dataset);

}  // namespace clew::app
