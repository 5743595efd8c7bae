#include "pipeline/user_agent.h"

#include <algorithm>
#include <array>

namespace clew::pipeline {
namespace {

struct Product {
  std::string_view token;  // in the text, before its version
  std::string_view name;
};

// In this order: what builds on another browser names that one, too.
constexpr Product kBots[] = {
    {"Googlebot-Image/", "Googlebot-Image"},
    {"Googlebot/", "Googlebot"},
    {"bingbot/", "bingbot"},
    {"YandexBot/", "YandexBot"},
    {"Baiduspider/", "Baiduspider"},
    {"DuckDuckBot/", "DuckDuckBot"},
    {"AhrefsBot/", "AhrefsBot"},
    {"SemrushBot/", "SemrushBot"},
    {"MJ12bot/", "MJ12bot"},
    {"facebookexternalhit/", "FacebookBot"},
    {"Twitterbot/", "Twitterbot"},
    {"Applebot/", "Applebot"},
    {"Slackbot", "Slackbot"},
    {"msnbot/", "msnbot"},
    {"UptimeRobot/", "UptimeRobot"},
    {"GPTBot/", "GPTBot"},
};
constexpr Product kBrowsers[] = {
    {"Edg/", "Edge"},
    {"EdgA/", "Edge Mobile"},
    {"Edge/", "Edge"},
    {"OPR/", "Opera"},
    {"SamsungBrowser/", "Samsung Internet"},
    {"YaBrowser/", "Yandex Browser"},
    {"Vivaldi/", "Vivaldi"},
    {"UCBrowser/", "UC Browser"},
    {"CriOS/", "Chrome Mobile iOS"},
    {"FxiOS/", "Firefox iOS"},
    {"HeadlessChrome/", "HeadlessChrome"},
    {"Chromium/", "Chromium"},
    {"Firefox/", "Firefox"},
    {"Chrome/", "Chrome"},
    {"MSIE ", "IE"},
};
constexpr Product kPrograms[] = {
    {"curl/", "curl"},
    {"Wget/", "Wget"},
    {"python-requests/", "Python Requests"},
    {"Python-urllib/", "Python-urllib"},
    {"aiohttp/", "Python aiohttp"},
    {"Go-http-client/", "Go-http-client"},
    {"okhttp/", "okhttp"},
    {"Apache-HttpClient/", "Apache-HttpClient"},
    {"Java/", "Java"},
    {"PostmanRuntime/", "PostmanRuntime"},
    {"axios/", "axios"},
    {"node-fetch/", "node-fetch"},
    {"kube-probe/", "kube-probe"},
    {"Prometheus/", "Prometheus"},
    {"ELB-HealthChecker/", "ELB-HealthChecker"},
    {"GoogleHC/", "GoogleHC"},
    {"git/", "git"},
    {"UniversalFeedParser/", "UniversalFeedParser"},
};

bool is_version(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '_'; }

std::string_view version_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_version(text[end])) ++end;
  return text.substr(at, end - at);
}

template <size_t N>
bool find_product(std::string_view text, const Product (&products)[N], UserAgent& out) {
  for (const Product& product : products) {
    size_t at = text.find(product.token);
    if (at == std::string_view::npos) continue;
    out.name = product.name;
    out.version = version_at(text, at + product.token.size());
    return true;
  }
  return false;
}

// Whatever calls itself a bot: the word up to its slash.
bool find_other_bot(std::string_view text, UserAgent& out) {
  for (std::string_view mark : {"bot", "Bot", "spider", "Spider", "crawler", "Crawler"}) {
    size_t at = text.find(mark);
    if (at == std::string_view::npos) continue;
    size_t begin = text.find_last_of(" (;", at);
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    size_t end = std::min(text.find_first_of("/ ;),", at), text.size());
    out.name = text.substr(begin, end - begin);
    if (end < text.size() && text[end] == '/') out.version = version_at(text, end + 1);
    return true;
  }
  return false;
}

std::string dotted_version(std::string_view version) {
  std::string out(version);
  std::replace(out.begin(), out.end(), '_', '.');
  while (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

std::string_view windows_version(std::string_view nt) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kVersions = {
      {{"10.0", "10"}, {"6.3", "8.1"}, {"6.2", "8"}, {"6.1", "7"}, {"6.0", "Vista"}, {"5.1", "XP"}, {"5.2", "XP"}}};
  for (const auto& [number, name] : kVersions) {
    if (number == nt) return name;
  }
  return nt;
}

void find_system(std::string_view text, UserAgent& out) {
  auto after = [&](std::string_view token) {
    size_t at = text.find(token);
    return at == std::string_view::npos ? std::string_view() : version_at(text, at + token.size());
  };
  auto has = [&](std::string_view token) { return text.find(token) != std::string_view::npos; };
  if (has("Windows NT ")) {
    out.os_name = "Windows";
    out.os_version = std::string(windows_version(after("Windows NT ")));
  } else if (has("Windows")) {
    out.os_name = "Windows";
  } else if (has("iPhone") || has("iPad") || has("iPod")) {
    out.os_name = "iOS";
    out.os_version = dotted_version(has("iPhone OS ") ? after("iPhone OS ") : after("CPU OS "));
    out.device = has("iPhone") ? "iPhone" : has("iPad") ? "iPad" : "iPod";
  } else if (has("Mac OS X") || has("Macintosh")) {
    out.os_name = "Mac OS X";
    out.os_version = dotted_version(after("Mac OS X "));
    out.device = "Mac";
  } else if (has("Android")) {
    out.os_name = "Android";
    out.os_version = dotted_version(after("Android "));
    size_t build = text.find(" Build/");
    size_t begin = build == std::string_view::npos ? build : text.rfind(';', build);
    if (begin != std::string_view::npos) out.device = text.substr(begin + 2, build - begin - 2);
  } else if (has("CrOS")) {
    out.os_name = "Chrome OS";
  } else if (has("Ubuntu")) {
    out.os_name = "Ubuntu";
    out.os_version = dotted_version(after("Ubuntu/"));
  } else if (has("Linux") || has("X11")) {
    out.os_name = has("FreeBSD") ? "FreeBSD" : "Linux";
  }
}

}  // namespace

UserAgent parse_user_agent(std::string_view text) {
  UserAgent out;
  bool bot = find_product(text, kBots, out) || find_other_bot(text, out);
  if (!bot && !find_product(text, kPrograms, out) && !find_product(text, kBrowsers, out)) {
    if (size_t at = text.find("Trident/"); at != std::string_view::npos) {
      out.name = "IE";
      size_t version = text.find("rv:");
      if (version != std::string_view::npos) out.version = version_at(text, version + 3);
    } else if (size_t safari = text.find("Version/");
               safari != std::string_view::npos && text.find("Safari/") != std::string_view::npos) {
      out.name = text.find("Mobile/") != std::string_view::npos ? "Mobile Safari" : "Safari";
      out.version = version_at(text, safari + 8);
    } else if (size_t opera = text.find("Opera/"); opera != std::string_view::npos) {
      out.name = "Opera";
      out.version = version_at(text, opera + 6);
    } else {
      out.name = "Other";
    }
  }
  if (out.name == "Chrome" && text.find("Mobile") != std::string_view::npos) out.name = "Chrome Mobile";
  find_system(text, out);
  if (bot) out.device = "Spider";
  return out;
}

}  // namespace clew::pipeline
