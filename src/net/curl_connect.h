// ConnectGuard lets libcurl open a connection only to addresses that may be called: asked for the address itself, after
// names are resolved, so that no name leads around it. For the .cc of clients; includes libcurl.
#pragma once

#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "base/result.h"
#include "net/http_client.h"

namespace clew::net {

struct ConnectGuard {
  const MayConnect& may_connect;
  std::string refused;  // the address

  // Lifetime: the guard outlives the transfer.
  void set(CURL* curl) {
    if (!may_connect) return;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &ConnectGuard::open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  }
  Error error(const std::string& url) const {
    return Error(Code::kForbidden, url + ": " + refused + " is an address that may not be called");
  }

 private:
  static curl_socket_t open(void* user, curlsocktype, curl_sockaddr* address) {
    auto* guard = static_cast<ConnectGuard*>(user);
    std::array<char, NI_MAXHOST> ip{};
    int named = getnameinfo(&address->addr, address->addrlen, ip.data(), ip.size(), nullptr, 0, NI_NUMERICHOST);
    if (named != 0 || !guard->may_connect(ip.data())) {
      guard->refused = named == 0 ? ip.data() : "something without a number";
      return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }
};

}  // namespace clew::net
