// What redaction knows of secrets: the rules, and how each finds the exact bytes behind a literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace clew::process {

// The rules that the code names; the table in redact_rules.cc holds these in this order and then those that are a
// pattern alone.
enum class SecretKind : uint8_t {
  kPassword,
  kSecret,
  kApiKey,
  kToken,
  kEncryptionKey,
  kAuthorization,
  kCookie,
  kSession,
  kSignature,
  kCvv,
  kOtp,
  kCredentials,
  kBearer,
  kBasic,
  kUrlPassword,
  kPrivateKey,
  kPgpKey,
  kCard,
  kFirstPattern,  // not a rule: the patterns begin here
};

// How the bytes behind a literal are judged.
enum class Check : uint8_t {
  kNamed,    // the literal ends a name; what stands behind `=` or `:` is the secret
  kPattern,  // `pattern` must match where the literal stands
  kBearer,
  kBasic,
  kUrl,   // "://": a password before the "@"
  kPem,   // "-----BEGIN "
  kNone,  // no literal: found in another way
};

struct SecretRule {
  std::string_view name;  // of the label `rule` and in "[redacted:NAME]"
  Check check;
  std::string_view literals;  // separated by spaces; "^" stands for a space within one
  bool any_case;
  std::string_view pattern;  // RE2; its first group is the secret, or all of it
  uint8_t back;              // letters and digits before the literal that the pattern may take in
};
std::span<const SecretRule> secret_rules();

// Bytes [begin, end) of a text that `rule` takes away.
struct SecretSpan {
  size_t begin = 0;
  size_t end = 0;
  uint32_t rule = 0;
};

// The rule for the value of a field of this name, decided by its last dotted part without regard to case, "_" and "-";
// -1 where the name promises no secret ("author", "token_count").
int rule_of_name(std::string_view name);
// True for values that stand for a secret without being one: "null", "***", "${PASSWORD}", "[redacted:...]".
bool is_placeholder(std::string_view value);
// True where numbers under that name are secrets too (a PIN is, a count of tokens is not).
bool numbers_are_secret(int rule);

// The spans that begin at or near a literal of `text`. False where there is no secret.
// `end` is where the literal ends; the span may begin before it.
bool find_named(std::string_view text, size_t end, SecretSpan& found);
bool find_bearer(std::string_view text, size_t begin, SecretSpan& found);
bool find_basic(std::string_view text, size_t begin, SecretSpan& found);
bool find_url_password(std::string_view text, size_t begin, SecretSpan& found);
// `open` says that the key does not end in this text.
bool find_pem(std::string_view text, size_t begin, SecretSpan& found, bool& open);

// A payment card's number: issuer, length and Luhn's digit. `digits` holds digits only.
bool is_card_number(std::string_view digits);
// Calls found(begin, end) for each card number in `text`, from left to right.
template <class Found>
void find_cards(std::string_view text, Found&& found);
// The next card number at or behind `from`; false when there is none.
bool next_card(std::string_view text, size_t from, size_t& begin, size_t& end);
// A place at or behind `from` where digits and their separators may go on for as long as a card's number; text.size()
// when there is none. Cost: 64 bytes a few nanoseconds; most texts have no such place.
size_t next_digits(std::string_view text, size_t from);

template <class Found>
void find_cards(std::string_view text, Found&& found) {
  size_t from = 0;
  size_t begin = 0;
  size_t end = 0;
  while (next_card(text, from, begin, end)) {
    found(begin, end);
    from = end;
  }
}

}  // namespace clew::process
