// Receivers and `global`, read by tables: what each key is, and where its value goes.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "notify/config_parts.h"
#include "yaml/fields.h"

namespace clew::notify {
namespace {

enum class Use : uint8_t {
  kText,        // a template
  kPlain,       // a text that is none
  kSecret,      // never shown
  kSecretFile,  // NAME_file: a file with the secret NAME
  kTexts,       // NAME: template
  kFlag,
  kCount,
  kTree,
  kLacking,  // would change whom or what is told, and is not served
};

struct Key {
  std::string_view name;
  Use use;
};

struct Kind {
  std::string_view list;  // "webhook_configs"
  ChannelKind kind;
  bool send_resolved;
  std::span<const Key> keys;
};

constexpr Key kWebhookKeys[] = {{"url", Use::kSecret}, {"url_file", Use::kSecretFile}, {"max_alerts", Use::kCount}};
constexpr Key kPagerDutyKeys[] = {{"routing_key", Use::kSecret},  {"routing_key_file", Use::kSecretFile},
                                  {"service_key", Use::kLacking}, {"service_key_file", Use::kLacking},
                                  {"url", Use::kPlain},           {"client", Use::kText},
                                  {"client_url", Use::kText},     {"description", Use::kText},
                                  {"severity", Use::kText},       {"source", Use::kText},
                                  {"class", Use::kText},          {"component", Use::kText},
                                  {"group", Use::kText},          {"details", Use::kTexts},
                                  {"images", Use::kTree},         {"links", Use::kTree}};
constexpr Key kSlackKeys[] = {{"api_url", Use::kSecret},   {"api_url_file", Use::kSecretFile},
                              {"app_token", Use::kSecret}, {"app_token_file", Use::kSecretFile},
                              {"app_url", Use::kPlain},    {"channel", Use::kText},
                              {"username", Use::kText},    {"color", Use::kText},
                              {"title", Use::kText},       {"title_link", Use::kText},
                              {"pretext", Use::kText},     {"text", Use::kText},
                              {"fields", Use::kTree},      {"short_fields", Use::kFlag},
                              {"footer", Use::kText},      {"fallback", Use::kText},
                              {"callback_id", Use::kText}, {"icon_emoji", Use::kText},
                              {"icon_url", Use::kText},    {"image_url", Use::kText},
                              {"thumb_url", Use::kText},   {"link_names", Use::kFlag},
                              {"mrkdwn_in", Use::kTree},   {"actions", Use::kLacking}};
constexpr Key kEmailKeys[] = {{"to", Use::kText},
                              {"from", Use::kText},
                              {"smarthost", Use::kPlain},
                              {"hello", Use::kPlain},
                              {"auth_username", Use::kPlain},
                              {"auth_password", Use::kSecret},
                              {"auth_password_file", Use::kSecretFile},
                              {"auth_secret", Use::kLacking},
                              {"auth_identity", Use::kPlain},
                              {"headers", Use::kTexts},
                              {"html", Use::kText},
                              {"text", Use::kText},
                              {"require_tls", Use::kFlag},
                              {"tls_config", Use::kTree}};
constexpr Key kTeamsKeys[] = {{"webhook_url", Use::kSecret},
                              {"webhook_url_file", Use::kSecretFile},
                              {"title", Use::kText},
                              {"summary", Use::kText},
                              {"text", Use::kText}};
constexpr Key kTelegramKeys[] = {{"api_url", Use::kPlain},
                                 {"bot_token", Use::kSecret},
                                 {"bot_token_file", Use::kSecretFile},
                                 {"chat_id", Use::kPlain},
                                 {"message_thread_id", Use::kPlain},
                                 {"message", Use::kText},
                                 {"disable_notifications", Use::kFlag},
                                 {"parse_mode", Use::kPlain}};
constexpr Key kOpsgenieKeys[] = {{"api_key", Use::kSecret},   {"api_key_file", Use::kSecretFile},
                                 {"api_url", Use::kPlain},    {"message", Use::kText},
                                 {"description", Use::kText}, {"source", Use::kText},
                                 {"details", Use::kTexts},    {"entity", Use::kText},
                                 {"actions", Use::kText},     {"note", Use::kText},
                                 {"tags", Use::kText},        {"priority", Use::kText},
                                 {"responders", Use::kTree},  {"update_alerts", Use::kFlag}};

constexpr Kind kKinds[] = {
    {"webhook_configs", ChannelKind::kWebhook, true, kWebhookKeys},
    {"pagerduty_configs", ChannelKind::kPagerDuty, true, kPagerDutyKeys},
    {"slack_configs", ChannelKind::kSlack, false, kSlackKeys},
    {"email_configs", ChannelKind::kEmail, false, kEmailKeys},
    {"msteams_configs", ChannelKind::kTeams, true, kTeamsKeys},
    {"msteamsv2_configs", ChannelKind::kTeamsV2, true, kTeamsKeys},
    {"telegram_configs", ChannelKind::kTelegram, true, kTelegramKeys},
    {"opsgenie_configs", ChannelKind::kOpsgenie, true, kOpsgenieKeys},
};

// Receivers of Alertmanager that clew lacks: whoever they tell would be told nothing.
constexpr std::string_view kLackingKinds[] = {
    "victorops_configs", "wechat_configs", "pushover_configs",   "sns_configs",        "webex_configs",
    "discord_configs",   "jira_configs",   "rocketchat_configs", "incidentio_configs", "mattermost_configs"};

constexpr Key kGlobalKeys[] = {{"smtp_from", Use::kPlain},
                               {"smtp_hello", Use::kPlain},
                               {"smtp_smarthost", Use::kPlain},
                               {"smtp_auth_username", Use::kPlain},
                               {"smtp_auth_password", Use::kSecret},
                               {"smtp_auth_password_file", Use::kSecretFile},
                               {"smtp_auth_identity", Use::kPlain},
                               {"slack_api_url", Use::kSecret},
                               {"slack_api_url_file", Use::kSecretFile},
                               {"slack_app_token", Use::kSecret},
                               {"slack_app_token_file", Use::kSecretFile},
                               {"slack_app_url", Use::kPlain},
                               {"pagerduty_url", Use::kPlain},
                               {"opsgenie_api_url", Use::kPlain},
                               {"opsgenie_api_key", Use::kSecret},
                               {"opsgenie_api_key_file", Use::kSecretFile},
                               {"telegram_api_url", Use::kPlain},
                               {"telegram_bot_token", Use::kSecret},
                               {"telegram_bot_token_file", Use::kSecretFile}};
constexpr std::string_view kGlobalUnused[] = {"victorops_api_key", "victorops_api_key_file", "victorops_api_url",
                                              "wechat_api_url",    "wechat_api_secret",      "wechat_api_corp_id",
                                              "webex_api_url",     "smtp_tls_config",        "jira_api_url"};

// --- http_config -----------------------------------------------------------------------------------------------------

Secret secret_of(yaml::Fields& from, const std::string& key) {
  return {.value = from.text_or_empty(key), .file = from.text_or_empty(key + "_file")};
}

void read_tls(const yaml::Tree& tree, HttpOptions& to, yaml::Mistakes& mistakes) {
  yaml::Fields from("tls_config", tree, mistakes);
  to.ca_file = from.text_or_empty("ca_file");
  to.cert_file = from.text_or_empty("cert_file");
  to.key_file = from.text_or_empty("key_file");
  if (from.yes("insecure_skip_verify", false)) {
    from.blame("insecure_skip_verify", "is not served: name the certificate's signer as ca_file");
  }
  if (!from.text_or_empty("server_name").empty()) from.blame("server_name", "is not served");
  from.text_or_empty("min_version");
  from.finish();
}

void read_http(const yaml::Tree& tree, HttpOptions& to, yaml::Mistakes& mistakes) {
  yaml::Fields from("http_config", tree, mistakes);
  if (const yaml::Tree* basic = from.map("basic_auth")) {
    yaml::Fields auth("basic_auth", *basic, mistakes);
    to.username = auth.text_or_empty("username");
    to.password = secret_of(auth, "password");
    auth.finish();
  }
  if (const yaml::Tree* own = from.map("authorization")) {
    yaml::Fields auth("authorization", *own, mistakes);
    to.authorization_type = auth.text_or_empty("type");
    if (to.authorization_type.empty()) to.authorization_type = "Bearer";
    to.credentials = secret_of(auth, "credentials");
    auth.finish();
  }
  Secret bearer = secret_of(from, "bearer_token");
  if (!bearer.empty()) {
    to.authorization_type = "Bearer";
    to.credentials = bearer;
  }
  if (const yaml::Tree* tls = from.map("tls_config")) read_tls(*tls, to, mistakes);
  from.yes("follow_redirects", false);  // a notification that is redirected fails, and is told so
  from.yes("enable_http2", true);
  for (const char* key : {"proxy_url", "no_proxy", "oauth2", "proxy_connect_header"}) {
    if (from.any(key) != nullptr) from.blame(key, "is not served");
  }
  from.yes("proxy_from_environment", false);
  from.finish();
}

// --- channels --------------------------------------------------------------------------------------------------------

class ChannelReader {
 public:
  ChannelReader(const Global& global, Templates templates, yaml::Mistakes& mistakes)
      : global_(global), templates_(templates), mistakes_(mistakes) {}

