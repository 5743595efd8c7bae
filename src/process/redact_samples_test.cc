// Recall: of each kind of secret a thousand made up by seed, in the places where logs carry them; 99 % must be gone.
// And false alarms: lines of real logs without secrets stay as they are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "process/redact.h"

namespace clew::process {
namespace {

// SplitMix64.
class SampleRandom {
 public:
  explicit SampleRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  // `n` characters of `alphabet`.
  std::string of(std::string_view alphabet, size_t n) {
    std::string out(n, '\0');
    for (char& c : out) c = alphabet[below(alphabet.size())];
    return out;
  }
  template <size_t N>
  std::string pick(const std::string_view (&from)[N]) {
    return std::string(from[below(N)]);
  }

 private:
  uint64_t state_;
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kAlnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kUpperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kPasswordChars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^*_+-./?~";

std::string base64(std::string_view bytes) {
  constexpr std::string_view kChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    for (size_t j = 0; j < 3; ++j) v = v << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j > bytes.size() ? '=' : kChars[v >> (18 - 6 * j) & 63];
  }
  return out;
}

std::string base64url(std::string_view bytes) {
  std::string out = base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::string sample_card(SampleRandom& random) {
  constexpr std::string_view kBegins[] = {"4",  "51",   "55", "2221", "2720", "34",
                                          "37", "6011", "65", "3530", "36",   "62"};
  std::string digits = random.pick(kBegins);
  size_t length = digits == "34" || digits == "37" ? 15 : digits == "36" ? 14 : 16;
  while (digits.size() + 1 < length) digits += kDigits[random.below(10)];
  int sum = 0;
  bool twice = true;
  for (size_t i = digits.size(); i-- > 0; twice = !twice) {
    int v = digits[i] - '0';
    sum += twice ? (v > 4 ? 2 * v - 9 : 2 * v) : v;
  }
  digits += static_cast<char>('0' + (10 - sum % 10) % 10);
  size_t form = random.below(3);
  if (form == 0) return digits;
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    bool gap = length == 16 ? i % 4 == 0 : i == 4 || i == 10;
    if (gap && i > 0) out += form == 1 ? ' ' : '-';
    out += digits[i];
  }
  return out;
}

// A secret of one kind by itself.
struct Form {
  std::string_view rule;  // as counted
  std::function<std::string(SampleRandom&)> make;
};

std::string jwt(SampleRandom& r) {
  std::string subject = r.of(kAlnum, 4 + r.below(20));
  return base64url("{\"alg\":\"HS256\",\"typ\":\"JWT\"}") + "." +
         base64url("{\"sub\":\"" + subject + "\",\"iat\":1516239022}") + "." + r.of(kBase64Url, 43);
}
std::string hash(SampleRandom& r) {
  switch (r.below(3)) {
    case 0: return "$2b$1" + r.of(kDigits, 1) + "$" + r.of(kAlnum, 53);
    case 1: return "$6$" + r.of(kAlnum, 16) + "$" + r.of(kAlnum, 86);
    default: return "$argon2id$v=19$m=65536,t=3,p=4$" + r.of(kAlnum, 22) + "$" + r.of(kAlnum, 43);
  }
}

const std::vector<Form>& forms() {
  using R = SampleRandom;
  static const std::vector<Form> kForms = {
      {"jwt", jwt},
      {"aws_access_key", [](R& r) { return (r.below(2) ? "AKIA" : "ASIA") + r.of(kBase32, 16); }},
      {"google_api_key", [](R& r) { return "AIza" + r.of(kBase64Url, 35); }},
      {"google_oauth",
       [](R& r) { return r.below(2) ? "ya29." + r.of(kBase64Url, 60) : "GOCSPX-" + r.of(kBase64Url, 28); }},
      {"github_token",
       [](R& r) {
         return r.below(2) ? "ghp_" + r.of(kAlnum, 36) : "github_pat_" + r.of(kAlnum, 22) + "_" + r.of(kAlnum, 59);
       }},
      {"gitlab_token", [](R& r) { return "glpat-" + r.of(kBase64Url, 20); }},
      {"slack_token",
       [](R& r) { return "xoxb-" + r.of(kDigits, 12) + "-" + r.of(kDigits, 12) + "-" + r.of(kAlnum, 24); }},
      {"telegram_token", [](R& r) { return r.of("123456789", 10) + ":AA" + r.of(kBase64Url, 33); }},
      {"stripe_key",
       [](R& r) {
         return (r.below(2) ? "sk_"
                              "live_"
                            : "rk_"
                              "test_") +
                r.of(kAlnum, 24);
       }},
      {"square_token", [](R& r) { return "sq0atp-" + r.of(kBase64Url, 22); }},
      {"shopify_token", [](R& r) { return "shpat_" + r.of(kHexDigits, 32); }},
      {"sendgrid_key", [](R& r) { return "SG." + r.of(kBase64Url, 22) + "." + r.of(kBase64Url, 43); }},
      {"mailgun_key", [](R& r) { return "key-" + r.of(kHexDigits, 32); }},
      {"twilio_key", [](R& r) { return "SK" + r.of(kHexDigits, 32); }},
      {"npm_token", [](R& r) { return "npm_" + r.of(kAlnum, 36); }},
      {"pypi_token", [](R& r) { return "pypi-AgEIcHlwaS5vcmc" + r.of(kBase64Url, 120); }},
      {"rubygems_key", [](R& r) { return "rubygems_" + r.of(kHexDigits, 48); }},
      {"docker_token", [](R& r) { return "dckr_pat_" + r.of(kBase64Url, 27); }},
      {"digitalocean_token", [](R& r) { return "dop_v1_" + r.of(kHexDigits, 64); }},
      {"openai_key", [](R& r) { return r.below(2) ? "sk-" + r.of(kAlnum, 48) : "sk-proj-" + r.of(kBase64Url, 80); }},
      {"anthropic_key", [](R& r) { return "sk-ant-api03-" + r.of(kBase64Url, 93) + "AA"; }},
      {"huggingface_token", [](R& r) { return "hf_" + r.of(kLetters, 34); }},
      {"databricks_token", [](R& r) { return "dapi" + r.of(kHexDigits, 32); }},
      {"vault_token", [](R& r) { return "hvs." + r.of(kBase64Url, 90); }},
      {"terraform_token", [](R& r) { return r.of(kAlnum, 14) + ".atlasv1." + r.of(kAlnum, 67); }},
      {"grafana_token", [](R& r) { return "glsa_" + r.of(kAlnum, 32) + "_" + r.of(kHexDigits, 8); }},
      {"newrelic_key", [](R& r) { return "NRAK-" + r.of(kUpperDigits, 27); }},
      {"dynatrace_token", [](R& r) { return "dt0c01." + r.of(kBase32, 24) + "." + r.of(kBase32, 64); }},
      {"atlassian_token", [](R& r) { return "ATATT3" + r.of(kBase64Url, 180) + "=" + r.of(kUpperDigits, 8); }},
      {"linear_key", [](R& r) { return "lin_api_" + r.of(kAlnum, 40); }},
      {"postman_key", [](R& r) { return "PMAK-" + r.of(kHexDigits, 24) + "-" + r.of(kHexDigits, 34); }},
      {"pulumi_token", [](R& r) { return "pul-" + r.of(kHexDigits, 40); }},
      {"doppler_token", [](R& r) { return "dp.pt." + r.of(kAlnum, 43); }},
      {"planetscale_token", [](R& r) { return "pscale_tkn_" + r.of(kBase64Url, 43); }},
      {"age_key", [](R& r) { return "AGE-SECRET-KEY-1" + r.of(kUpperDigits, 58); }},
      {"azure_client_secret", [](R& r) { return r.of(kAlnum, 3) + "8Q~" + r.of(kAlnum, 34); }},
      {"password_hash", hash},
      {"card", sample_card},
  };
  return kForms;
}

// `secret` as logs carry it, however the line is written.
std::string anywhere(const std::string& secret, SampleRandom& r) {
  std::string id = r.of(kDigits, 5);
  switch (r.below(10)) {
    case 0: return secret;
    case 1: return "value=" + secret + " user=" + id;
    case 2: return "{\"id\":" + id + ",\"value\":\"" + secret + "\",\"ok\":true}";
    case 3: return "GET /v1/items?id=" + id + "&v=" + secret + "&page=2 HTTP/1.1";
    case 4: return "X-Custom-Header: " + secret;
    case 5: return "request " + id + " failed\n  config: '" + secret + "'\n  at main.py:" + id;
    case 6: return "config loaded (" + secret + "), " + id + " ms";
    case 7: return "payload \"{\\\"v\\\":\\\"" + secret + "\\\",\\\"n\\\":" + id + "}\"";
    case 8: return "[" + id + "] got " + secret + ", retrying";
    default: return "2026-11-30 12:00:0" + r.of(kDigits, 1) + " INFO <v>" + secret + "</v> done";
  }
}

struct Sample {
  std::string secret;
  std::string text;
};

// `name` and a value as key and value are written.
Sample keyed(const std::string& name, const std::string& value, SampleRandom& r) {
  std::string id = r.of(kDigits, 5);
  auto line = [&]() -> std::string {
    switch (r.below(12)) {
      case 0: return name + "=" + value;
      case 1: return "user=" + id + " " + name + "=" + value + " status=ok";
      case 2: return "{\"id\":" + id + ",\"" + name + "\":\"" + value + "\",\"ok\":true}";
      case 3: return "{'id': " + id + ", '" + name + "': '" + value + "'}";
      case 4: return "body: {\\\"" + name + "\\\":\\\"" + value + "\\\",\\\"id\\\":" + id + "}";
      case 5: return name + ": " + value;
      case 6: return "config\n  user: " + id + "\n  " + name + ": " + value + "\n  host: db";
      case 7: return "started with --" + name + " " + value + " --port " + id;
      case 8: return "started with --" + name + "=" + value + " --port " + id;
      case 9: return "<config><" + name + ">" + value + "</" + name + "><id>" + id + "</id></config>";
      case 10: return "id=" + id + " " + name + "=\"" + value + "\" ok";
      default: return "params: {:" + name + "=>\"" + value + "\", :id=>" + id + "}";
    }
  };
  return {value, line()};
}

// Kinds that tell by the name beside them, or by more than one run of characters.
struct Context {
  std::string_view rule;
  std::function<Sample(SampleRandom&)> make;
};

std::string password(SampleRandom& r) {
  // A letter first and one last, so that no test asks for a quote's or bracket's side of the border.
  return r.of(kAlnum, 1) + r.of(kPasswordChars, 4 + r.below(16)) + r.of(kAlnum, 2) + r.of(kDigits, 1);
}

std::string pem(std::string_view title, SampleRandom& r, std::string& secret) {
  std::string end = r.below(4) == 0 ? "\\n" : "\n";
  std::string out = fmt::format("-----BEGIN {}-----", title) + end;
  for (size_t i = 0; i < 6; ++i) {
    std::string line = r.of(kAlnum, 64);
    if (i == 3) secret = line;
    out += line + end;
  }
  return out + fmt::format("-----END {}-----", title);
}

const std::vector<Context>& contexts() {
  using R = SampleRandom;
  static const std::vector<Context> kContexts = {
      {"password",
       [](R& r) {
         constexpr std::string_view kNames[] = {"password",   "passwd", "db_password", "userPassword",
                                                "PGPASSWORD", "pwd",    "passphrase",  "DB_PASS"};
         return keyed(r.pick(kNames), password(r), r);
       }},
      {"secret",
       [](R& r) {
         constexpr std::string_view kNames[] = {"secret", "client_secret", "clientSecret", "APP_SECRET"};
         return keyed(r.pick(kNames), r.of(kAlnum, 12 + r.below(30)), r);
       }},
      {"api_key",
       [](R& r) {
         constexpr std::string_view kNames[] = {"api_key",    "apikey",          "X-Api-Key",
                                                "AccountKey", "SharedAccessKey", "access_key"};
         return keyed(r.pick(kNames), r.of(kAlnum, 20 + r.below(30)), r);
       }},
      {"token",
       [](R& r) {
         constexpr std::string_view kNames[] = {"token", "access_token", "refreshToken", "X-Auth-Token", "csrf_token"};
         return keyed(r.pick(kNames), r.of(kBase64Url, 24 + r.below(30)) + "7", r);
       }},
      {"encryption_key",
       [](R& r) {
         constexpr std::string_view kNames[] = {"private_key", "encryption_key", "aws_secret_key", "signingKey"};
         return keyed(r.pick(kNames), r.of(kBase64Url, 30 + r.below(12)), r);
       }},
      {"session",
       [](R& r) {
         constexpr std::string_view kNames[] = {"PHPSESSID", "JSESSIONID", "connect.sid"};
         return keyed(r.pick(kNames), r.of(kHexDigits, 26), r);
       }},
      {"signature",
       [](R& r) {
         std::string secret = r.of(kHexDigits, 64);
         constexpr std::string_view kNames[] = {"X-Amz-Signature", "X-Goog-Signature", "sig"};
         return Sample{secret, "PUT https://bucket.example.com/a?x=1&" + r.pick(kNames) + "=" + secret + "&y=2"};
       }},
      {"cvv", [](R& r) { return keyed(r.below(2) ? "cvv" : "cvc", r.of(kDigits, 3), r); }},
      {"otp", [](R& r) { return keyed(r.below(2) ? "otp_code" : "mfa_code", r.of(kDigits, 6), r); }},
      {"credentials", [](R& r) { return keyed("credentials", r.of(kAlnum, 20) + "3", r); }},
      {"authorization",
       [](R& r) {
         constexpr std::string_view kSchemes[] = {"Bearer ", "Basic ", "Token ", "ApiKey ", ""};
         std::string secret = r.of(kAlnum, 20 + r.below(30)) + "4";
         std::string value = r.pick(kSchemes) + secret;
         switch (r.below(4)) {
           case 0: return Sample{secret, "Authorization: " + value};
           case 1: return Sample{secret, "curl -H 'Authorization: " + value + "' https://x.example.com"};
           case 2: return Sample{secret, "{\"headers\":{\"authorization\":\"" + value + "\"},\"n\":1}"};
           default: return Sample{secret, "GET / HTTP/1.1\r\nProxy-Authorization: " + value + "\r\nHost: x\r\n"};
         }
       }},
      {"bearer",
       [](R& r) {
         std::string secret = r.of(kBase64Url, 30) + "5";
         return Sample{secret, "sent auth " + std::string(r.below(2) ? "Bearer " : "bearer ") + secret + ", got 401"};
       }},
      {"basic",
       [](R& r) {
         std::string secret = base64("user" + r.of(kDigits, 3) + ":" + r.of(kAlnum, 8 + r.below(8)));
         return Sample{secret, "upstream said no to Basic " + secret + " (realm x)"};
       }},
      {"cookie",
       [](R& r) {
         std::string secret = r.of(kAlnum, 24);
         switch (r.below(4)) {
           case 0: return Sample{secret, "Cookie: lang=en; sid=" + secret + "; theme=dark"};
           case 1: return Sample{secret, "Set-Cookie: id=" + secret + "; Path=/; HttpOnly"};
           case 2: return Sample{secret, "{\"cookie\":\"a=1; sid=" + secret + "\",\"n\":2}"};
           default: return Sample{secret, "curl -H 'Cookie: sid=" + secret + "' https://x.example.com"};
         }
       }},
      {"url_password",
       [](R& r) {
         constexpr std::string_view kSchemes[] = {"postgres", "mysql", "redis", "amqp", "https", "mongodb+srv"};
         std::string secret = r.of(kAlnum, 1) + r.of("abcXYZ019!$%*_+-.~", 6 + r.below(10)) + r.of(kAlnum, 2);
         std::string url = r.pick(kSchemes) + "://app:" + secret + "@db.example.com:5432/shop?x=1";
         return Sample{secret, r.below(2) ? "connecting to " + url + " ..." : "{\"dsn\":\"" + url + "\"}"};
       }},
      {"private_key",
       [](R& r) {
         constexpr std::string_view kTitles[] = {"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY",
                                                 "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"};
         Sample sample;
         std::string key = pem(r.pick(kTitles), r, sample.secret);
         sample.text = r.below(2) ? "loaded key:\n" + key + "\nok" : "{\"key\":\"" + key + "\"}";
         return sample;
       }},
      {"pgp_private_key",
       [](R& r) {
         Sample sample;
         sample.text = "imported " + pem("PGP PRIVATE KEY BLOCK", r, sample.secret) + " done";
         return sample;
       }},
      {"slack_webhook",
       [](R& r) {
         std::string secret = "T" + r.of(kUpperDigits, 8) + "/B" + r.of(kUpperDigits, 10) + "/" + r.of(kAlnum, 24);
         return Sample{secret,
                       "POST https://hooks.slack."
                       "com/services/" +
                           secret + " 200"};
       }},
      {"discord_webhook",
       [](R& r) {
         std::string secret = r.of("123456789", 18) + "/" + r.of(kBase64Url, 68);
         return Sample{secret, "POST https://discord.com/api/webhooks/" + secret + " 204"};
       }},
      {"sql_password",
       [](R& r) {
         std::string secret = password(r);
         std::replace(secret.begin(), secret.end(), '\\', 'x');
         return Sample{secret, "CREATE USER 'app'@'%' IDENTIFIED BY '" + secret + "'"};
       }},
  };
  return kContexts;
}

constexpr size_t kSamples = 1000;

// The share of samples whose secret is gone; the first that is not goes to `missed`.
double recall(const Redactor& redactor, const std::function<Sample(SampleRandom&)>& make, uint64_t seed,
              std::string& missed) {
  SampleRandom random(seed);
  RedactionCounts counts = redactor.no_counts();
  size_t gone = 0;
  for (size_t i = 0; i < kSamples; ++i) {
    Sample sample = make(random);
    std::string out = sample.text;
    redactor.redact(sample.text, out, counts);
    bool whole = out.find(sample.secret) == std::string::npos;
    if (whole)
      ++gone;
    else if (missed.empty())
      missed = sample.text;
    std::string again;
    EXPECT_FALSE(redactor.redact(out, again, counts)) << out << "\n" << again;
  }
  return static_cast<double>(gone) / kSamples;
}

class RedactSamples : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Redactor::make({});
    ASSERT_TRUE(made.ok()) << made.error().message();
    redactor_ = std::move(made).take();
  }
  std::shared_ptr<const Redactor> redactor_;
};

