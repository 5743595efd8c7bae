// Redaction: passwords, tokens, keys and card numbers leave a batch before anything is stored of it.
//
// One pass of Hyperscan over each column's whole text finds the literals that secrets stand beside; only where one
// stands is looked for the secret itself, so that text without secrets costs little more than the pass. A field whose
// own name promises a secret loses its value whole. What is taken away becomes "[redacted:RULE]", the row gets the flag
// `redacted`, and each rule counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/batch.h"

namespace re2 {
class RE2;
}

namespace clew::process {

class LiteralScanner;

// A rule of the user's: every match of `regex` (RE2) becomes `replacement`, or its first group where it has one.
struct OwnRedaction {
  std::string name;
  std::string regex;
  std::string replacement;  // "[redacted:NAME]" where empty
  bool operator==(const OwnRedaction&) const = default;
};
constexpr size_t kOwnRedactionsMax = 64;

// Errors: kInvalid for a regex that RE2 refuses, that matches the empty text, or whose replacement it would match
// again.
Status check_own_redaction(const OwnRedaction& rule);

// How often each rule replaced something, by its place in Redactor::rule_names().
using RedactionCounts = std::vector<uint64_t>;

// Redacting what is redacted changes nothing.
//
// Threads: const functions on any thread at once.
class Redactor {
 public:
  // Errors: those of check_own_redaction; kInvalid for more than kOwnRedactionsMax; kUnsupported on a processor without
  // SSSE3.
  static Result<std::shared_ptr<const Redactor>> make(std::vector<OwnRedaction> own);
  ~Redactor();

  const std::vector<std::string>& rule_names() const { return names_; }
  RedactionCounts no_counts() const { return RedactionCounts(names_.size(), 0); }

  // Replaces in every text of the batch and flags the rows. Gives the number of rows that changed.
  uint64_t redact(model::Batch& batch, RedactionCounts& counts) const;
  // The same of one text. True where something was replaced; `out` then holds the new text, else it is left as it is.
  bool redact(std::string_view text, std::string& out, RedactionCounts& counts) const;
  // What an error says of a client's bytes: also a secret that was cut off with "..." is taken away.
  std::string redact_message(std::string_view message) const;

 private:
  friend class BatchRedaction;
  friend class TextRedaction;
  struct Literal {
    uint32_t rule = 0;
    uint32_t bytes = 0;
  };
  struct Own {
    std::unique_ptr<re2::RE2> regex;
    std::string replacement;
    bool group = false;
  };

  Redactor() = default;

  std::vector<std::string> names_;
  std::vector<std::string> marks_;  // what stands instead, by rule
  std::unique_ptr<LiteralScanner> scanner_;
  std::vector<Literal> literals_;
  std::vector<std::unique_ptr<re2::RE2>> patterns_;  // by rule; null where the rule has none
  std::vector<Own> own_;
};

}  // namespace clew::process