  Channel read(const Kind& kind, const yaml::Tree& tree, uint32_t index) {
    Channel channel;
    channel.kind = kind.kind;
    channel.index = index;
    channel.line = tree.line;
    channel.http = global_.http;
    yaml::Fields from(std::string(kind.list), tree, mistakes_);
    channel.send_resolved = from.yes("send_resolved", kind.send_resolved);
    for (const Key& key : kind.keys) read_key(from, key, channel);
    if (kind.kind != ChannelKind::kEmail) {
      if (const yaml::Tree* http = from.map("http_config")) {
        channel.http = {};
        read_http(*http, channel.http, mistakes_);
      }
    }
    from.finish();
    take_global(from, channel);
    return channel;
  }

 private:
  void check_template(yaml::Fields& from, std::string_view key, const std::string& text) {
    if (templates_ == Templates::kServed || text.find("{{") == std::string::npos) return;
    from.blame(key, "templates are not served yet: leave it out for Alertmanager's own text, or write plain text");
  }

  void check_tree(const yaml::Tree& tree) {
    if (tree.is_text() && templates_ == Templates::kNotServed && tree.text.find("{{") != std::string::npos) {
      mistakes_.push_back({tree.line, "templates are not served yet: write plain text"});
    }
    for (const yaml::Tree& item : tree.items) check_tree(item);
    for (const auto& [name, value] : tree.members) check_tree(value);
  }

