// Webhook, Slack, Microsoft Teams, Telegram.
#include <fmt/format.h>

#include "notify/exchange.h"
#include "notify/messages.h"

namespace clew::notify {
namespace {

constexpr size_t kSlackTitleCharacters = 1024;
constexpr size_t kTelegramCharacters = 4096;
constexpr std::string_view kSlackMessage = "chat.postMessage";

// --- Slack -----------------------------------------------------------------------------------------------------------

Result<Json> slack_attachment(Exchange& exchange, const Channel& channel, const Notification& n) {
  Json out = Json::object();
  auto put = [&](const char* member, const char* key, std::string otherwise) -> Status {
    std::string text = CLEW_TRY(exchange.text(channel, n, key, std::move(otherwise)));
    if (!text.empty()) out[member] = std::move(text);
    return {};
  };
  CLEW_TRY(put("title", "title", subject_of(n)));
  if (out.contains("title")) out["title"] = cut_to(out["title"].get<std::string>(), kSlackTitleCharacters);
  CLEW_TRY(put("title_link", "title_link", link_of(n)));
  CLEW_TRY(put("pretext", "pretext", ""));
  CLEW_TRY(put("text", "text", ""));
  CLEW_TRY(put("fallback", "fallback", subject_of(n) + " | " + link_of(n)));
  CLEW_TRY(put("callback_id", "callback_id", ""));
  CLEW_TRY(put("image_url", "image_url", ""));
  CLEW_TRY(put("thumb_url", "thumb_url", ""));
  CLEW_TRY(put("footer", "footer", ""));
  CLEW_TRY(put("color", "color", n.firing() ? "danger" : "good"));
  out["mrkdwn_in"] = {"fallback", "pretext", "text"};
  if (auto list = channel.trees.find("mrkdwn_in"); list != channel.trees.end()) {
    out["mrkdwn_in"] = CLEW_TRY(exchange.expanded_json(n, list->second));
  }
  if (auto list = channel.trees.find("fields"); list != channel.trees.end()) {
    Json fields = CLEW_TRY(exchange.expanded_json(n, list->second));
    for (Json& field : fields) {
      if (!field.contains("short")) field["short"] = channel.flag("short_fields", false);
    }
    out["fields"] = std::move(fields);
  }
  return out;
}

Result<Json> slack_body(Exchange& exchange, const Channel& channel, const Notification& n) {
  Json body = Json::object();
  auto put = [&](const char* key, std::string otherwise) -> Status {
    std::string text = CLEW_TRY(exchange.text(channel, n, key, std::move(otherwise)));
    if (!text.empty()) body[key] = std::move(text);
    return {};
  };
  CLEW_TRY(put("channel", ""));
  CLEW_TRY(put("username", "Alertmanager"));
  CLEW_TRY(put("icon_emoji", ""));
  CLEW_TRY(put("icon_url", ""));
  if (channel.flag("link_names", false)) body["link_names"] = true;
  Json attachment = CLEW_TRY(slack_attachment(exchange, channel, n));
  body["attachments"] = Json::array({std::move(attachment)});
  return body;
}

// Slack says what is wrong with status 200.
Outcome judged_slack(Exchange::Answer answer, const Notification& n, bool web_api) {
  if (!answer.outcome.ok || !web_api) return std::move(answer.outcome);
  Json said = Json::parse(answer.body, nullptr, false);
  if (!said.is_object() || !said.value("ok", false)) {
    std::string why = said.is_object() ? said.value("error", "no reason") : "an answer that is no JSON";
    answer.outcome.ok = false;
    answer.outcome.retry = why == "ratelimited" || why == "internal_error" || why == "fatal_error";
    answer.outcome.error = "slack answered: " + why;
    return std::move(answer.outcome);
  }
  answer.outcome.memory = n.memory;
  answer.outcome.memory["ts"] = said.value("ts", "");
  answer.outcome.memory["channel"] = said.value("channel", "");
  return std::move(answer.outcome);
}

std::string telegram_escaped(const std::string& text, const std::string& parse_mode) {
  return parse_mode == "HTML" ? html_escaped(text) : text;
}

}  // namespace

Outcome send_webhook(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<std::string> url = exchange.secret(channel, "url");
  if (!url.ok()) return Exchange::failed(url.error(), false);
  Exchange::Post post{.url = *url, .body = webhook_json(n, channel.count("max_alerts")), .headers = {}};
  return exchange.post(channel, n, post).outcome;
}

// With a token the message of a group is one, which changes when its alerts do; an incoming webhook can only add.
Outcome send_slack(Exchange& exchange, const Channel& channel, const Notification& n) {
  Exchange::Post post;
  bool has_token = channel.secrets.count("app_token") > 0;
  Result<std::string> url =
      has_token ? Result<std::string>(channel.text("app_url")) : exchange.secret(channel, "api_url");
  if (!url.ok()) return Exchange::failed(url.error(), false);
  post.url = *url;
  if (has_token) {
    Result<std::string> token = exchange.secret(channel, "app_token");
    if (!token.ok()) return Exchange::failed(token.error(), false);
    post.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  Result<Json> body = slack_body(exchange, channel, n);
  if (!body.ok()) return Exchange::failed(body.error(), false);
  bool web_api = post.url.ends_with(kSlackMessage);
  auto ts = n.memory.find("ts");
  if (web_api && ts != n.memory.end() && !ts->second.empty()) {
    post.url.replace(post.url.size() - kSlackMessage.size(), kSlackMessage.size(), "chat.update");
    (*body)["ts"] = ts->second;
    (*body)["channel"] = n.memory.at("channel");
  }
  post.content_type = "application/json; charset=utf-8";
  post.body = Exchange::dumped(*body);
  return judged_slack(exchange.post(channel, n, post), n, web_api);
}

Outcome send_teams(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<std::string> url = exchange.secret(channel, "webhook_url");
  if (!url.ok()) return Exchange::failed(url.error(), false);
  Result<std::string> title = exchange.text(channel, n, "title", subject_of(n));
  if (!title.ok()) return Exchange::failed(title.error(), false);
  Result<std::string> text = exchange.text(channel, n, "text", both_lists_markdown(n));
  if (!text.ok()) return Exchange::failed(text.error(), false);
  Result<std::string> summary = exchange.text(channel, n, "summary", "");
  if (!summary.ok()) return Exchange::failed(summary.error(), false);
  Json body;
  if (channel.kind == ChannelKind::kTeams) {
    body = {{"@context", "http://schema.org/extensions"},
            {"@type", "MessageCard"},
            {"title", *title},
            {"summary", summary->empty() ? *title : *summary},
            {"text", *text},
            {"themeColor", n.firing() ? "8C1A1A" : "2DC72D"}};
  } else {
    Json head = {{"type", "TextBlock"},
                 {"text", *title},
                 {"weight", "Bolder"},
                 {"size", "Medium"},
                 {"wrap", true},
                 {"style", "heading"},
                 {"color", n.firing() ? "attention" : "good"}};
    Json content = {{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                    {"type", "AdaptiveCard"},
                    {"version", "1.4"},
                    {"body", Json::array({head, {{"type", "TextBlock"}, {"text", *text}, {"wrap", true}}})},
                    {"msteams", {{"width", "full"}}}};
    Json attachment = {
        {"contentType", "application/vnd.microsoft.card.adaptive"}, {"contentUrl", nullptr}, {"content", content}};
    body = {{"type", "message"}, {"attachments", Json::array({attachment})}};
  }
  return exchange.post(channel, n, {.url = *url, .body = Exchange::dumped(body), .headers = {}}).outcome;
}

Outcome send_telegram(Exchange& exchange, const Channel& channel, const Notification& n) {
  Result<std::string> token = exchange.secret(channel, "bot_token");
  if (!token.ok()) return Exchange::failed(token.error(), false);
  std::string parse_mode = channel.texts.count("parse_mode") > 0 ? channel.text("parse_mode") : "HTML";
  Result<std::string> text = exchange.text(channel, n, "message", telegram_escaped(both_lists(n), parse_mode));
  if (!text.ok()) return Exchange::failed(text.error(), false);
  Json body = Json::object();
  std::string chat = channel.text("chat_id");
  bool number = chat.find_first_not_of("-0123456789") == std::string::npos && chat.size() < 19;
  body["chat_id"] = number ? Json(std::stoll(chat)) : Json(chat);
  if (std::string thread = channel.text("message_thread_id"); !thread.empty()) body["message_thread_id"] = thread;
  body["text"] = cut_to(*text, kTelegramCharacters);
  if (!parse_mode.empty()) body["parse_mode"] = parse_mode;
  body["disable_notification"] = channel.flag("disable_notifications", false);
  body["disable_web_page_preview"] = true;
  std::string url = channel.text("api_url");
  if (url.ends_with('/')) url.pop_back();
  return exchange
      .post(channel, n, {.url = url + "/bot" + *token + "/sendMessage", .body = Exchange::dumped(body), .headers = {}})
      .outcome;
}

}  // namespace clew::notify
