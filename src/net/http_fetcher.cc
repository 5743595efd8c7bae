#include "net/http_fetcher.h"

#include <curl/curl.h>
#include <pthread.h>

#include <array>
#include <deque>
#include <map>
#include <stop_token>
#include <thread>

#include "base/check.h"
#include "base/mutex.h"

namespace clew::net {
namespace {

constexpr int kPollMillis = 1'000;
constexpr long kConnectionsKept = 4'096;
constexpr long kRedirectsMost = 10;

// One call under way.
struct Transfer {
  HttpFetch what;
  HttpFetcher::Done done;
  HttpFetched got;
  CURL* curl = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* connect_to = nullptr;
  bool too_large = false;
  std::array<char, CURL_ERROR_SIZE> words{};

  ~Transfer() {
    curl_slist_free_all(headers);
    curl_slist_free_all(connect_to);
    if (curl != nullptr) curl_easy_cleanup(curl);
  }
};

size_t on_data(char* data, size_t, size_t bytes, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  std::string& body = transfer->got.reply.body;
  size_t most = transfer->what.body_bytes_max;
  if (most != 0 && body.size() + bytes > most) {
    transfer->too_large = true;
    return 0;
  }
  body.append(data, bytes);
  return bytes;
}

size_t on_header(char* data, size_t, size_t bytes, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  std::string_view line(data, bytes);
  if (line.starts_with("HTTP/")) transfer->got.reply.headers.clear();  // of the answer before a redirect
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  transfer->got.reply.headers.emplace_back(std::move(name), std::string(value));
  return bytes;
}

void set_tls(Transfer& t) {
  curl_easy_setopt(t.curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (t.what.tls_insecure) {
    curl_easy_setopt(t.curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(t.curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!t.what.tls.ca.empty()) curl_easy_setopt(t.curl, CURLOPT_CAINFO, t.what.tls.ca.c_str());
  if (!t.what.tls.cert.empty()) {
    curl_easy_setopt(t.curl, CURLOPT_SSLCERT, t.what.tls.cert.c_str());
    curl_easy_setopt(t.curl, CURLOPT_SSLKEY, t.what.tls.key.c_str());
  }
  if (t.what.certificate) curl_easy_setopt(t.curl, CURLOPT_CERTINFO, 1L);
}

// The URL with the expected name as its host; the connection goes to where the URL said. The Host header stays.
void set_server_name(Transfer& t) {
  if (t.what.server_name.empty() || !t.what.url.starts_with("https://")) return;
  CURLU* url = curl_url();
  char *host = nullptr, *port = nullptr, *changed = nullptr;
  bool read = curl_url_set(url, CURLUPART_URL, t.what.url.c_str(), 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_HOST, t.what.server_name.c_str(), 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_URL, &changed, 0) == CURLUE_OK;
  if (read) {
    std::string to = t.what.server_name + ":" + port + ":" + host + ":" + port;
    t.connect_to = curl_slist_append(nullptr, to.c_str());
    curl_easy_setopt(t.curl, CURLOPT_CONNECT_TO, t.connect_to);
    t.headers = curl_slist_append(t.headers, ("Host: " + std::string(host) + ":" + port).c_str());
    t.what.url = changed;
  }
  curl_free(host);
  curl_free(port);
  curl_free(changed);
  curl_url_cleanup(url);
}

void prepare(Transfer& t) {
  t.curl = curl_easy_init();
  CHECK(t.curl != nullptr);
  t.headers = curl_slist_append(t.headers, "Expect:");
  for (const auto& [name, value] : t.what.headers) {
    t.headers = curl_slist_append(t.headers, (name + ": " + value).c_str());
  }
  set_server_name(t);
  curl_easy_setopt(t.curl, CURLOPT_URL, t.what.url.c_str());
  curl_easy_setopt(t.curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, t.headers);
  curl_easy_setopt(t.curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(t.curl, CURLOPT_PROXY, t.what.proxy_url.c_str());
  curl_easy_setopt(t.curl, CURLOPT_TIMEOUT_MS, static_cast<long>(t.what.timeout_ms));
  curl_easy_setopt(t.curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(t.what.timeout_ms));
  curl_easy_setopt(t.curl, CURLOPT_HTTP_VERSION,
                   static_cast<long>(t.what.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (t.what.compressed) curl_easy_setopt(t.curl, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (t.what.follow_redirects) {
    curl_easy_setopt(t.curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(t.curl, CURLOPT_MAXREDIRS, kRedirectsMost);
    curl_easy_setopt(t.curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  }
  if (!t.what.user.empty()) {
    curl_easy_setopt(t.curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(t.curl, CURLOPT_USERNAME, t.what.user.c_str());
    curl_easy_setopt(t.curl, CURLOPT_PASSWORD, t.what.password.c_str());
  }
  set_tls(t);
  if (t.what.method == "HEAD") curl_easy_setopt(t.curl, CURLOPT_NOBODY, 1L);
  if (!t.what.body.empty() || t.what.method == "POST" || t.what.method == "PUT") {
    curl_easy_setopt(t.curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.what.body.size()));
    curl_easy_setopt(t.curl, CURLOPT_POSTFIELDS, t.what.body.c_str());
  }
  curl_easy_setopt(t.curl, CURLOPT_CUSTOMREQUEST, t.what.method.c_str());
  curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, &on_data);
  curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(t.curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(t.curl, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(t.curl, CURLOPT_ERRORBUFFER, t.words.data());
  curl_easy_setopt(t.curl, CURLOPT_PRIVATE, &t);
}

Error error_of(CURLcode code, const Transfer& t) {
  if (t.too_large) {
    return Error(Code::kTooLarge,
                 t.what.url + ": the answer has more than " + std::to_string(t.what.body_bytes_max) + " bytes");
  }
  std::string text = t.what.url + ": " + (t.words[0] != '\0' ? t.words.data() : curl_easy_strerror(code));
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Error(Code::kDeadline, std::move(text));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR: return Error(Code::kForbidden, std::move(text));
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING: return Error(Code::kUnavailable, std::move(text));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return Error(Code::kInvalid, std::move(text));
    default: return Error(Code::kIo, std::move(text));
  }
}

uint64_t nanos_of(CURL* curl, CURLINFO info) {
  curl_off_t micros = 0;
  curl_easy_getinfo(curl, info, &micros);
  return micros > 0 ? static_cast<uint64_t>(micros) * 1000 : 0;
}

int64_t certificate_end(CURL* curl) {
  curl_certinfo* info = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == nullptr) return 0;
  int64_t earliest = 0;
  for (int i = 0; i < info->num_of_certs; ++i) {
    for (const curl_slist* line = info->certinfo[i]; line != nullptr; line = line->next) {
      std::string_view text(line->data);
      constexpr std::string_view kMark = "Expire date:";
      if (!text.starts_with(kMark)) continue;
      int64_t end = static_cast<int64_t>(curl_getdate(line->data + kMark.size(), nullptr));
      if (end > 0 && (earliest == 0 || end < earliest)) earliest = end;
    }
  }
  return earliest;
}

void finish(Transfer& t) {
  long status = 0, redirects = 0, version = 0;
  curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(t.curl, CURLINFO_REDIRECT_COUNT, &redirects);
  curl_easy_getinfo(t.curl, CURLINFO_HTTP_VERSION, &version);
  char* url = nullptr;
  curl_easy_getinfo(t.curl, CURLINFO_EFFECTIVE_URL, &url);
  t.got.reply.status = static_cast<int>(status);
  t.got.redirects = static_cast<uint32_t>(redirects);
  t.got.url = url != nullptr ? url : t.what.url;
  t.got.encrypted = t.got.url.starts_with("https://");
  t.got.http_version = version == CURL_HTTP_VERSION_2_0 ? 20 : version == CURL_HTTP_VERSION_1_0 ? 10 : 11;
  uint64_t resolved = nanos_of(t.curl, CURLINFO_NAMELOOKUP_TIME_T);
  uint64_t connected = std::max(resolved, nanos_of(t.curl, CURLINFO_CONNECT_TIME_T));
  uint64_t secured = std::max(connected, nanos_of(t.curl, CURLINFO_APPCONNECT_TIME_T));
  uint64_t first = std::max(secured, nanos_of(t.curl, CURLINFO_STARTTRANSFER_TIME_T));
  t.got.nanos = nanos_of(t.curl, CURLINFO_TOTAL_TIME_T);
  t.got.resolve_nanos = resolved;
  t.got.connect_nanos = connected - resolved;
  t.got.tls_nanos = secured - connected;
  t.got.process_nanos = first - secured;
  t.got.transfer_nanos = std::max(t.got.nanos, first) - first;
  if (t.what.certificate) t.got.certificate_ends_s = certificate_end(t.curl);
}

class CurlFetcher final : public HttpFetcher {
 public:
  CurlFetcher() : multi_(curl_multi_init()) {
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKept);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    pthread_setname_np(thread_.native_handle(), "clew-fetch");
  }
  ~CurlFetcher() override {
    thread_.request_stop();
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;

  void fetch(HttpFetch what, Done done) override {
    auto transfer = std::make_unique<Transfer>();
    transfer->what = std::move(what);
    transfer->done = std::move(done);
    {
      base::MutexLock lock(mutex_);
      waiting_.push_back(std::move(transfer));
    }
    curl_multi_wakeup(multi_);
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      begin_waiting();
      int running = 0;
      curl_multi_perform(multi_, &running);
      end_finished();
      curl_multi_poll(multi_, nullptr, 0, kPollMillis, nullptr);
    }
    begin_waiting();
    for (auto& [curl, transfer] : running_) {
      curl_multi_remove_handle(multi_, curl);
      transfer->done(Error(Code::kCancelled, "stopped"));
    }
    running_.clear();
  }

  void begin_waiting() {
    std::deque<std::unique_ptr<Transfer>> taken;
    {
      base::MutexLock lock(mutex_);
      taken.swap(waiting_);
    }
    for (auto& transfer : taken) {
      prepare(*transfer);
      curl_multi_add_handle(multi_, transfer->curl);
      CURL* curl = transfer->curl;
      running_.emplace(curl, std::move(transfer));
    }
  }

  void end_finished() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURLcode code = message->data.result;
      auto found = running_.find(message->easy_handle);
      CHECK(found != running_.end());
      std::unique_ptr<Transfer> transfer = std::move(found->second);
      running_.erase(found);
      curl_multi_remove_handle(multi_, transfer->curl);
      if (code != CURLE_OK) {
        transfer->done(error_of(code, *transfer));
        continue;
      }
      finish(*transfer);
      transfer->done(std::move(transfer->got));
    }
  }

  CURLM* multi_;
  base::Mutex mutex_;
  std::deque<std::unique_ptr<Transfer>> waiting_ CLEW_GUARDED_BY(mutex_);
  std::map<CURL*, std::unique_ptr<Transfer>> running_;  // of the thread
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<HttpFetcher> make_http_fetcher() { return std::make_unique<CurlFetcher>(); }

}  // namespace clew::net
