// The first stage of redaction: where one of many literals stands in a text, by one pass of Hyperscan.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace clew::process {

// A literal was seen: it ends at `end` of the text that was scanned.
struct LiteralHit {
  uint32_t literal = 0;
  uint32_t end = 0;
};

struct ScanLiteral {
  std::string text;
  bool any_case = false;
};

// Threads: scan on any thread; each scan takes one of a pool of scratch spaces for its time.
class LiteralScanner {
 public:
  // Errors: kInternal when Hyperscan refuses the literals; kUnsupported on a processor that it does not run on.
  static Result<std::unique_ptr<LiteralScanner>> make(std::vector<ScanLiteral> literals);
  ~LiteralScanner();
  LiteralScanner(const LiteralScanner&) = delete;
  LiteralScanner& operator=(const LiteralScanner&) = delete;

  // Holds what one scan needs; keep it for the scans of a batch.
  class Scratch {
   public:
    explicit Scratch(const LiteralScanner& scanner);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class LiteralScanner;
    const LiteralScanner& scanner_;
    void* space_;
  };

  // Appends every literal's every place, by rising end.
  // Requires: text shorter than 4 GiB.
  void scan(std::string_view text, Scratch& scratch, std::vector<LiteralHit>& hits) const;
  const std::vector<ScanLiteral>& literals() const { return literals_; }

 private:
  LiteralScanner() = default;

  std::vector<ScanLiteral> literals_;
  void* database_ = nullptr;
  void* first_scratch_ = nullptr;  // the one that others are copies of
  mutable base::Mutex mutex_;
  mutable std::vector<void*> idle_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::process
