// From a literal to the exact bytes of a secret.
#include <algorithm>
#include <array>

#include "process/redact_rules.h"

namespace clew::process {
namespace {

constexpr size_t kKeyBytesMax = 128;
constexpr size_t kSpacesMax = 8;         // around `=` and `:`
constexpr size_t kValueBytesMax = 8192;  // of an unquoted value or a URL's authority; the rest is looked at no more
constexpr size_t kQuotedBytesMax = 1u << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }
bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_key_char(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }
bool is_base64(char c) {
  return is_letter(c) || is_digit(c) || c == '+' || c == '/' || c == '-' || c == '_' || c == '.' || c == '~' ||
         c == '=';
}

size_t skip_spaces(std::string_view text, size_t at) {
  size_t end = std::min(text.size(), at + kSpacesMax);
  while (at < end && is_space(text[at])) ++at;
  return at;
}

// Case-insensitive; `word` is lower case.
bool starts_with_word(std::string_view text, size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    char c = text[at + i];
    if ((is_upper(c) ? static_cast<char>(c + 32) : c) != word[i]) return false;
  }
  return true;
}

// How a value is written: behind which opening it begins, and what ends it.
struct Value {
  size_t begin = 0;
  size_t end = 0;
  bool quoted = false;
};

// The end of a value within quotes: the same quote, behind as many backslashes as stand before the opening one.
size_t quoted_end(std::string_view text, size_t at, char quote, bool escaped) {
  size_t end = std::min(text.size(), at + kQuotedBytesMax);
  for (; at < end; ++at) {
    char c = text[at];
    if (c == '\\') {
      if (at + 1 >= end) return at;
      if (escaped && text[at + 1] == quote) return at;
      ++at;
    } else if (c == quote) {
      return at;
    }
  }
  return std::min(at, text.size());
}

// True where `,`, `;` or `&` at `at` ends a value: nothing follows, a space, or another name with its value.
bool separates(std::string_view text, size_t at) {
  size_t next = at + 1;
  if (next >= text.size() || is_space(text[next]) || text[next] == '\n' || text[next] == '\r') return true;
  if (text[next] == ',' || text[next] == ';' || is_quote(text[next])) return true;
  size_t end = std::min(text.size(), next + kKeyBytesMax);
  size_t name = next;
  while (name < end && is_key_char(text[name])) ++name;
  return name > next && name < text.size() && (text[name] == '=' || text[name] == ':' || text[name] == '[');
}

// Backslashes that end a value: an escaped quote or line end. Others are part of it, two bytes at a time.
bool escape_ends(char next) { return next == '"' || next == '\'' || next == 'n' || next == 'r' || next == 't'; }

size_t plain_end(std::string_view text, size_t at) {
  size_t begin = at;
  size_t end = std::min(text.size(), at + kValueBytesMax);
  while (at < end) {
    char c = text[at];
    if (static_cast<unsigned char>(c) <= ' ' || is_quote(c) || c == '<' || c == '>' || c == '|') break;
    if ((c == ',' || c == ';' || c == '&') && separates(text, at)) break;
    if (c == '\\') {
      if (at + 1 >= end || escape_ends(text[at + 1])) break;
      ++at;
    }
    ++at;
  }
  at = std::min(at, end);
  // Brackets and full stops that close what stands around the value.
  while (at > begin) {
    char c = text[at - 1];
    if (c != '}' && c != ')' && c != ']' && c != ',' && c != ';') break;
    std::string_view value = text.substr(begin, at - begin);
    char open = c == '}' ? '{' : c == ')' ? '(' : c == ']' ? '[' : '\0';
    if (open != '\0' && std::count(value.begin(), value.end(), open) >= std::count(value.begin(), value.end(), c))
      break;
    --at;
  }
  return at;
}

Value read_value(std::string_view text, size_t at) {
  Value value;
  if (at < text.size() && text[at] == '\\' && at + 1 < text.size() && is_quote(text[at + 1])) {
    value.quoted = true;
    value.begin = at + 2;
    value.end = quoted_end(text, at + 2, text[at + 1], true);
  } else if (at < text.size() && is_quote(text[at])) {
    value.quoted = true;
    value.begin = at + 1;
    value.end = quoted_end(text, at + 1, text[at], false);
  } else {
    value.begin = at;
    value.end = plain_end(text, at);
  }
  return value;
}

struct Looks {
  bool digit = false;
  bool upper = false;
  bool lower = false;
  bool other = false;
};
Looks looks_of(std::string_view value) {
  Looks looks;
  for (char c : value) {
    if (is_digit(c))
      looks.digit = true;
    else if (is_upper(c))
      looks.upper = true;
    else if (is_lower(c))
      looks.lower = true;
    else
      looks.other = true;
  }
  return looks;
}

