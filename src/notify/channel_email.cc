// E-mail: one message of two forms, plain text and HTML, over SMTP.
#include <fmt/format.h>

#include <cctz/time_zone.h>

#include <algorithm>
#include <chrono>

#include "notify/exchange.h"
#include "notify/messages.h"

namespace clew::notify {
namespace {

// Bytes that a line of a message may not have are written as =XX, lines are cut at 76.
std::string quoted_printable(std::string_view text) {
  std::string out;
  size_t column = 0;
  auto put = [&](std::string_view piece) {
    if (column + piece.size() > 75) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\r') continue;
    if (c == '\n') {
      out += "\r\n";
      column = 0;
    } else if ((c >= '!' && c <= '~' && c != '=') || (c == ' ' && i + 1 < text.size() && text[i + 1] != '\n')) {
      bool dot_begins = c == '.' && column == 0;
      put(dot_begins ? std::string_view("=2E") : text.substr(i, 1));
    } else {
      put(fmt::format("={:02X}", static_cast<unsigned char>(c)));
    }
  }
  return out;
}

// A header's value is one line; what is no ASCII is an encoded word (RFC 2047).
std::string header_text(std::string text) {
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (ascii) return text;
  std::string out;
  std::string word;
  auto flush = [&] {
    if (!word.empty()) out += (out.empty() ? "" : "\r\n ") + ("=?utf-8?q?" + word + "?=");
    word.clear();
  };
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool starts = (byte & 0xc0) != 0x80;  // words end between characters
    if (word.size() > 55 && starts) flush();
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    word += plain ? std::string(1, c) : fmt::format("={:02X}", byte);
  }
  flush();
  return out;
}

// "ops@example.org" of `Ops <ops@example.org>`.
std::string bare_address(std::string_view text) {
  size_t open = text.find('<');
  if (open != std::string_view::npos) text = text.substr(open + 1, text.find('>') - open - 1);
  size_t begin = text.find_first_not_of(" \t");
  size_t end = text.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, end - begin + 1));
}

std::vector<std::string> addresses_of(const std::string& list) {
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= list.size()) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string one = bare_address(std::string_view(list).substr(begin, end - begin));
    if (!one.empty()) out.push_back(std::move(one));
    begin = end + 1;
  }
  return out;
}

std::string mail_date(UnixNanos at) {
  auto when = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(
      std::chrono::seconds(at.get() / 1'000'000'000));
  return cctz::format("%a, %d %b %Y %H:%M:%S +0000", when, cctz::utc_time_zone());
}

struct Parts {
  std::string text;
  std::string html;
};

Result<std::vector<std::pair<std::string, std::string>>> headers_of(Exchange& exchange, const Channel& channel,
                                                                    const Notification& n, const std::string& from,
                                                                    const std::string& to) {
  std::vector<std::pair<std::string, std::string>> headers = {{"Subject", subject_of(n)}, {"To", to}, {"From", from}};
  auto own = channel.maps.find("headers");
  if (own == channel.maps.end()) return headers;
  for (const auto& [name, text] : own->second) {
    std::string value = CLEW_TRY(exchange.expanded(n, text));
    auto same = std::find_if(headers.begin(), headers.end(), [&name = name](const auto& header) {
      return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
      });
    });
    if (same != headers.end())
      same->second = std::move(value);
    else
      headers.emplace_back(name, std::move(value));
  }
  return headers;
}

Result<net::MailCall> mail_of(Exchange& exchange, const Channel& channel, const Notification& n) {
  std::string from = CLEW_TRY(exchange.text(channel, n, "from", ""));
  std::string to = CLEW_TRY(exchange.text(channel, n, "to", ""));
  std::string html = CLEW_TRY(exchange.text(channel, n, "html", email_html(n)));
  std::string text = CLEW_TRY(exchange.text(channel, n, "text", both_lists(n)));
  auto headers = CLEW_TRY(headers_of(exchange, channel, n, from, to));
  net::MailCall call;
  call.server = channel.text("smarthost");
  call.hello = channel.text("hello");
  call.from = bare_address(from);
  call.to = addresses_of(to);
  call.starttls = channel.flag("require_tls", true);
  call.tls = {.ca = channel.http.ca_file, .cert = channel.http.cert_file, .key = channel.http.key_file};
  call.timeout_ms = n.timeout_ms;
  call.may_connect = exchange.may_connect();
  call.go_on = n.go_on;
  call.user = channel.text("auth_username");
  if (!call.user.empty()) call.password = CLEW_TRY(exchange.secret(channel, "auth_password"));
  if (call.to.empty()) return Error(Code::kInvalid, "to: no address in " + clew::quoted(to));
  std::string boundary = "clew-" + dedup_key(n.group_key + n.receiver).substr(0, 32);
  for (const auto& [name, value] : headers) call.message += name + ": " + header_text(value) + "\r\n";
  UnixNanos now = exchange.clock().now();
  size_t at = call.from.find('@');
  call.message +=
      fmt::format("Date: {}\r\nMessage-Id: <{}.{}@{}>\r\n", mail_date(now), now.get(),
                  dedup_key(n.group_key).substr(0, 16), at == std::string::npos ? "clew" : call.from.substr(at + 1));
  call.message += "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  auto part = [&](const char* type, const std::string& body) {
    if (body.empty()) return;
    call.message += "--" + boundary + "\r\nContent-Type: " + type +
                    "; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(body) +
                    "\r\n";
  };
  part("text/plain", text);
  part("text/html", html);
  call.message += "--" + boundary + "--\r\n";
  return call;
}

}  // namespace

Outcome send_email(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<net::MailCall> call = mail_of(exchange, channel, n);
  if (!call.ok()) return Exchange::failed(call.error(), false);
  Result<int> reply = net::send_mail(*call);
  if (!reply.ok()) {
    bool refused = reply.error().code() == Code::kForbidden || reply.error().code() == Code::kInvalid;
    return Exchange::failed(reply.error(), !refused);
  }
  return {.ok = true, .retry = false, .status = *reply, .error = {}, .memory = {}};
}

}  // namespace clew::notify