  void read_key(yaml::Fields& from, const Key& key, Channel& to) {
    std::string name(key.name);
    switch (key.use) {
      case Use::kText:
      case Use::kPlain:
        if (const yaml::Tree* text = from.text(name)) {
          if (key.use == Use::kText) check_template(from, name, text->text);
          to.texts[name] = text->text;
        }
        break;
      case Use::kSecret:
        if (const yaml::Tree* text = from.text(name)) to.secrets[name].value = text->text;
        break;
      case Use::kSecretFile:
        if (const yaml::Tree* text = from.text(name)) to.secrets[name.substr(0, name.size() - 5)].file = text->text;
        break;
      case Use::kTexts: {
        auto pairs = from.texts(name);
        for (const auto& [one, text] : pairs) check_template(from, name, text);
        if (!pairs.empty()) to.maps[name] = std::move(pairs);
        break;
      }
      case Use::kFlag:
        if (from.any(name) != nullptr) to.flags[name] = from.yes(name, false);
        break;
      case Use::kCount: read_count(from, name, to); break;
      case Use::kTree: read_tree(from, name, to); break;
      case Use::kLacking:
        if (from.any(name) != nullptr) from.blame(name, "is not served" + hint_of(name));
        break;
    }
  }

  static std::string hint_of(const std::string& name) {
    if (name.starts_with("service_key")) return ": use routing_key, PagerDuty's Events API v2";
    return "";
  }

