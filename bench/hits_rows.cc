#include "hits_rows.h"

#include <array>

namespace clew::bench {
namespace {

constexpr uint64_t kCounters = 6'500;
constexpr int64_t kFirstCounter = 60;  // numbers follow rank: 60 has most rows
constexpr uint64_t kRegions = 9'000;
constexpr std::array<std::string_view, 24> kPhones = {
    "iPhone",   "iPad",   "Galaxy S4", "Lumia 520",  "Nexus 4",  "Nexus 7", "Xperia Z", "HTC One",
    "GT-I9100", "Desire", "Optimus G", "Lumia 920",  "GT-N7100", "IQ442",   "Padfone",  "Ascend P6",
    "A1-810",   "Xoom",   "Razr",      "Curve 9320", "Z10",      "E5",      "N9",       "Asha 311"};
constexpr std::array<int64_t, 10> kWidths = {1366, 1920, 1280, 1024, 1600, 1440, 1680, 768, 320, 2560};
constexpr std::array<int64_t, 10> kHeights = {768, 1080, 1024, 768, 900, 900, 1050, 1024, 480, 1440};

// The page's address; pages of one site share its host.
void append_url(uint64_t site, uint64_t page, std::string& out) {
  uint64_t m = mixed(site * 1'000'003 + page);
  if (m % 6'007 == 0) {
    out += "http://www.google.ru/search?q=";
    append_made_up_name(out, m >> 20);
    return;
  }
  out += (m & 7) == 0 ? "https://" : "http://";
  if (site % 3 == 0) out += "www.";
  append_made_up_name(out, mixed(site));
  out += site % 2 == 0 ? ".ru/" : ".com/";
  append_made_up_name(out, m >> 8);
  out.push_back('/');
  append_made_up_name(out, m >> 24);
  if ((m & 0x30) != 0) {
    out += "?id=";
    append_number(out, static_cast<int64_t>(page));
    out += "&from=";
    append_made_up_name(out, m >> 40);
  }
}

void append_title(uint64_t site, uint64_t page, std::string& out) {
  uint64_t m = mixed(site * 1'000'003 + page * 3 + 1);
  if (m % 1'009 == 0) out += "Google ";
  for (uint64_t words = 3 + m % 6; words > 0; --words) {
    append_made_up_name(out, m >> (words * 7));
    out.push_back(' ');
  }
  out += "- ";
  append_made_up_name(out, mixed(site));
}

int64_t hash_of(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325ull;
  for (char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return static_cast<int64_t>(mixed(h) >> 1);
}

}  // namespace

void HitsRows::append_visitor(uint64_t user, std::string& out) {
  uint64_t m = mixed(user);
  append_field(out, "UserID", static_cast<int64_t>(m >> 1));
  append_field(out, "ClientIP", static_cast<int64_t>(mixed(user / 2) >> 33));
  double region = static_cast<double>(m & 0xffff) / 65536;
  append_field(out, "RegionID", static_cast<int64_t>(region * region * region * kRegions));
  bool phone = (m >> 16) % 18 == 0;
  size_t screen = (m >> 24) % 10;
  append_field(out, "OS", static_cast<int64_t>((m >> 32) % 60));
  append_field(out, "UserAgent", static_cast<int64_t>((m >> 40) % 80));
  append_field(out, "Age", static_cast<int64_t>((m >> 44) % 50));
  append_field(out, "Sex", static_cast<int64_t>((m >> 50) % 3));
  append_field(out, "Income", static_cast<int64_t>((m >> 52) % 5));
  append_field(out, "MobilePhone", phone ? static_cast<int64_t>(1 + (m >> 20) % 12) : 0);
  append_field(out, "MobilePhoneModel", phone ? kPhones[(m >> 26) % kPhones.size()] : std::string_view());
  append_field(out, "ResolutionWidth", kWidths[screen]);
  append_field(out, "ResolutionHeight", kHeights[screen]);
  append_field(out, "WindowClientWidth", kWidths[screen] - static_cast<int64_t>(dice_.below(60)));
  append_field(out, "WindowClientHeight", kHeights[screen] - 90 - static_cast<int64_t>(dice_.below(120)));
  append_field(out, "FlashMajor", static_cast<int64_t>((m >> 56) % 12));
  append_field(out, "JavaEnable", static_cast<int64_t>((m >> 60) & 1));
}

void HitsRows::append_search(std::string& out) {
  bool search = dice_.chance(0.13);
  append_field(out, "SearchEngineID", search ? static_cast<int64_t>(2 + dice_.skewed(30)) : 0);
  append_name(out, "SearchPhrase");
  out.push_back('"');
  if (search) {
    uint64_t m = mixed(dice_.skewed(span_.rows / 8 + 1) + 99);
    append_made_up_name(out, m);
    for (uint64_t words = 1 + m % 4; words > 0; --words) {
      out.push_back(' ');
      append_made_up_name(out, m >> (words * 11));
    }
  }
  out.push_back('"');
  append_field(out, "AdvEngineID", dice_.chance(0.006) ? static_cast<int64_t>(1 + dice_.skewed(60)) : 0);
  append_field(out, "TraficSourceID", static_cast<int64_t>(dice_.skewed(11)) - 1);
}

void HitsRows::append(std::string& out) {
  int64_t second =
      span_.start_unix_seconds + static_cast<int64_t>(static_cast<double>(count_++) / static_cast<double>(span_.rows) *
                                                      static_cast<double>(span_.seconds));
  std::string_view time = time_.iso(second);
  uint64_t site = dice_.skewed(kCounters);
  uint64_t page = dice_.skewed(span_.rows / 25000 + 20);
  out += "{\"@timestamp\":\"";
  out += time;
  out += "Z\"";
  append_field(out, "EventDate", time.substr(0, 10));
  append_field(out, "WatchID", static_cast<int64_t>(dice_.next() >> 1));
  append_field(out, "CounterID", kFirstCounter + static_cast<int64_t>(site));
  url_.clear();
  append_url(site, page, url_);
  append_field(out, "URL", url_);
  append_field(out, "URLHash", hash_of(url_));
  append_name(out, "Title");
  out.push_back('"');
  append_title(site, page, out);
  out.push_back('"');
  url_.clear();
  if (dice_.chance(0.81)) append_url(dice_.skewed(kCounters), dice_.skewed(span_.rows / 25000 + 20), url_);
  append_field(out, "Referer", url_);
  append_field(out, "RefererHash", hash_of(url_));
  append_visitor(dice_.skewed(span_.rows / 2 + 10), out);
  append_search(out);
  append_field(out, "URLCategoryID", static_cast<int64_t>(site % 700));
  append_field(out, "IsRefresh", dice_.chance(0.14) ? 1 : 0);
  append_field(out, "IsLink", dice_.chance(0.04) ? 1 : 0);
  append_field(out, "IsDownload", dice_.chance(0.01) ? 1 : 0);
  append_field(out, "IsNotBounce", dice_.chance(0.7) ? 1 : 0);
  append_field(out, "IsArtifical", dice_.chance(0.02) ? 1 : 0);
  append_field(out, "DontCountHits", dice_.chance(0.1) ? 1 : 0);
  append_field(out, "GoodEvent", 1);
  out += "}\n";
}

}  // namespace clew::bench
