// TLS of listeners: certificates from files, read again when they change. OpenSSL stays inside the .cc; whoever speaks
// TLS on a socket of its own takes a session here, be it by asio's ssl::stream or by SSL_set_fd.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/foreign_file.h"

struct ssl_st;      // OpenSSL's SSL
struct ssl_ctx_st;  // and SSL_CTX

namespace clew::net {

// PEM files. The certificate's file holds its chain too, the server's own first.
struct TlsFiles {
  std::string cert;
  std::string key;
  std::string client_ca;  // clients must show a certificate signed by one of these; empty: nobody is asked
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// What a client of https needs beyond the system's certificates.
struct TlsClientFiles {
  std::string ca;    // trusted in place of the system's; empty: the system's
  std::string cert;  // shown to a server that asks for one; both or neither
  std::string key;
  friend bool operator==(const TlsClientFiles&, const TlsClientFiles&) = default;
};

// Whether these files are there and belong together. Errors: kNotFound, kForbidden, kInvalid naming the file and why.
Status check_tls_client(const TlsClientFiles& files);

// TLS 1.2 and 1.3. A certificate that was replaced is used for connections from then on; while what lies there is no
// pair (a new certificate with the old key) the one before is used on.
//
// Threads:  all functions on any thread.
// Lifetime: clock and metrics outlive it.
class TlsServer {
 public:
  // Errors: as check_tls_client.
  static Result<std::shared_ptr<TlsServer>> open(TlsFiles files, const os::Clock& clock, base::Registry& metrics);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // The server's side of one connection, which the caller frees (SSL_free) or hands to who does. Looks whether the
  // files have changed, at most once a second. Null only when memory is short.
  ssl_st* new_session();
  // Reads the files now. Errors: as open(); what was there before is used on.
  Status reload();

  const TlsFiles& files() const { return files_; }
  // When the certificate in use ends, UTC.
  int64_t expires_unix_seconds() const { return expires_.load(std::memory_order_relaxed); }
  // Counts a handshake that failed.
  void note_failed_handshake() { failed_.add(); }

 private:
  TlsServer(TlsFiles files, const os::Clock& clock, base::Registry& metrics);
  struct Seen {  // of the three files, to know a change by
    os::FileInfo cert;
    os::FileInfo key;
    os::FileInfo client_ca;
  };
  Seen look() const;
  void reload_if_changed();

  const TlsFiles files_;
  const os::Clock& clock_;
  base::Counter& failed_;
  base::Counter& reloads_;
  base::Counter& bad_reloads_;
  std::atomic<int64_t> expires_{0};
  std::atomic<uint64_t> looked_ns_{0};
  base::Mutex reload_mutex_;  // one thread reads files at a time
  Seen seen_ CLEW_GUARDED_BY(reload_mutex_);
  base::Mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::net