  void read_count(yaml::Fields& from, const std::string& name, Channel& to) {
    const yaml::Tree* text = from.text(name);
    if (text == nullptr) return;
    bool digits = !text->text.empty() && text->text.size() < 10 &&
                  std::all_of(text->text.begin(), text->text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return from.blame(name, clew::quoted(text->text) + ": expected a number");
    to.counts[name] = std::stoull(text->text);
  }

  void read_tree(yaml::Fields& from, const std::string& name, Channel& to) {
    const yaml::Tree* tree = from.any(name);
    if (tree == nullptr) return;
    if (name == "tls_config") return read_tls(*tree, to.http, mistakes_);
    if (!tree->is_list()) return from.blame(name, "expected a list");
    check_tree(*tree);
    to.trees[name] = *tree;
  }

  void text_of_global(Channel& channel, const char* key, const char* global_key, const char* otherwise) {
    if (channel.texts.count(key) > 0) return;
    auto found = global_.texts.find(global_key);
    std::string text = found != global_.texts.end() ? found->second : otherwise;
    if (!text.empty()) channel.texts[key] = std::move(text);
  }
  void secret_of_global(Channel& channel, const char* key, const char* global_key) {
    if (channel.secrets.count(key) > 0) return;
    auto found = global_.secrets.find(global_key);
    if (found != global_.secrets.end()) channel.secrets[key] = found->second;
  }
  void need(yaml::Fields& from, bool there, const std::string& what) {
    if (!there) from.blame(from.line(), "lacks " + what);
  }

  void take_global(yaml::Fields& from, Channel& c) {
    auto has = [&c](const char* key) { return c.secrets.count(key) > 0 && !c.secrets[key].empty(); };
    switch (c.kind) {
      case ChannelKind::kWebhook: return need(from, has("url"), "url");
      case ChannelKind::kPagerDuty:
        text_of_global(c, "url", "pagerduty_url", "https://events.pagerduty.com/v2/enqueue");
        return need(from, has("routing_key"), "routing_key");
      case ChannelKind::kSlack:
        secret_of_global(c, "api_url", "slack_api_url");
        secret_of_global(c, "app_token", "slack_app_token");
        text_of_global(c, "app_url", "slack_app_url", "https://slack.com/api/chat.postMessage");
        need(from, !has("app_token") || !c.text("channel").empty(), "channel");
        return need(from, has("api_url") || has("app_token"), "api_url (or global.slack_api_url), or app_token");
      case ChannelKind::kEmail:
        text_of_global(c, "from", "smtp_from", "");
        text_of_global(c, "smarthost", "smtp_smarthost", "");
        text_of_global(c, "hello", "smtp_hello", "localhost");
        text_of_global(c, "auth_username", "smtp_auth_username", "");
        secret_of_global(c, "auth_password", "smtp_auth_password");
        if (c.flags.count("require_tls") == 0) c.flags["require_tls"] = global_.smtp_require_tls;
        need(from, !c.text("to").empty(), "to");
        need(from, !c.text("from").empty(), "from (or global.smtp_from)");
        return need(from, !c.text("smarthost").empty(), "smarthost (or global.smtp_smarthost)");
      case ChannelKind::kTeams:
      case ChannelKind::kTeamsV2: return need(from, has("webhook_url"), "webhook_url");
      case ChannelKind::kTelegram:
        text_of_global(c, "api_url", "telegram_api_url", "https://api.telegram.org");
        secret_of_global(c, "bot_token", "telegram_bot_token");
        need(from, has("bot_token"), "bot_token");
        return need(from, !c.text("chat_id").empty(), "chat_id");
      case ChannelKind::kOpsgenie:
        text_of_global(c, "api_url", "opsgenie_api_url", "https://api.opsgenie.com/");
        secret_of_global(c, "api_key", "opsgenie_api_key");
        return need(from, has("api_key"), "api_key (or global.opsgenie_api_key)");
    }
  }

  const Global& global_;
  const Templates templates_;
  yaml::Mistakes& mistakes_;
};

}  // namespace

std::string_view channel_name(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kWebhook: return "webhook";
    case ChannelKind::kPagerDuty: return "pagerduty";
    case ChannelKind::kSlack: return "slack";
    case ChannelKind::kEmail: return "email";
    case ChannelKind::kTeams: return "msteams";
    case ChannelKind::kTeamsV2: return "msteamsv2";
    case ChannelKind::kTelegram: return "telegram";
    case ChannelKind::kOpsgenie: return "opsgenie";
  }
  return "";
}

std::string Channel::text(const std::string& key) const {
  auto found = texts.find(key);
  return found == texts.end() ? std::string() : found->second;
}

bool Channel::flag(const std::string& key, bool otherwise) const {
  auto found = flags.find(key);
  return found == flags.end() ? otherwise : found->second;
}

uint64_t Channel::count(const std::string& key) const {
  auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

Global read_global(const yaml::Tree& tree, yaml::Mistakes& notes, yaml::Mistakes& mistakes) {
  Global out;
  yaml::Fields from("global", tree, mistakes);
  if (const yaml::Tree* text = from.text("resolve_timeout")) {
    Result<uint64_t> value = parse_duration_ns(text->text);
    if (!value.ok())
      from.blame("resolve_timeout", value.error().message());
    else
      out.resolve_timeout_ns = *value;
  }
  if (const yaml::Tree* http = from.map("http_config")) read_http(*http, out.http, mistakes);
  out.smtp_require_tls = from.yes("smtp_require_tls", true);
  for (const Key& key : kGlobalKeys) {
    std::string name(key.name);
    const yaml::Tree* text = from.text(name);
    if (text == nullptr) continue;
    if (key.use == Use::kPlain) out.texts[name] = text->text;
    if (key.use == Use::kSecret) out.secrets[name].value = text->text;
    if (key.use == Use::kSecretFile) out.secrets[name.substr(0, name.size() - 5)].file = text->text;
  }
  if (from.any("smtp_auth_secret") != nullptr) from.blame("smtp_auth_secret", "is not served: use smtp_auth_password");
  for (std::string_view name : kGlobalUnused) {
    if (from.any(name) != nullptr)
      notes.push_back({from.line_of(name), "global: " + std::string(name) + " has no effect"});
  }
  from.finish();
  return out;
}

Receiver read_receiver(const yaml::Tree& tree, const Global& global, Templates templates, yaml::Mistakes&,
                       yaml::Mistakes& mistakes) {
  Receiver out;
  yaml::Fields from("receiver", tree, mistakes);
  out.name = from.text_or_empty("name");
  ChannelReader reader(global, templates, mistakes);
  for (const Kind& kind : kKinds) {
    const yaml::Tree* list = from.list(kind.list);
    if (list == nullptr) continue;
    uint32_t index = 0;
    for (const yaml::Tree& item : list->items) out.channels.push_back(reader.read(kind, item, index++));
  }
  for (std::string_view name : kLackingKinds) {
    if (from.any(name) == nullptr) continue;
    from.blame(name, std::string(name) + " is not served, and receiver " + clew::quoted(out.name) +
                         " would tell nobody by it: use webhook_configs or another of clew's receivers");
  }
  from.finish();
  return out;
}

// --- the file without its secrets ------------------------------------------------------------------------------------

namespace {

bool is_secret_key(std::string_view key, std::string_view list) {
  static constexpr std::string_view kEverywhere[] = {"password",    "credentials",      "bearer_token", "client_secret",
                                                     "auth_secret", "smtp_auth_secret", "service_key"};
  if (std::find(std::begin(kEverywhere), std::end(kEverywhere), key) != std::end(kEverywhere)) return true;
  auto among = [key](std::span<const Key> keys) {
    return std::any_of(keys.begin(), keys.end(),
                       [key](const Key& k) { return k.name == key && k.use == Use::kSecret; });
  };
  if (among(kGlobalKeys)) return true;
  return std::any_of(std::begin(kKinds), std::end(kKinds),
                     [&](const Kind& k) { return k.list == list && among(k.keys); });
}

// Of a URL the server stays, so that one sees what is meant and the file can be read again.
std::string hidden(std::string_view key, std::string_view value) {
  size_t scheme = value.find("://");
  if (!key.ends_with("url") || scheme == std::string_view::npos) return "<secret>";
  size_t end = value.find_first_of("/?#", scheme + 3);
  std::string_view host = value.substr(scheme + 3, end == std::string_view::npos ? end : end - scheme - 3);
  size_t user = host.rfind('@');
  if (user != std::string_view::npos) host.remove_prefix(user + 1);
  return go_quoted(std::string(value.substr(0, scheme + 3)) + std::string(host) + "/<secret>");
}

bool is_plain_yaml(std::string_view text) {
  if (text.empty()) return false;
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '/' || c == '.';
  };
  return std::all_of(text.begin(), text.end(), good) && text.front() != '-' && text.front() != '.';
}

void emit(const yaml::Tree& tree, std::string_view list, size_t indent, std::string& out) {
  std::string blanks(indent, ' ');
  if (tree.is_map()) {
    if (tree.members.empty()) out += " {}";
    for (const auto& [key, value] : tree.members) {
      if (!out.empty() && out.back() != '\n' && !out.ends_with("- ")) out += '\n';
      if (!out.ends_with("- ")) out += blanks;
      out += (is_plain_yaml(key.text) ? key.text : go_quoted(key.text)) + ":";
      bool secret = value.is_text() && is_secret_key(key.text, list);
      if (secret)
        out += " " + hidden(key.text, value.text) + "\n";
      else
        emit(value, value.is_list() ? std::string_view(key.text) : list, indent + 2, out);
    }
  } else if (tree.is_list()) {
    if (tree.items.empty()) out += " []\n";
    for (const yaml::Tree& item : tree.items) {
      if (!out.empty() && out.back() != '\n') out += '\n';
      out += blanks.substr(0, indent - std::min<size_t>(indent, 2)) + "- ";
      if (item.is_text())
        out += (is_plain_yaml(item.text) && !item.quoted ? item.text : go_quoted(item.text)) + "\n";
      else
        emit(item, list, indent, out);
    }
  } else if (tree.is_text()) {
    out += " " + (is_plain_yaml(tree.text) && !tree.quoted ? tree.text : go_quoted(tree.text)) + "\n";
  } else {
    out += " null\n";
  }
  if (!out.ends_with('\n')) out += '\n';
}

}  // namespace

std::string masked_yaml(const yaml::Tree& root) {
  std::string out;
  emit(root, "", 0, out);
  return out;
}

}  // namespace clew::notify