// "password: click the link": letters alone behind a colon and a space, and the sentence goes on.
bool is_prose(std::string_view text, const Value& value, bool colon_space) {
  if (value.quoted || !colon_space) return false;
  Looks looks = looks_of(text.substr(value.begin, value.end - value.begin));
  if (looks.digit || looks.other) return false;
  size_t next = value.end;
  return next + 1 < text.size() && text[next] == ' ' && is_letter(text[next + 1]);
}

// Whether a value behind such a name can be what the name says.
bool is_plausible(SecretKind kind, std::string_view value, bool quoted) {
  if (is_placeholder(value)) return false;
  Looks looks = looks_of(value);
  constexpr size_t kTokenBytesMin = 6;
  constexpr size_t kLongBytesMin = 16;
  switch (kind) {
    case SecretKind::kPassword: return value.size() >= (quoted ? 1u : 2u);
    case SecretKind::kToken:
    case SecretKind::kSession:
      return value.size() >= kTokenBytesMin && value.find("://") == std::string_view::npos &&
             (looks.digit || (value.size() >= kLongBytesMin && looks.upper && looks.lower));
    case SecretKind::kSecret:
    case SecretKind::kApiKey:
    case SecretKind::kEncryptionKey:
      return value.size() >= kTokenBytesMin && value.find("://") == std::string_view::npos &&
             (looks.digit || looks.upper || value.size() >= kLongBytesMin || quoted);
    case SecretKind::kCredentials:
      return value.size() >= 8 && looks.digit && value.find("://") == std::string_view::npos;
    case SecretKind::kSignature: return value.size() >= 20;
    case SecretKind::kCvv:
      return (value.size() == 3 || value.size() == 4) && looks.digit && !looks.upper && !looks.lower && !looks.other;
    case SecretKind::kOtp:
      return value.size() >= 4 && value.size() <= 10 && looks.digit && !looks.lower && !looks.other;
    default: return value.size() >= 2;
  }
}

size_t line_end(std::string_view text, size_t at) {
  size_t end = std::min(text.size(), at + kValueBytesMax);
  while (at < end) {
    char c = text[at];
    if (c == '\n' || c == '\r' || c == '"' || c == '\'') break;
    if (c == '\\') {
      if (at + 1 >= end || escape_ends(text[at + 1])) break;
      ++at;
    }
    ++at;
  }
  at = std::min(at, end);
  return at;
}

// `Authorization: SCHEME CREDENTIALS`; the scheme stays.
bool find_authorization(std::string_view text, const Value& value, bool header, SecretSpan& found) {
  struct Scheme {
    std::string_view word;
    bool whole_line;
  };
  constexpr Scheme kSchemes[] = {
      {"bearer", false},    {"basic", false},     {"token", false},           {"apikey", false},
      {"negotiate", false}, {"ntlm", false},      {"digest", true},           {"oauth", true},
      {"hmac", true},       {"sharedkey", false}, {"aws4-hmac-sha256", true}, {"aws", false}};
  size_t begin = value.begin;
  size_t end = value.end;
  for (const Scheme& scheme : kSchemes) {
    if (!starts_with_word(text, begin, scheme.word)) continue;
    size_t after = begin + scheme.word.size();
    size_t word = skip_spaces(text, after);
    if (word == after) continue;
    found.begin = word;
    found.end = value.quoted ? end : scheme.whole_line && header ? line_end(text, word) : plain_end(text, word);
    if (scheme.whole_line && !value.quoted) found.end = line_end(text, word);
    std::string_view secret = text.substr(found.begin, found.end > found.begin ? found.end - found.begin : 0);
    return secret.size() >= 4 && !is_placeholder(secret);
  }
  found.begin = begin;
  found.end = end;
  std::string_view secret = text.substr(begin, end - begin);
  Looks looks = looks_of(secret);
  return secret.size() >= 6 && (looks.digit || secret.size() >= 20) && !is_placeholder(secret);
}

// `Cookie: a=b; c=d`: all of them.
bool find_cookies(std::string_view text, const Value& value, bool header, SecretSpan& found) {
  found.begin = value.begin;
  found.end = value.end;
  if (!value.quoted && header) {
    found.end = line_end(text, value.begin);
  } else if (!value.quoted) {
    // cookie=a=b; c=d
    while (found.end < text.size() && text[found.end] == ';') {
      size_t next = skip_spaces(text, found.end + 1);
      size_t end = plain_end(text, next);
      if (end == next || text.substr(next, end - next).find('=') == std::string_view::npos) break;
      found.end = end;
    }
  }
  std::string_view secret = text.substr(found.begin, found.end - found.begin);
  if (is_placeholder(secret)) return false;
  if (value.quoted) return secret.size() >= 4;
  size_t equals = secret.find('=');
  if (header) return equals != std::string_view::npos && equals > 0 && equals + 1 < secret.size();
  return secret.size() >= 6 && (equals != std::string_view::npos || looks_of(secret).digit);
}

