// The keys of sources that listen.
#include "app/config_keys.h"
#include "app/config_values.h"

namespace clew::app {
namespace {

constexpr uint64_t kMessageBytesLeast = 1u << 10;
constexpr uint64_t kMessageBytesMost = 64ull << 20;
constexpr uint64_t kConnectionsMost = 100'000;

ListenerKeys& listener_of(ServeOptions& options, const ConfigNames& names) {
  return options.agent.sources[names[0]].listener;
}

const ConfigEntry kEntries[] = {
    {{"sources.*.listen", "text", "none", "Where a listening source listens: 127.0.0.1:5514, or a Unix socket's path."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       listener_of(o, n).listen = text;
       return Status();
     }},
    {{"sources.*.protocol", "list", "udp and tcp, as the type has them", "Of them udp, tcp, tls, unix, unix-stream."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       listener_of(o, n).transports.push_back(text);
       return Status();
     }},
    {{"sources.*.tls.cert", "file", "none", "PEM certificate, with its chain, of a listening source: then TCP is TLS."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_path(text, listener_of(o, n).tls.cert);
     }},
    {{"sources.*.tls.key", "file", "none", "Its private key, PEM."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_path(text, listener_of(o, n).tls.key);
     }},
    {{"sources.*.tls.client_ca", "file", "none", "Only peers with a certificate that one of these signed are taken."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_path(text, listener_of(o, n).tls.client_ca);
     }},
    {{"sources.*.insecure", "yes or no", "no", "Listen beyond loopback although nobody has to authenticate."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_yes_or_no(text, listener_of(o, n).insecure);
     }},
    {{"sources.*.shared_key", "text", "none", "What peers have to know, where the type has such a key (forward)."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       listener_of(o, n).shared_key = text;
       return Status();
     }},
    {{"sources.*.raw", "yes or no", "yes",
      "Of type syslog: messages keep their bytes; no: only where their fields do not say the same."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_yes_or_no(text, listener_of(o, n).raw);
     }},
    {{"sources.*.connections", "number", "1024", "Connections at one time; more are closed at once and counted."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) -> Status {
       uint64_t value = 0;
       CLEW_TRY(set_count(text, 1, kConnectionsMost, value));
       listener_of(o, n).connections_max = static_cast<uint32_t>(value);
       return Status();
     }},
    {{"sources.*.message", "size", "1MiB; forward and beats 32MiB",
      "Bytes of one message, at most 64MiB; longer ones are cut or refused."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_bounded_size(text, kMessageBytesLeast, kMessageBytesMost, listener_of(o, n).message_bytes_max);
     }},
};

}  // namespace

std::span<const ConfigEntry> listener_keys() { return kEntries; }

}  // namespace clew::app
