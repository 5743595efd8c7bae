#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "net/curl_connect.h"

namespace clew::net {
namespace {

constexpr long kConnectTimeoutMs = 5'000;

struct Receiver {
  CURL* curl = nullptr;
  const HttpCall* call = nullptr;
  HttpReply reply;
  bool stopped = false;
};

size_t on_data(char* data, size_t, size_t bytes, void* user) {
  auto* receiver = static_cast<Receiver*>(user);
  long status = 0;
  curl_easy_getinfo(receiver->curl, CURLINFO_RESPONSE_CODE, &status);
  if (receiver->call->on_body && status < 400) {
    if (receiver->call->on_body({data, bytes})) return bytes;
    receiver->stopped = true;
    return 0;
  }
  std::string& body = receiver->reply.body;
  size_t most = receiver->call->kept_bytes_max;
  body.append(data, most == 0 ? bytes : std::min(bytes, most - std::min(most, body.size())));
  return bytes;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* receiver = static_cast<Receiver*>(user);
  receiver->stopped = receiver->stopped || !receiver->call->go_on();
  return receiver->stopped ? 1 : 0;
}

size_t on_header(char* data, size_t, size_t bytes, void* user) {
  auto* receiver = static_cast<Receiver*>(user);
  std::string_view line(data, bytes);
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  receiver->reply.headers.emplace_back(std::move(name), std::string(value));
  return bytes;
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(TlsClientFiles files) : files_(std::move(files)), curl_(curl_easy_init()) {
    CHECK(curl_ != nullptr);
  }
  ~CurlClient() override { curl_easy_cleanup(curl_); }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  Result<HttpReply> call(const HttpCall& call) override {
    Receiver receiver{.curl = curl_, .call = &call, .reply = {}};
    curl_slist* headers = curl_slist_append(nullptr, "Expect:");
    for (const auto& [name, value] : call.headers) headers = curl_slist_append(headers, (name + ": " + value).c_str());
    curl_easy_reset(curl_);
    curl_easy_setopt(curl_, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_PROXY, "");
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    use_tls();
    if (call.timeout_ms > 0) curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout_ms));
    if (call.quiet_timeout_ms > 0) {
      curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_LIMIT, 1L);
      curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_TIME, static_cast<long>(call.quiet_timeout_ms / 1000));
    }
    if (call.method == "HEAD") curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
      curl_easy_setopt(curl_, CURLOPT_POST, 1L);
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, call.body.data() == nullptr ? "" : call.body.data());
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    }
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &on_data);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &receiver);
    if (call.go_on) {
      curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, &on_progress);
      curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &receiver);
    }
    ConnectGuard guard{.may_connect = call.may_connect, .refused = {}};
    guard.set(curl_);
    words_[0] = '\0';
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, words_.data());
    CURLcode code = curl_easy_perform(curl_);
    curl_slist_free_all(headers);
    if (code != CURLE_OK && !guard.refused.empty()) return guard.error(call.url);
    if (code != CURLE_OK) return error_of(code, receiver, call.url);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    receiver.reply.status = static_cast<int>(status);
    return std::move(receiver.reply);
  }

 private:
  void use_tls() {
    curl_easy_setopt(curl_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!files_.ca.empty()) curl_easy_setopt(curl_, CURLOPT_CAINFO, files_.ca.c_str());
    if (files_.cert.empty()) return;
    curl_easy_setopt(curl_, CURLOPT_SSLCERT, files_.cert.c_str());
    curl_easy_setopt(curl_, CURLOPT_SSLKEY, files_.key.c_str());
  }

  Error error_of(CURLcode code, const Receiver& receiver, const std::string& url) const {
    std::string text = url + ": " + (words_[0] != '\0' ? words_.data() : curl_easy_strerror(code));
    if (receiver.stopped) return Error(Code::kCancelled, "stopped");
    if (code == CURLE_OPERATION_TIMEDOUT) return Error(Code::kDeadline, std::move(text));
    bool distrust = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
                    code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CONNECT_ERROR;
    if (distrust) return Error(Code::kForbidden, std::move(text));
    bool nobody = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_GOT_NOTHING;
    return Error(nobody ? Code::kUnavailable : Code::kIo, std::move(text));
  }

  const TlsClientFiles files_;
  CURL* curl_;
  std::array<char, CURL_ERROR_SIZE> words_{};
};

}  // namespace

std::string_view HttpReply::header(std::string_view name_lower_case) const {
  for (const auto& [key, value] : headers) {
    if (key == name_lower_case) return value;
  }
  return {};
}

std::unique_ptr<HttpClient> make_http_client() { return std::make_unique<CurlClient>(TlsClientFiles()); }

std::unique_ptr<HttpClient> make_https_client(TlsClientFiles files) {
  return std::make_unique<CurlClient>(std::move(files));
}

}  // namespace clew::net