enum class Separator : uint8_t { kNone, kEquals, kColon, kTag, kSpace };

// Where the value begins behind the name that ends at `end`.
Separator read_separator(std::string_view text, size_t key_begin, size_t end, size_t& at) {
  at = end;
  if (at < text.size() && text[at] == '\\' && at + 1 < text.size() && is_quote(text[at + 1])) ++at;
  bool closed = at < text.size() && is_quote(text[at]) && key_begin > 0 && text[key_begin - 1] == text[at];
  if (closed) ++at;
  if (closed && at < text.size() && text[at] == ']') ++at;
  if (at < text.size() && text[at] == '>' && key_begin > 0 && text[key_begin - 1] == '<') {
    ++at;
    return Separator::kTag;
  }
  size_t spaces = at;
  at = skip_spaces(text, at);
  if (at >= text.size()) return Separator::kNone;
  char c = text[at];
  if (c == '=' || c == ':') {
    ++at;
    if (at < text.size() && text[at] == (c == '=' ? '=' : ':')) return Separator::kNone;  // a comparison, a scope
    if (at < text.size() && ((c == '=' && text[at] == '>') || (c == ':' && text[at] == '='))) ++at;
    at = skip_spaces(text, at);
    return c == '=' ? Separator::kEquals : Separator::kColon;
  }
  if (c == '%' && text.size() - at > 3 && text[at + 1] == '3' && (text[at + 2] == 'D' || text[at + 2] == 'd')) {
    at += 3;
    return Separator::kEquals;
  }
  bool option = key_begin < end && text[key_begin] == '-' && end - key_begin > 2 && text[key_begin + 1] == '-';
  if (at > spaces && (option || c == '\'')) return Separator::kSpace;
  return Separator::kNone;
}

}  // namespace

bool find_named(std::string_view text, size_t end, SecretSpan& found) {
  // Some literals take in the separator, so that short words are found only where they are names.
  while (end > 0 && !is_key_char(text[end - 1])) --end;
  size_t key_begin = end;
  while (key_begin > 0 && end - key_begin < kKeyBytesMax && is_key_char(text[key_begin - 1])) --key_begin;
  size_t at = 0;
  Separator separator = read_separator(text, key_begin, end, at);
  if (separator == Separator::kNone || at >= text.size()) return false;
  int rule = rule_of_name(text.substr(key_begin, end - key_begin));
  if (rule < 0 || rule == static_cast<int>(SecretKind::kCard)) return false;
  SecretKind kind = static_cast<SecretKind>(rule);
  found.rule = static_cast<uint32_t>(rule);
  if (separator == Separator::kSpace && kind != SecretKind::kPassword && text[key_begin] != '-') return false;
  Value value = read_value(text, at);
  if (separator == Separator::kTag) {
    value.end = std::min(text.find('<', at), std::min(text.size(), at + kValueBytesMax));
    if (value.end < value.begin) return false;
  }
  if (value.end <= value.begin) return false;
  std::string_view key = text.substr(key_begin, end - key_begin);
  char first = text[value.begin];
  if ((key == "PWD" || key == "pwd") && (first == '/' || first == '.' || first == '~')) return false;  // a directory
  // "pam_unix(passwd:chauthtok)": a program.
  if (key == "passwd" && key_begin > 0 && text[key_begin - 1] == '(' && text[end] == ':') return false;
  // A part of a path of names, as "arn:aws:secretsmanager:eu-west-1:1:secret:name" has.
  if (separator == Separator::kColon && key_begin > 0 && text[key_begin - 1] == ':' && text[value.begin - 1] == ':') {
    return false;
  }
  bool header = separator == Separator::kColon;
  if (kind == SecretKind::kAuthorization) return find_authorization(text, value, header, found);
  if (kind == SecretKind::kCookie) return find_cookies(text, value, header, found);
  found.begin = value.begin;
  found.end = value.end;
  std::string_view secret = text.substr(value.begin, value.end - value.begin);
  if (!value.quoted && (secret[0] == '{' || secret[0] == '[' || secret[0] == '(')) return false;
  bool colon_space = separator == Separator::kColon && at > 0 && is_space(text[at - 1]);
  return is_plausible(kind, secret, value.quoted) && !is_prose(text, value, colon_space);
}

bool find_bearer(std::string_view text, size_t begin, SecretSpan& found) {
  constexpr size_t kBearerBytesMin = 16;
  if (begin > 0 && is_letter(text[begin - 1])) return false;
  size_t at = skip_spaces(text, begin + std::string_view("bearer").size());
  size_t end = at;
  while (end < text.size() && is_base64(text[end])) ++end;
  found = {at, end, static_cast<uint32_t>(SecretKind::kBearer)};
  return end - at >= kBearerBytesMin && looks_of(text.substr(at, end - at)).digit;
}