TEST_F(RedactSamples, EveryRuleHasSamplesAndThereAreForty) {
  std::vector<std::string> made;
  for (const Form& form : forms()) made.emplace_back(form.rule);
  for (const Context& context : contexts()) made.emplace_back(context.rule);
  std::vector<std::string> rules = redactor_->rule_names();
  std::sort(made.begin(), made.end());
  std::sort(rules.begin(), rules.end());
  EXPECT_EQ(made, rules);
  EXPECT_GE(rules.size(), 40u);
}

TEST_F(RedactSamples, ThousandOfEachFormAreGone) {
  uint64_t seed = 1;
  for (const Form& form : forms()) {
    std::string missed;
    auto make = [&form](SampleRandom& r) {
      std::string secret = form.make(r);
      return Sample{secret, anywhere(secret, r)};
    };
    double found = recall(*redactor_, make, seed++, missed);
    EXPECT_GE(found, 0.99) << form.rule << ": " << missed;
  }
}

TEST_F(RedactSamples, ThousandOfEachContextAreGone) {
  uint64_t seed = 1000;
  for (const Context& context : contexts()) {
    std::string missed;
    double found = recall(*redactor_, context.make, seed++, missed);
    EXPECT_GE(found, 0.99) << context.rule << ": " << missed;
  }
}

