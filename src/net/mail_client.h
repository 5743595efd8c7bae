// Sends a mail over SMTP. libcurl stays inside the .cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace clew::net {

struct MailCall {
  std::string server;  // "mail.example.org:587"; port 465 speaks TLS from the first byte
  std::string hello = "localhost";
  bool starttls = true;  // refuses a server that does not offer it
  TlsClientFiles tls;
  std::string user;  // empty: without authentication
  std::string password;
  std::string from;  // bare addresses
  std::vector<std::string> to;
  std::string message;  // headers and body, lines ended by CR LF
  uint32_t timeout_ms = 0;
  MayConnect may_connect;
  std::function<bool()> go_on;  // as of HttpCall
};

// Gives the last code of the server, 250.
// Errors: kUnavailable when nobody answers or the server says to try later (4xx); kInvalid when it refuses the mail
//         (5xx); kForbidden for a certificate or password that is not accepted, and for an address that may not be
//         called; kDeadline; kCancelled when go_on said so; kIo.
Result<int> send_mail(const MailCall& call);

}  // namespace clew::net
