#include "notify/channel_sender.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>

#include "notify/exchange.h"

namespace clew::notify {
namespace {

constexpr size_t kAnswerBytesMax = 64u << 10;
constexpr uint64_t kSecretBytesMax = 64u << 10;
constexpr size_t kSaidBytes = 200;  // of an answer, in an error

// "https://hooks.slack.com" of a URL with more.
std::string server_of(std::string_view url) {
  size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "the server";
  size_t end = url.find_first_of("/?#", scheme + 3);
  std::string_view rest = url.substr(scheme + 3, end == std::string_view::npos ? end : end - scheme - 3);
  size_t user = rest.rfind('@');
  if (user != std::string_view::npos) rest.remove_prefix(user + 1);
  return std::string(url.substr(0, scheme + 3)) + std::string(rest);
}

std::string without(std::string text, const std::string& secret, std::string_view instead) {
  if (secret.empty()) return text;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + instead.size())) {
    text.replace(at, secret.size(), instead);
  }
  return text;
}

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  int bytes = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                              reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(bytes));
  return out;
}

class ChannelSender final : public Sender {
 public:
  explicit ChannelSender(SenderParts parts) : exchange_(std::move(parts)) {}

  Outcome send(const Channel& channel, const Notification& n) override {
    switch (channel.kind) {
      case ChannelKind::kWebhook: return send_webhook(exchange_, channel, n);
      case ChannelKind::kPagerDuty: return send_pagerduty(exchange_, channel, n);
      case ChannelKind::kSlack: return send_slack(exchange_, channel, n);
      case ChannelKind::kEmail: return send_email(exchange_, channel, n);
      case ChannelKind::kTeams:
      case ChannelKind::kTeamsV2: return send_teams(exchange_, channel, n);
      case ChannelKind::kTelegram: return send_telegram(exchange_, channel, n);
      case ChannelKind::kOpsgenie: return send_opsgenie(exchange_, channel, n);
    }
    return {};
  }

  Outcome beat(const std::string& url, uint32_t timeout_ms) override {
    Notification n;
    n.timeout_ms = timeout_ms;
    return exchange_.post({}, n, {.method = "GET", .url = url, .body = {}, .headers = {}, .content_type = {}}).outcome;
  }

 private:
  Exchange exchange_;
};

}  // namespace

bool is_link_local(std::string_view ip) {
  std::string text(ip.substr(0, ip.find('%')));
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes[0] == 169 && bytes[1] == 254;
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return false;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return true;
  std::array<unsigned char, 16> metadata{};
  inet_pton(AF_INET6, "fd00:ec2::254", metadata.data());
  if (bytes == metadata) return true;
  static constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr unsigned char kNat64[12] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
  bool carries_ipv4 = std::memcmp(bytes.data(), kMapped, 12) == 0 || std::memcmp(bytes.data(), kNat64, 12) == 0;
  return carries_ipv4 && bytes[12] == 169 && bytes[13] == 254;
}

std::unique_ptr<Sender> make_channel_sender(SenderParts parts) {
  return std::make_unique<ChannelSender>(std::move(parts));
}

net::MayConnect Exchange::may_connect() const {
  if (parts_.link_local) return nullptr;
  return [](std::string_view ip) { return !is_link_local(ip); };
}

net::HttpClient& Exchange::client(const HttpOptions& options) {
  std::string key = options.ca_file + "\n" + options.cert_file + "\n" + options.key_file;
  std::unique_ptr<net::HttpClient>& client = clients_[key];
  if (client == nullptr) {
    client = key.size() == 2
                 ? net::make_http_client()
                 : net::make_https_client({.ca = options.ca_file, .cert = options.cert_file, .key = options.key_file});
  }
  return *client;
}

