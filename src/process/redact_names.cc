// Names that promise a secret, of columns and of keys in text.
#include <algorithm>
#include <array>

#include "process/redact_rules.h"

namespace clew::process {
namespace {

constexpr size_t kNameBytesMax = 64;  // of the last part; a longer one is no name of a secret

enum class At : uint8_t { kWhole, kEnd };

struct SecretName {
  std::string_view text;  // lower case, without "_", "-" and "."
  At at;
  SecretKind kind;
};

constexpr SecretName kNames[] = {
    {"password", At::kEnd, SecretKind::kPassword},
    {"passwd", At::kEnd, SecretKind::kPassword},
    {"passphrase", At::kEnd, SecretKind::kPassword},
    {"passcode", At::kEnd, SecretKind::kPassword},
    {"pwd", At::kWhole, SecretKind::kPassword},
    {"dbpwd", At::kWhole, SecretKind::kPassword},
    {"userpwd", At::kWhole, SecretKind::kPassword},
    {"pass", At::kWhole, SecretKind::kPassword},
    {"dbpass", At::kWhole, SecretKind::kPassword},
    {"userpass", At::kWhole, SecretKind::kPassword},
    {"mysqlpass", At::kWhole, SecretKind::kPassword},
    {"smtppass", At::kWhole, SecretKind::kPassword},
    {"redispass", At::kWhole, SecretKind::kPassword},
    {"adminpass", At::kWhole, SecretKind::kPassword},
    {"rootpass", At::kWhole, SecretKind::kPassword},
    {"secret", At::kEnd, SecretKind::kSecret},
    {"secrets", At::kWhole, SecretKind::kSecret},
    {"apikey", At::kEnd, SecretKind::kApiKey},
    {"accesskey", At::kEnd, SecretKind::kApiKey},
    {"accountkey", At::kEnd, SecretKind::kApiKey},
    {"authkey", At::kEnd, SecretKind::kApiKey},
    {"licensekey", At::kEnd, SecretKind::kApiKey},
    {"subscriptionkey", At::kEnd, SecretKind::kApiKey},
    {"sharedkey", At::kEnd, SecretKind::kApiKey},
    {"token", At::kWhole, SecretKind::kToken},
    {"jwt", At::kWhole, SecretKind::kToken},
    {"accesstoken", At::kEnd, SecretKind::kToken},
    {"refreshtoken", At::kEnd, SecretKind::kToken},
    {"idtoken", At::kEnd, SecretKind::kToken},
    {"authtoken", At::kEnd, SecretKind::kToken},
    {"oauthtoken", At::kEnd, SecretKind::kToken},
    {"sessiontoken", At::kEnd, SecretKind::kToken},
    {"securitytoken", At::kEnd, SecretKind::kToken},
    {"csrftoken", At::kEnd, SecretKind::kToken},
    {"xsrftoken", At::kEnd, SecretKind::kToken},
    {"csrfmiddlewaretoken", At::kWhole, SecretKind::kToken},
    {"authenticitytoken", At::kWhole, SecretKind::kToken},
    {"bearertoken", At::kEnd, SecretKind::kToken},
    {"apitoken", At::kEnd, SecretKind::kToken},
    {"usertoken", At::kWhole, SecretKind::kToken},
    {"bottoken", At::kWhole, SecretKind::kToken},
    {"jwttoken", At::kWhole, SecretKind::kToken},
    {"resettoken", At::kEnd, SecretKind::kToken},
    {"devicetoken", At::kWhole, SecretKind::kToken},
    {"privatetoken", At::kWhole, SecretKind::kToken},
    {"deploytoken", At::kWhole, SecretKind::kToken},
    {"jobtoken", At::kWhole, SecretKind::kToken},
    {"servicetoken", At::kWhole, SecretKind::kToken},
    {"personaltoken", At::kWhole, SecretKind::kToken},
    {"vaulttoken", At::kEnd, SecretKind::kToken},
    {"githubtoken", At::kWhole, SecretKind::kToken},
    {"gitlabtoken", At::kWhole, SecretKind::kToken},
    {"slacktoken", At::kWhole, SecretKind::kToken},
    {"npmtoken", At::kWhole, SecretKind::kToken},
    {"privatekey", At::kEnd, SecretKind::kEncryptionKey},
    {"encryptionkey", At::kEnd, SecretKind::kEncryptionKey},
    {"signingkey", At::kEnd, SecretKind::kEncryptionKey},
    {"masterkey", At::kEnd, SecretKind::kEncryptionKey},
    {"secretkey", At::kEnd, SecretKind::kEncryptionKey},
    {"hmackey", At::kEnd, SecretKind::kEncryptionKey},
    {"authorization", At::kEnd, SecretKind::kAuthorization},
    {"cookie", At::kWhole, SecretKind::kCookie},
    {"cookies", At::kWhole, SecretKind::kCookie},
    {"setcookie", At::kEnd, SecretKind::kCookie},
    {"xcookie", At::kWhole, SecretKind::kCookie},
    {"phpsessid", At::kWhole, SecretKind::kSession},
    {"jsessionid", At::kWhole, SecretKind::kSession},
    {"connectsid", At::kWhole, SecretKind::kSession},
    {"aspnetsessionid", At::kWhole, SecretKind::kSession},
    {"sessionkey", At::kWhole, SecretKind::kSession},
    {"xamzsignature", At::kWhole, SecretKind::kSignature},
    {"xgoogsignature", At::kWhole, SecretKind::kSignature},
    {"sig", At::kWhole, SecretKind::kSignature},
    {"cvv", At::kWhole, SecretKind::kCvv},
    {"cvc", At::kWhole, SecretKind::kCvv},
    {"cvv2", At::kWhole, SecretKind::kCvv},
    {"cvc2", At::kWhole, SecretKind::kCvv},
    {"cardcvv", At::kWhole, SecretKind::kCvv},
    {"cardcvc", At::kWhole, SecretKind::kCvv},
    {"otp", At::kWhole, SecretKind::kOtp},
    {"otpcode", At::kEnd, SecretKind::kOtp},
    {"onetimecode", At::kEnd, SecretKind::kOtp},
    {"totp", At::kWhole, SecretKind::kOtp},
    {"mfacode", At::kEnd, SecretKind::kOtp},
    {"credential", At::kWhole, SecretKind::kCredentials},
    {"credentials", At::kWhole, SecretKind::kCredentials},
    {"cardnumber", At::kEnd, SecretKind::kCard},
    {"creditcard", At::kWhole, SecretKind::kCard},
    {"ccnumber", At::kWhole, SecretKind::kCard},
    {"cardno", At::kWhole, SecretKind::kCard},
    {"card", At::kWhole, SecretKind::kCard},
    {"pan", At::kWhole, SecretKind::kCard},
};

// Names whose last dotted part alone would say nothing.
constexpr std::string_view kWholeDotted[] = {"connectsid", "aspnetsessionid"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Words that stand where a secret would and are none.
constexpr std::string_view kPlainWords[] = {"",          "none",     "null",     "nil",      "true",
                                            "false",     "yes",      "no",       "on",       "off",
                                            "empty",     "missing",  "invalid",  "expired",  "required",
                                            "incorrect", "wrong",    "failed",   "failure",  "undefined",
                                            "changed",   "ok",       "success",  "unknown",  "hidden",
                                            "masked",    "redacted", "removed",  "reset",    "set",
                                            "unset",     "enabled",  "disabled", "not",      "is",
                                            "was",       "has",      "for",      "the",      "a",
                                            "an",        "and",      "or",       "to",       "of",
                                            "in",        "with",     "must",     "should",   "cannot",
                                            "can",       "n/a",      "nan",      "0",        "-",
                                            "default",   "denied",   "error",    "filtered", "string",
                                            "(null)",    "<nil>",    "given",    "provided", "authentication",
                                            "check"};

}  // namespace

int rule_of_name(std::string_view name) {
  std::array<char, kNameBytesMax> buffer;
  size_t bytes = 0;
  size_t part = 0;  // where the last dotted part begins
  if (name.size() > kNameBytesMax) name.remove_prefix(name.size() - kNameBytesMax);
  for (char c : name) {
    if (c == '.') part = bytes;
    if (c == '.' || c == '_' || c == '-' || c == ' ') continue;
    buffer[bytes++] = lower(c);
  }
  std::string_view whole(buffer.data(), bytes);
  for (std::string_view dotted : kWholeDotted) {
    if (whole == dotted) return static_cast<int>(SecretKind::kSession);
  }
  std::string_view last = whole.substr(part);
  if (last == "chpasswd" || last == "gpasswd") return -1;  // programs
  for (const SecretName& known : kNames) {
    bool same = known.at == At::kWhole ? last == known.text : last.ends_with(known.text);
    if (same) return static_cast<int>(known.kind);
  }
  return -1;
}

bool is_placeholder(std::string_view value) {
  if (value.starts_with("[redacted") || value.starts_with("${") || value.starts_with("{{") || value.starts_with("%(") ||
      value.starts_with("$(") || value.starts_with("[hidden]") || value.starts_with("[FILTERED]") ||
      value.starts_with("[REDACTED]") || value.starts_with("<redacted>")) {
    return true;
  }
  constexpr size_t kWordBytesMax = 16;
  if (value.find_first_not_of("*xX.-•") == std::string_view::npos) return true;
  if (value.starts_with("%") && value.size() <= 3) return true;
  if (value.size() > kWordBytesMax) return false;
  std::array<char, kWordBytesMax> buffer;
  std::transform(value.begin(), value.end(), buffer.begin(), lower);
  std::string_view word(buffer.data(), value.size());
  if (!word.empty() && (word.back() == '.' || word.back() == '!')) word.remove_suffix(1);
  return std::find(std::begin(kPlainWords), std::end(kPlainWords), word) != std::end(kPlainWords);
}

bool numbers_are_secret(int rule) {
  return rule == static_cast<int>(SecretKind::kPassword) || rule == static_cast<int>(SecretKind::kCvv) ||
         rule == static_cast<int>(SecretKind::kOtp) || rule == static_cast<int>(SecretKind::kCard);
}

}  // namespace clew::process
