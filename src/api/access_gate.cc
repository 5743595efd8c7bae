#include "api/access_gate.h"

#include <algorithm>
#include <array>
#include <optional>

#include "net/address.h"

namespace clew::api {
namespace {

// "http://host:port" names the same place as the Host header "host:port".
bool is_same_origin(std::string_view origin, std::string_view host) {
  size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == host;
}

// An address as sockets print it; of an IPv6 listener IPv4 peers have a prefix.
bool is_this_machine(std::string_view peer) {
  constexpr std::string_view kMapped = "::ffff:";
  if (peer.starts_with(kMapped)) peer.remove_prefix(kMapped.size());
  return net::Address{std::string(peer), 0}.is_loopback();
}

// How long it takes tells nothing of the key but what was sent.
bool is_equal(std::string_view sent, std::string_view key) {
  size_t differ = sent.size() ^ key.size();
  for (size_t i = 0; i < sent.size(); ++i) {
    differ |=
        static_cast<size_t>(static_cast<unsigned char>(sent[i]) ^ static_cast<unsigned char>(key[i % key.size()]));
  }
  return differ == 0;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>((bits >> count) & 0xff));
  }
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

std::string key_of_basic(std::string_view value) {
  std::string pair = base64_decoded(value).value_or(std::string());
  size_t colon = std::min(pair.find(':'), pair.size());
  bool no_password = colon + 1 >= pair.size();
  return no_password ? pair.substr(0, colon) : pair.substr(colon + 1);
}

// Plain, or base64 of ID:KEY.
std::string key_of_api_key(std::string_view value) {
  std::optional<std::string> pair = base64_decoded(value);
  size_t colon = pair ? pair->find(':') : std::string::npos;
  return colon == std::string::npos ? std::string(value) : pair->substr(colon + 1);
}

KeyCheck check(const std::vector<std::string>& keys, const std::string& sent) {
  if (sent.empty()) return KeyCheck::kMissing;
  bool good = false;
  for (const std::string& key : keys) good = is_equal(sent, key) || good;
  return good ? KeyCheck::kGood : KeyCheck::kWrong;
}

}  // namespace

std::string key_of_headers(std::string_view authorization, std::string_view x_api_key, std::string_view dd_api_key) {
  size_t blank = authorization.find(' ');
  if (blank != std::string_view::npos) {
    std::string_view scheme = authorization.substr(0, blank);
    std::string_view value = authorization.substr(blank + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (equals_ignoring_case(scheme, "basic")) return key_of_basic(value);
    if (equals_ignoring_case(scheme, "apikey")) return key_of_api_key(value);
    for (std::string_view plain : {"bearer", "splunk", "token"}) {
      if (equals_ignoring_case(scheme, plain)) return std::string(value);
    }
  }
  return std::string(x_api_key.empty() ? dd_api_key : x_api_key);
}

void AccessGate::set_keys(std::vector<std::string> keys) {
  std::erase_if(keys, [](const std::string& key) { return key.empty(); });
  base::MutexLock lock(mutex_);
  keys_ = keys.empty() ? nullptr : std::make_shared<const std::vector<std::string>>(std::move(keys));
}

AccessGate::Keys AccessGate::keys() const {
  base::MutexLock lock(mutex_);
  return keys_;
}

KeyCheck AccessGate::check_key(const net::Request& request, Need need) const {
  Keys now = keys();
  if (now == nullptr || need == Need::kNothing) return KeyCheck::kGood;
  if (need != Need::kIngest && is_this_machine(request.peer)) return KeyCheck::kGood;
  return check(
      *now, key_of_headers(request.header("authorization"), request.header("x-api-key"), request.header("dd-api-key")));
}

KeyCheck AccessGate::check_key(const net::GrpcCall& call, Need need) const {
  Keys now = keys();
  if (now == nullptr || need == Need::kNothing) return KeyCheck::kGood;
  return check(*now,
               key_of_headers(call.metadata("authorization"), call.metadata("x-api-key"), call.metadata("dd-api-key")));
}

std::string_view AccessGate::reason_of(KeyCheck check) { return check == KeyCheck::kMissing ? "missing" : "wrong"; }

Error AccessGate::error_of(KeyCheck check) {
  if (check == KeyCheck::kMissing) {
    return {Code::kForbidden, "this server asks for its ingest key: send Authorization: Bearer KEY"};
  }
  return {Code::kForbidden, "the key that was sent is none of this server's (auth.ingest_key)"};
}

Result<contract::Access> AccessGate::admit(const net::Request& request, Need need) const {
  std::string_view origin = request.header("origin");
  if (need != Need::kNothing && !origin.empty() && !is_same_origin(origin, request.header("host"))) {
    return Error(Code::kForbidden, "requests from pages of another origin (" + quoted(origin) + ") are refused");
  }
  if (need == Need::kAdmin && keys() != nullptr && !is_this_machine(request.peer)) {
    return Error(Code::kForbidden, "an ingest key does not administrate: do that on the server's own machine");
  }
  return contract::Access{};
}

Result<contract::Access> AccessGate::admit_grpc(Need) const { return contract::Access{}; }

}  // namespace clew::api
