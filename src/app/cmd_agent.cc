// clew agent [FILE...]: this machine's logs on their way to a server.
#include <cstdio>
#include <cstdlib>

#include "app/agent.h"
#include "app/command.h"
#include "app/config.h"
#include "app/flags.h"

namespace clew::app {
namespace {

struct Texts {
  std::string config;
  std::vector<std::string> servers;
  std::string otlp;
  std::string dir;
  std::string dataset;
  std::string format;
  std::string listen;
  std::vector<std::string> files;
  bool from_stdin = false;
};

// What the command line says; it overrides the configuration file.
Result<AgentOptions> options_of(const Texts& texts) {
  ServeOptions all;
  if (!texts.config.empty()) CLEW_TRY(load_config(texts.config, all));
  AgentOptions options = all.agent;
  options.redaction = all.redaction;
  if (const char* key = std::getenv("CLEW_KEY"); key != nullptr && options.key.empty()) options.key = key;
  options.pipelines = all.pipelines;
  options.geo_files = all.geo_files;
  if (!texts.servers.empty()) options.servers = texts.servers;
  if (!texts.otlp.empty()) options.otlp.url = texts.otlp;
  if (!texts.dir.empty()) options.dir = texts.dir;
  if (!texts.listen.empty()) {
    Result<net::Address> address = net::parse_address(texts.listen);
    if (!address.ok()) return std::move(address).error().at("--listen");
    options.listen = std::move(address).take();
  }
  SourceOptions named;
  if (!texts.dataset.empty()) named.dataset = texts.dataset;
  if (!texts.format.empty()) named.format = texts.format;
  if (!texts.files.empty()) {
    options.sources["files"] = named;
    options.sources["files"].files = texts.files;
  }
  if (texts.from_stdin) options.sources.emplace("stdin", named);
  bool scrapes = !options.scrape.config_files.empty() || !options.scrape.inline_configs.empty();
  if (options.sources.empty() && !scrapes) {
    return Error(Code::kInvalid, "nothing to read: name files, pass --stdin, or write sources into the configuration");
  }
  return options;
}

}  // namespace

int run_agent(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "test") return run_pipeline(argc, argv);
  Texts texts;
  Flags flags("agent", "follows this machine's logs and sends them to a server",
              "clew agent --url http://logs.example:4320 '/var/log/app/*.log'\n"
              "clew agent --config /etc/clew/agent.yaml\n"
              "app | clew agent --stdin --dataset app             ends when app does and the server has everything\n"
              "clew agent --dir /var/lib/clew-agent /var/log/syslog  where it goes on after a restart");
  flags.arguments(texts.files, "FILE", "files to follow, by patterns of a shell that the shell did not expand", false);
  flags.text(texts.config, "--config", "FILE", "the configuration; clew check explains its mistakes");
  flags.texts(texts.servers, "--url", "URL",
              "a server; several times: the first that answers (default http://127.0.0.1:4320)");
  flags.text(texts.otlp, "--otlp", "URL", "another server that gets everything as OTLP logs, besides --url or instead");
  flags.text(texts.dir, "--dir", "DIR", "the queue, and how far files were read (default clew-agent)");
  flags.text(texts.dataset, "--dataset", "NAME", "where events go (default logs)");
  flags.text(texts.format, "--format", "FORMAT", "auto, plain, ndjson, access, syslog or logfmt (default auto)");
  flags.text(texts.listen, "--listen", "ADDR", "its own /metrics and /health (default off)");
  flags.yes(texts.from_stdin, "--stdin", "read standard input");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Result<AgentOptions> options = options_of(texts);
  Status ended = options.ok() ? run_agent(*options, texts.from_stdin) : Status(options.error());
  if (ended.ok()) return 0;
  std::fprintf(stderr, "clew agent: %s\n", ended.error().message().c_str());
  return 1;
}

}  // namespace clew::app