Result<std::string> Exchange::read(const Secret& secret, const std::string& name) {
  if (secret.file.empty()) {
    if (secret.value.empty()) return Error(Code::kInvalid, "there is no " + name);
    return secret.value;
  }
  std::unique_ptr<os::File> file = CLEW_TRY(parts_.disk.open(secret.file, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  if (bytes > kSecretBytesMax) return Error(Code::kTooLarge, secret.file + " is too long for a " + name);
  std::string text = CLEW_TRY(file->read_at(0, bytes));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) return Error(Code::kInvalid, secret.file + " is empty");
  return text;
}

Result<std::string> Exchange::secret(const Channel& channel, const std::string& key) {
  auto found = channel.secrets.find(key);
  if (found == channel.secrets.end()) return Error(Code::kInvalid, "there is no " + key);
  return read(found->second, key);
}

Result<std::string> Exchange::text(const Channel& channel, const Notification& n, const std::string& key,
                                   std::string otherwise) {
  auto found = channel.texts.find(key);
  if (found == channel.texts.end()) return otherwise;
  return expanded(n, found->second);
}

Result<std::string> Exchange::expanded(const Notification& n, const std::string& text) {
  if (parts_.render == nullptr || text.find("{{") == std::string::npos) return text;
  return parts_.render(text, n);
}

Result<Json> Exchange::expanded_json(const Notification& n, const yaml::Tree& tree) {
  if (tree.is_list()) {
    Json list = Json::array();
    for (const yaml::Tree& item : tree.items) {
      Json one = CLEW_TRY(expanded_json(n, item));
      list.push_back(std::move(one));
    }
    return list;
  }
  if (tree.is_map()) {
    Json map = Json::object();
    for (const auto& [key, value] : tree.members) {
      Json one = CLEW_TRY(expanded_json(n, value));
      map[key.text] = std::move(one);
    }
    return map;
  }
  if (tree.is_null()) return Json(nullptr);
  if (!tree.quoted && (tree.text == "true" || tree.text == "false")) return Json(tree.text == "true");
  std::string text = CLEW_TRY(expanded(n, tree.text));
  return Json(text);
}

std::string Exchange::dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Outcome Exchange::failed(const Error& error, bool retry) {
  return {.ok = false, .retry = retry, .status = 0, .error = error.message(), .memory = {}};
}

Exchange::Answer Exchange::post(const Channel& channel, const Notification& n, const Post& post) {
  Answer answer;
  net::HttpCall call;
  call.method = post.method;
  call.url = post.url;
  call.body = post.body;
  call.headers = post.headers;
  call.timeout_ms = n.timeout_ms;
  call.kept_bytes_max = kAnswerBytesMax;
  call.may_connect = may_connect();
  call.go_on = n.go_on;
  call.headers.emplace_back("User-Agent", "clew");
  if (!post.content_type.empty()) call.headers.emplace_back("Content-Type", post.content_type);
  std::string hidden;
  const HttpOptions& http = channel.http;
  if (!http.username.empty() || !http.authorization_type.empty()) {
    bool basic = http.authorization_type.empty();
    Result<std::string> secret = read(basic ? http.password : http.credentials, basic ? "password" : "credentials");
    if (!secret.ok()) {
      answer.outcome = failed(secret.error(), false);
      return answer;
    }
    hidden = *secret;
    call.headers.emplace_back("Authorization", basic ? "Basic " + base64(http.username + ":" + hidden)
                                                     : http.authorization_type + " " + hidden);
  }
  Result<net::HttpReply> reply = client(http).call(call);
  if (!reply.ok()) {
    bool refused = reply.error().code() == Code::kForbidden || reply.error().code() == Code::kInvalid;
    answer.outcome = failed(reply.error(), !refused);
    answer.outcome.error = without(without(answer.outcome.error, post.url, server_of(post.url)), hidden, "<secret>");
    return answer;
  }
  answer.body = std::move(reply->body);
  answer.outcome.status = reply->status;
  answer.outcome.ok = reply->status >= 200 && reply->status < 300;
  answer.outcome.retry = reply->status == 429 || reply->status >= 500;
  if (!answer.outcome.ok) {
    std::string said = answer.body.substr(0, kSaidBytes);
    answer.outcome.error =
        fmt::format("{} answered {}{}", server_of(post.url), reply->status, said.empty() ? "" : ": " + said);
    answer.outcome.error = without(answer.outcome.error, hidden, "<secret>");
  }
  return answer;
}

}  // namespace clew::notify
