#include "adapters/remote_write_options.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <set>

#include "base/hash.h"
#include "model/json_text.h"
#include "yaml/fields.h"

namespace clew::adapters {
namespace {

constexpr uint64_t kSamplesMost = 100'000;
constexpr uint64_t kMillisMost = 3'600'000;

// "30s", "100ms", "1m30s" in milliseconds; nothing where it is none.
std::optional<uint64_t> parse_millis(std::string_view text) {
  uint64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    uint64_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count > kMillisMost) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    uint64_t unit = text.starts_with("ms") ? 1 : text.starts_with("s") ? 1'000 : text.starts_with("m") ? 60'000 : 0;
    if (unit == 0) return std::nullopt;
    text.remove_prefix(unit == 1 ? 2 : 1);
    total += count * unit;
  }
  return total;
}

class Reader {
 public:
  Reader(yaml::Fields& fields, yaml::Mistakes& mistakes) : fields_(fields), mistakes_(mistakes) {}

  RemoteWriteOptions read() {
    options_.url = fields_.text_or_empty("url");
    bool http = options_.url.starts_with("http://") || options_.url.starts_with("https://");
    if (!http)
      fields_.blame("url",
                    "url is missing or no http:// or https:// address: write url: http://host:9090/api/v1/write");
    options_.name = fields_.text_or_empty("name");
    if (options_.name.empty()) options_.name = fmt::format("{:016x}", base::hash64(options_.url)).substr(0, 6);
    millis(fields_, "remote_timeout", options_.timeout_ms);
    for (auto& header : fields_.texts("headers")) options_.headers.push_back(std::move(header));
    options_.histograms = fields_.yes("send_native_histograms", true);
    (void)fields_.yes("send_exemplars", false);
    version();
    credentials();
    tls();
    queue();
    if (const yaml::Tree* metadata = fields_.map("metadata_config")) {
      yaml::Fields inner("remote_write.metadata_config", *metadata, mistakes_);
      options_.metadata = inner.yes("send", true);
      for (const char* key : {"send_interval", "max_samples_per_send"}) (void)inner.text(key);
      inner.finish();
    }
    if (fields_.any("write_relabel_configs") != nullptr) {
      fields_.blame("write_relabel_configs",
                    "this version sends every series: relabel at the receiver, or take the key out");
    }
    for (const char* key : {"follow_redirects", "enable_http2", "proxy_url", "no_proxy", "round_robin_dns"}) {
      (void)fields_.any(key);
    }
    fields_.finish();
    return std::move(options_);
  }

 private:
  static void millis(yaml::Fields& fields, std::string_view key, uint32_t& to) {
    const yaml::Tree* value = fields.text(key);
    if (value == nullptr) return;
    std::optional<uint64_t> parsed = parse_millis(value->text);
    if (!parsed || *parsed == 0 || *parsed > kMillisMost) {
      return fields.blame(value->line,
                          fmt::format("{}: {} is no duration up to 1h: write 30s", key, quoted(value->text)));
    }
    to = static_cast<uint32_t>(*parsed);
  }

  void version() {
    const yaml::Tree* message = fields_.text("protobuf_message");
    if (message != nullptr && message->text != "prometheus.WriteRequest") {
      fields_.blame(message->line, "protobuf_message: only prometheus.WriteRequest is sent; every receiver takes it");
    }
  }