// What lines of ../shared/data hold that is a secret indeed, or was written to look like one.
bool is_true_secret(std::string_view rule) {
  // CloudTrail's records carry the ids of access keys and session tokens.
  return rule == "aws_access_key";
}

TEST_F(RedactSamples, RealLogsStayAsTheyAre) {
  namespace fs = std::filesystem;
  fs::path root = "../shared/data";
  if (!fs::exists(root)) GTEST_SKIP() << "no " << root;
  uint64_t lines = 0;
  uint64_t wrong = 0;
  std::string shown;
  std::map<std::string, uint64_t> by_rule;
  std::map<std::string, int> shown_of;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::string extension = entry.path().extension().string();
    if (extension == ".gz" || extension == ".zst" || extension == ".md" || extension == ".zip") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      ++lines;
      RedactionCounts counts = redactor_->no_counts();
      std::string out;
      if (!redactor_->redact(line, out, counts)) continue;
      bool alarm = false;
      std::string rules;
      for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        by_rule[redactor_->rule_names()[i]] += counts[i];
        rules += redactor_->rule_names()[i] + " ";
        alarm = alarm || !is_true_secret(redactor_->rule_names()[i]);
      }
      if (!alarm) continue;
      ++wrong;
      if (++shown_of[rules + entry.path().string()] <= 5) {
        shown += fmt::format("{}{}: {}\n", rules, entry.path().string(), out.substr(0, 400));
      }
    }
  }
  for (const auto& [rule, count] : by_rule) shown += fmt::format("{} {}\n", rule, count);
  ASSERT_GT(lines, 0u);
  EXPECT_LE(static_cast<double>(wrong), 0.001 * static_cast<double>(lines)) << wrong << " of " << lines << "\n"
                                                                            << shown;
  if (std::getenv("CLEW_SHOW") != nullptr) fmt::print("{} of {} lines\n{}", wrong, lines, shown);
}

}  // namespace
}  // namespace clew::process
