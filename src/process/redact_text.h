// The second stage of redaction, over one text at a time; redact.cc and redact_batch.cc share it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process/redact.h"
#include "process/redact_rules.h"
#include "process/redact_scan.h"

namespace clew::process {

// Threads: one at a time. Lifetime: the redactor and the counts outlive it.
class TextRedaction {
 public:
  TextRedaction(const Redactor& redactor, RedactionCounts& counts)
      : redactor_(redactor), counts_(counts), scratch_(*redactor.scanner_) {}

  // Appends where literals stand in `text`.
  void scan(std::string_view text, std::vector<LiteralHit>& hits);
  // Whether rules of the user's or card numbers ask for a look at each text, whatever literals it has.
  bool has_own() const { return !redactor_.own_.empty(); }

  // Redacts `text`, in which `hits` stand (their ends counted from `base`). False where nothing was replaced.
  bool redact(std::string_view text, const LiteralHit* hits, size_t hits_count, size_t base, std::string& out);
  // As above, with a scan of its own.
  bool redact(std::string_view text, std::string& out);

  void count(uint32_t rule) { ++counts_[rule]; }
  const std::string& mark(uint32_t rule) const { return redactor_.marks_[rule]; }
  // Whether the last text that was redacted ends within a private key.
  bool key_is_open() const { return open_; }

 private:
  bool once(std::string_view text, const LiteralHit* hits, size_t hits_count, size_t base, std::string& out);
  void find(std::string_view text, const LiteralHit& hit, size_t base);
  void find_pattern(std::string_view text, size_t begin, uint32_t rule);
  bool replace(std::string_view text, std::string& out);
  bool replace_own(std::string& text);

  const Redactor& redactor_;
  RedactionCounts& counts_;
  LiteralScanner::Scratch scratch_;
  std::vector<SecretSpan> spans_;
  std::vector<LiteralHit> again_;
  size_t covered_ = 0;  // bytes of the text at hand that lie in spans already
  bool open_ = false;
};

}  // namespace clew::process