  std::string text_of_file(yaml::Fields& fields, std::string_view key) {
    const yaml::Tree* path = fields.text(key);
    if (path == nullptr) return {};
    std::ifstream file(path->text);
    std::string line;
    if (!file || !std::getline(file, line)) {
      fields.blame(path->line, fmt::format("{}: {} cannot be read", key, quoted(path->text)));
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
  }

  void credentials() {
    std::string given;
    if (const yaml::Tree* basic = fields_.map("basic_auth")) {
      yaml::Fields inner("remote_write.basic_auth", *basic, mistakes_);
      std::string user = inner.text_or_empty("username");
      std::string password = inner.text_or_empty("password");
      std::string from_file = text_of_file(inner, "password_file");
      if (!from_file.empty()) password = from_file;
      inner.finish();
      given = "Basic ";
      model::append_base64(user + ":" + password, given);
    }
    if (const yaml::Tree* bearer = fields_.map("authorization")) {
      yaml::Fields inner("remote_write.authorization", *bearer, mistakes_);
      std::string type = inner.text_or_empty("type");
      std::string secret = inner.text_or_empty("credentials");
      std::string from_file = text_of_file(inner, "credentials_file");
      if (!from_file.empty()) secret = from_file;
      inner.finish();
      given = (type.empty() ? "Bearer" : type) + " " + secret;
    }
    if (std::string token = fields_.text_or_empty("bearer_token"); !token.empty()) given = "Bearer " + token;
    if (std::string token = text_of_file(fields_, "bearer_token_file"); !token.empty()) given = "Bearer " + token;
    if (!given.empty()) options_.headers.emplace_back("Authorization", given);
  }

  void tls() {
    const yaml::Tree* tls = fields_.map("tls_config");
    if (tls == nullptr) return;
    yaml::Fields inner("remote_write.tls_config", *tls, mistakes_);
    options_.tls.ca = inner.text_or_empty("ca_file");
    options_.tls.cert = inner.text_or_empty("cert_file");
    options_.tls.key = inner.text_or_empty("key_file");
    if (inner.yes("insecure_skip_verify", false)) {
      inner.blame("insecure_skip_verify", "certificates are always checked: name the receiver's own with ca_file");
    }
    for (const char* key : {"server_name", "min_version", "max_version"}) (void)inner.text(key);
    inner.finish();
    Status files = net::check_tls_client(options_.tls);
    if (!files.ok()) fields_.blame("tls_config", files.error().message());
  }

  void queue() {
    const yaml::Tree* queue = fields_.map("queue_config");
    if (queue == nullptr) return;
    yaml::Fields inner("remote_write.queue_config", *queue, mistakes_);
    if (const yaml::Tree* most = inner.text("max_samples_per_send")) {
      uint64_t value = 0;
      auto [end, error] = std::from_chars(most->text.data(), most->text.data() + most->text.size(), value);
      bool good =
          error == std::errc() && end == most->text.data() + most->text.size() && value > 0 && value <= kSamplesMost;
      if (!good) inner.blame(most->line, "max_samples_per_send: " + quoted(most->text) + " is not from 1 to 100000");
      if (good) options_.samples_max = value;
    }
    millis(inner, "min_backoff", options_.backoff_min_ms);
    millis(inner, "max_backoff", options_.backoff_max_ms);
    // How Prometheus' queue in memory works; here it lies on disk and keeps the order.
    for (const char* key :
         {"capacity", "max_shards", "min_shards", "batch_send_deadline", "retry_on_http_429", "sample_age_limit"}) {
      (void)inner.text(key);
    }
    inner.finish();
  }

  yaml::Fields& fields_;
  yaml::Mistakes& mistakes_;
  RemoteWriteOptions options_;
};

bool is_name(std::string_view name) {
  return name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos &&
         !name.starts_with('.');
}

}  // namespace

std::vector<RemoteWriteOptions> read_remote_writes(const yaml::Tree& tree, yaml::Mistakes& mistakes) {
  std::vector<RemoteWriteOptions> all;
  if (!tree.is_list()) {
    if (!tree.is_null())
      mistakes.push_back({tree.line, "remote_write: expected a list, each entry begins with - url:"});
    return all;
  }
  std::set<std::string> names;
  for (const yaml::Tree& one : tree.items) {
    yaml::Fields fields("remote_write", one, mistakes);
    RemoteWriteOptions options = Reader(fields, mistakes).read();
    if (!is_name(options.name)) {
      mistakes.push_back(
          {one.line, "remote_write: a name has up to 64 letters, digits, -, _ and ., not " + quoted(options.name)});
    } else if (!names.insert(options.name).second) {
      mistakes.push_back({one.line, "remote_write: two destinations are called " + quoted(options.name) +
                                        ": give each a name of its own"});
    }
    all.push_back(std::move(options));
  }
  if (all.size() > kRemoteWritesMax) mistakes.push_back({tree.line, "remote_write: more than 16 destinations"});
  return all;
}

}  // namespace clew::adapters
