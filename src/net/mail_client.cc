#include "net/mail_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "net/curl_connect.h"

namespace clew::net {
namespace {

struct Unsent {
  std::string_view bytes;
};

size_t give(char* to, size_t size, size_t count, void* user) {
  auto* unsent = static_cast<Unsent*>(user);
  size_t bytes = std::min(size * count, unsent->bytes.size());
  std::memcpy(to, unsent->bytes.data(), bytes);
  unsent->bytes.remove_prefix(bytes);
  return bytes;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const MailCall*>(user)->go_on() ? 0 : 1;
}

Error error_of(CURLcode code, long reply, const MailCall& call, const ConnectGuard& guard, const char* words) {
  std::string text = call.server + ": " + (words[0] != '\0' ? words : curl_easy_strerror(code));
  if (!guard.refused.empty()) return guard.error(call.server);
  if (code == CURLE_ABORTED_BY_CALLBACK) return Error(Code::kCancelled, "stopped");
  if (code == CURLE_OPERATION_TIMEDOUT) return Error(Code::kDeadline, std::move(text));
  if (code == CURLE_LOGIN_DENIED || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
      code == CURLE_USE_SSL_FAILED) {
    return Error(Code::kForbidden, std::move(text));
  }
  if (reply >= 500) return Error(Code::kInvalid, std::move(text));
  if (reply >= 400 || code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
      code == CURLE_GOT_NOTHING) {
    return Error(Code::kUnavailable, std::move(text));
  }
  return Error(Code::kIo, std::move(text));
}

}  // namespace

Result<int> send_mail(const MailCall& call) {
  CURL* curl = curl_easy_init();
  CHECK(curl != nullptr);
  bool tls_at_once = call.server.ends_with(":465");
  std::string url = (tls_at_once ? "smtps://" : "smtp://") + call.server + "/" + call.hello;
  std::array<char, CURL_ERROR_SIZE> words{};
  ConnectGuard guard{.may_connect = call.may_connect, .refused = {}};
  Unsent unsent{call.message};
  curl_slist* to = nullptr;
  for (const std::string& one : call.to) to = curl_slist_append(to, ("<" + one + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + call.from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &give);
  curl_easy_setopt(curl, CURLOPT_READDATA, &unsent);
  curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(call.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!call.tls.ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, call.tls.ca.c_str());
  if (!call.tls.cert.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSLCERT, call.tls.cert.c_str());
    curl_easy_setopt(curl, CURLOPT_SSLKEY, call.tls.key.c_str());
  }
  if (!call.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, call.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, call.password.c_str());
  }
  if (call.timeout_ms > 0) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout_ms));
  if (call.go_on) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<MailCall*>(&call));
  }
  guard.set(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  CURLcode code = curl_easy_perform(curl);
  long reply = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
  curl_slist_free_all(to);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK) return error_of(code, reply, call, guard, words.data());
  return static_cast<int>(reply);
}

}  // namespace clew::net
