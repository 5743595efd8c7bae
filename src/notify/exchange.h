// Exchange: what the channels' protocols share: secrets are read, texts are made, a request is sent and judged.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "notify/channel_sender.h"

namespace clew::notify {

using Json = nlohmann::ordered_json;

// Threads: one.
class Exchange {
 public:
  explicit Exchange(SenderParts parts) : parts_(std::move(parts)) {}

  struct Post {
    std::string method = "POST";
    std::string url;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string content_type = "application/json";
  };
  struct Answer {
    Outcome outcome;  // ok where the status is 2xx; retry for 429, 5xx and where nobody answers
    std::string body;
  };
  // Errors of it name the server, never the whole URL, which may hold a secret.
  Answer post(const Channel& channel, const Notification& n, const Post& post);

  // Errors: kNotFound and the like of the secret's file; kInvalid when it is empty.
  Result<std::string> secret(const Channel& channel, const std::string& key);
  Result<std::string> read(const Secret& secret, const std::string& name);
  // The text of the configuration, expanded; `otherwise` where there is none.
  Result<std::string> text(const Channel& channel, const Notification& n, const std::string& key,
                           std::string otherwise);
  Result<std::string> expanded(const Notification& n, const std::string& text);
  // All texts of a list of the configuration, expanded.
  Result<Json> expanded_json(const Notification& n, const yaml::Tree& tree);

  net::MayConnect may_connect() const;
  const os::Clock& clock() const { return parts_.clock; }

  static Outcome failed(const Error& error, bool retry);
  static std::string dumped(const Json& json);

 private:
  net::HttpClient& client(const HttpOptions& options);

  SenderParts parts_;
  std::map<std::string, std::unique_ptr<net::HttpClient>> clients_;  // by the files of TLS
};

// One for each kind; each does one notification.
Outcome send_webhook(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_pagerduty(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_slack(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_email(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_teams(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_telegram(Exchange& exchange, const Channel& channel, const Notification& n);
Outcome send_opsgenie(Exchange& exchange, const Channel& channel, const Notification& n);

}  // namespace clew::notify
