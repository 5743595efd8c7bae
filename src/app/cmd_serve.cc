#include <cstdio>

#include "app/command.h"
#include "app/config.h"
#include "app/flags.h"
#include "app/serve.h"

namespace clew::app {
namespace {

Status set_address(const std::string& text, const char* flag, net::Address& to) {
  if (text.empty()) return {};
  Result<net::Address> address = net::parse_address(text);
  if (!address.ok()) return std::move(address).error().at(flag);
  to = std::move(address).take();
  return {};
}

// What the command line says; it overrides the configuration file.
struct Texts {
  std::string config;
  std::string data;
  std::string http;
  std::string otlp_grpc;
  std::string otlp_http;
  std::string jaeger_udp;
  bool insecure = false;
  bool no_self_scrape = false;
  uint64_t memory_bytes = 0;
  uint64_t threads = 0;
};

Status apply(const Texts& texts, ServeOptions& options) {
  if (!texts.config.empty()) CLEW_TRY(load_config(texts.config, options));
  if (!texts.data.empty()) options.data = texts.data;
  if (texts.insecure) options.insecure = true;
  if (texts.no_self_scrape) options.agent.scrape.self = false;
  if (texts.memory_bytes != 0) options.memory_bytes = texts.memory_bytes;
  if (texts.threads != 0) options.threads = static_cast<uint32_t>(std::min<uint64_t>(texts.threads, 1024));
  CLEW_TRY(set_address(texts.http, "--listen", options.http));
  CLEW_TRY(set_address(texts.otlp_grpc, "--otlp-grpc", options.otlp_grpc));
  CLEW_TRY(set_address(texts.otlp_http, "--otlp-http", options.otlp_http));
  if (!texts.jaeger_udp.empty()) CLEW_TRY(set_address(texts.jaeger_udp, "--jaeger-udp", options.jaeger_udp.emplace()));
  return {};
}

}  // namespace

int run_serve(int argc, char** argv) {
  ServeOptions options;
  Texts texts;
  Flags flags("serve", "takes events, keeps them, answers queries",
              "clew serve --data /var/lib/clew\n"
              "clew serve --data ./data --listen 127.0.0.1:0      a free port, printed when ready\n"
              "clew serve --config /etc/clew/clew.yaml            flags override the file\n"
              "clew serve --listen 0.0.0.0:4320 --insecure        for everybody who reaches this machine");
  flags.text(texts.config, "--config", "FILE", "the configuration; clew check explains its mistakes");
  flags.text(texts.data, "--data", "DIR", "where the store lies (default clew-data)");
  flags.text(texts.http, "--listen", "ADDR", "every HTTP protocol (default 127.0.0.1:4320)");
  flags.text(texts.otlp_grpc, "--otlp-grpc", "ADDR", "OTLP over gRPC (default 127.0.0.1:4317)");
  flags.text(texts.otlp_http, "--otlp-http", "ADDR", "OTLP over HTTP (default 127.0.0.1:4318)");
  flags.text(texts.jaeger_udp, "--jaeger-udp", "ADDR",
             "spans of Jaeger's clients over UDP, as 127.0.0.1:6831 (default off)");
  flags.yes(texts.insecure, "--insecure", "listen beyond loopback although there are no credentials");
  flags.yes(texts.no_self_scrape, "--no-self-scrape", "do not keep measurements of the server itself");
  flags.bytes(texts.memory_bytes, "--memory", "memory budget (default a fifth of the machine)");
  flags.number_or_unset(texts.threads, "--threads", "N", "threads of receivers and of queries (default one per core)");
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Status ended = apply(texts, options);
  ReadOptions read_again = [&texts]() -> Result<ServeOptions> {
    ServeOptions fresh;
    CLEW_TRY(apply(texts, fresh));
    return fresh;
  };
  if (ended.ok()) ended = serve(options, read_again);
  if (ended.ok()) return 0;
  std::fprintf(stderr, "clew serve: %s\n", ended.error().message().c_str());
  return 1;
}

}  // namespace clew::app