bool find_basic(std::string_view text, size_t begin, SecretSpan& found) {
  if (begin > 0 && is_letter(text[begin - 1])) return false;
  size_t at = skip_spaces(text, begin + std::string_view("basic").size());
  size_t end = at;
  // What is left over of the bits is the text: a user, a colon, a password.
  uint32_t bits = 0;
  int count = 0;
  size_t colons = 0;
  size_t bytes = 0;
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (; end < text.size() && end - at < kValueBytesMax; ++end) {
    size_t digit = kDigits.find(text[end]);
    if (digit == std::string_view::npos) break;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xffffu;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    auto byte = static_cast<unsigned char>(bits >> count);
    if (byte < ' ' || byte == 0x7f) return false;
    colons += byte == ':';
    ++bytes;
  }
  while (end < text.size() && text[end] == '=') ++end;
  found = {at, end, static_cast<uint32_t>(SecretKind::kBasic)};
  return colons > 0 && bytes >= 3;
}

bool find_url_password(std::string_view text, size_t begin, SecretSpan& found) {
  size_t at = begin + 3;
  size_t end = std::min(text.size(), at + kValueBytesMax);
  size_t colon = std::string_view::npos;
  size_t sign = std::string_view::npos;
  bool path = false;
  for (size_t i = at; i < end; ++i) {
    char c = text[i];
    if (static_cast<unsigned char>(c) <= ' ' || is_quote(c) || c == '<' || c == '>' || c == '\\') break;
    if (c == '/' || c == '?' || c == '#') {
      // A password may hold one of these, unencoded; a port or a host's name before it says that it is a path.
      if (sign != std::string_view::npos || colon == std::string_view::npos) break;
      std::string_view port = text.substr(colon + 1, i - colon - 1);
      if (port.find_first_not_of("0123456789") == std::string_view::npos) break;
      path = true;
    }
    if (c == ',' && sign != std::string_view::npos) break;  // further hosts
    if (c == ':' && colon == std::string_view::npos) colon = i;
    if (c == '@' && !(path && sign != std::string_view::npos)) sign = i;
  }
  if (sign == std::string_view::npos) return false;
  found.rule = static_cast<uint32_t>(SecretKind::kUrlPassword);
  found.end = sign;
  if (colon == std::string_view::npos || colon > sign) {
    constexpr size_t kTokenBytesMin = 20;  // https://TOKEN@host
    found.begin = at;
    std::string_view user = text.substr(at, sign - at);
    return user.size() >= kTokenBytesMin && looks_of(user).digit && !is_placeholder(user);
  }
  found.begin = colon + 1;
  std::string_view secret = text.substr(found.begin, sign - found.begin);
  return !secret.empty() && secret[0] != '{' && secret[0] != '$' && !is_placeholder(secret);
}

bool find_pem(std::string_view text, size_t begin, SecretSpan& found, bool& open) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----END ";
  constexpr size_t kTitleBytesMax = 64;
  open = false;
  std::string_view title = text.substr(begin + kBegin.size(), kTitleBytesMax);
  size_t dashes = title.find("-----");
  if (dashes == std::string_view::npos) return false;
  title = title.substr(0, dashes);
  if (title.find("PRIVATE KEY") == std::string_view::npos) return false;
  bool pgp = title.starts_with("PGP");
  found.rule = static_cast<uint32_t>(pgp ? SecretKind::kPgpKey : SecretKind::kPrivateKey);
  found.begin = begin;
  size_t body = begin + kBegin.size() + dashes + 5;
  size_t at = body;
  // Base64, header lines of old keys ("Proc-Type: 4,ENCRYPTED"), and line ends, which may be escaped or joined.
  while (at < text.size()) {
    char c = text[at];
    if (c == '-' && text.substr(at).starts_with(kEnd)) break;
    bool fits = is_base64(c) || c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == ':' || c == ',' || c == '(' ||
                c == ')' || c == '@' || c == '|';
    if (c == '\\' && at + 1 < text.size() && (text[at + 1] == 'n' || text[at + 1] == 'r' || text[at + 1] == '\\')) {
      fits = true;
    }
    if (!fits) break;
    ++at;
  }
  found.end = at;
  if (text.substr(at).starts_with(kEnd)) {
    size_t close = text.find("-----", at + kEnd.size());
    if (close != std::string_view::npos && close - at < kTitleBytesMax + kEnd.size()) found.end = close + 5;
  } else {
    open = at == text.size();
  }
  return true;
}

}  // namespace clew::process
