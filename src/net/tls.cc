#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>

namespace clew::net {
namespace {

constexpr uint64_t kLookEveryNs = 1'000'000'000;

using ContextPtr = std::shared_ptr<ssl_ctx_st>;

// What OpenSSL says last, without its codes; its queue is empty afterwards.
std::string last_words() {
  std::string words;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) words = reason;
  }
  return words.empty() ? "not readable" : words;
}

Status readable(const std::string& path) {
  Result<std::unique_ptr<os::ForeignFile>> file = os::ForeignFile::open(path);
  return file.ok() ? Status() : Status(file.error());
}

// The pair that this side shows.
Status use_pair(SSL_CTX* context, const std::string& cert, const std::string& key) {
  CLEW_TRY(readable(cert));
  CLEW_TRY(readable(key));
  if (SSL_CTX_use_certificate_chain_file(context, cert.c_str()) != 1) {
    return Error(Code::kInvalid, cert + " holds no certificate in PEM form: " + last_words());
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Error(Code::kInvalid, key + " holds no private key in PEM form that fits " + cert + ": " + last_words());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return Error(Code::kInvalid, "the key in " + key + " is not that of the certificate in " + cert);
  }
  return {};
}

Status trust(SSL_CTX* context, const std::string& ca) {
  CLEW_TRY(readable(ca));
  if (SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) == 1) return {};
  return Error(Code::kInvalid, ca + " holds no certificates in PEM form: " + last_words());
}

Result<ContextPtr> server_context(const TlsFiles& files) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return Error(Code::kInternal, "no TLS context: " + last_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  CLEW_TRY(use_pair(context.get(), files.cert, files.key));
  static constexpr unsigned char kSessionId[] = "clew";
  SSL_CTX_set_session_id_context(context.get(), kSessionId, sizeof kSessionId - 1);
  if (files.client_ca.empty()) return context;
  CLEW_TRY(trust(context.get(), files.client_ca));
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
  if (names != nullptr) SSL_CTX_set_client_CA_list(context.get(), names);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

int64_t expiry_of(const SSL_CTX* context) {
  X509* cert = SSL_CTX_get0_certificate(context);
  std::tm time{};
  if (cert == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &time) != 1) return 0;
  return ::timegm(&time);
}

os::FileInfo info_of(const std::string& path) {
  if (path.empty()) return {};
  Result<std::unique_ptr<os::ForeignFile>> file = os::ForeignFile::open(path);
  if (!file.ok()) return {};
  Result<os::FileInfo> info = (*file)->info();
  return info.ok() ? *info : os::FileInfo();
}

bool same(const os::FileInfo& a, const os::FileInfo& b) {
  return a.id == b.id && a.bytes == b.bytes && a.modified_nanos == b.modified_nanos;
}

}  // namespace

Status check_tls_client(const TlsClientFiles& files) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (context == nullptr) return Error(Code::kInternal, "no TLS context: " + last_words());
  if (!files.ca.empty()) CLEW_TRY(trust(context.get(), files.ca));
  if (files.cert.empty() != files.key.empty()) {
    return Error(Code::kInvalid, files.cert.empty() ? files.key + " is a key without a certificate"
                                                    : files.cert + " is a certificate without a key");
  }
  return files.cert.empty() ? Status() : use_pair(context.get(), files.cert, files.key);
}

TlsServer::TlsServer(TlsFiles files, const os::Clock& clock, base::Registry& metrics)
    : files_(std::move(files)),
      clock_(clock),
      failed_(metrics.counter("clew_tls_handshakes_failed_total", "TLS connections that did not come about")),
      reloads_(metrics.counter("clew_tls_reloads_total", "times that a changed certificate was taken")),
      bad_reloads_(metrics.counter("clew_tls_reloads_failed_total",
                                   "times that changed certificate files could not be used and the old were kept")) {}

TlsServer::~TlsServer() = default;

Result<std::shared_ptr<TlsServer>> TlsServer::open(TlsFiles files, const os::Clock& clock, base::Registry& metrics) {
  std::shared_ptr<TlsServer> server(new TlsServer(std::move(files), clock, metrics));
  CLEW_TRY(server->reload());
  metrics.gauge("clew_tls_certificate_expires_seconds", "when the certificate in use ends, seconds since 1970", {},
                [weak = std::weak_ptr<TlsServer>(server)] {
                  std::shared_ptr<TlsServer> alive = weak.lock();
                  return alive == nullptr ? 0.0 : static_cast<double>(alive->expires_unix_seconds());
                });
  return server;
}

TlsServer::Seen TlsServer::look() const {
  return {info_of(files_.cert), info_of(files_.key), info_of(files_.client_ca)};
}

Status TlsServer::reload() {
  base::MutexLock reloading(reload_mutex_);
  // Looked at first: what changes while it is read is seen to have changed.
  seen_ = look();
  ContextPtr context = CLEW_TRY(server_context(files_));
  expires_ = expiry_of(context.get());
  base::MutexLock lock(mutex_);
  context_ = std::move(context);
  return {};
}

void TlsServer::reload_if_changed() {
  uint64_t now = clock_.monotonic_ns();
  uint64_t looked = looked_ns_.load(std::memory_order_relaxed);
  if (looked != 0 && now - looked < kLookEveryNs) return;
  if (!looked_ns_.compare_exchange_strong(looked, now)) return;
  {
    base::MutexLock reloading(reload_mutex_);
    Seen now_there = look();
    if (same(now_there.cert, seen_.cert) && same(now_there.key, seen_.key) &&
        same(now_there.client_ca, seen_.client_ca)) {
      return;
    }
  }
  reload().ok() ? reloads_.add() : bad_reloads_.add();
}

ssl_st* TlsServer::new_session() {
  reload_if_changed();
  base::MutexLock lock(mutex_);
  return SSL_new(context_.get());
}

}  // namespace clew::net
