#include "process/redact_scan.h"

#include <hs/hs.h>

#include "base/check.h"

namespace clew::process {
namespace {

int note(unsigned int id, unsigned long long, unsigned long long to, unsigned int, void* context) {
  static_cast<std::vector<LiteralHit>*>(context)->push_back({id, static_cast<uint32_t>(to)});
  return 0;
}

}  // namespace

Result<std::unique_ptr<LiteralScanner>> LiteralScanner::make(std::vector<ScanLiteral> literals) {
  if (hs_valid_platform() != HS_SUCCESS) {
    return Error(Code::kUnsupported, "redaction needs a processor with SSSE3");
  }
  std::unique_ptr<LiteralScanner> made(new LiteralScanner());
  made->literals_ = std::move(literals);
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<size_t> lengths;
  for (const ScanLiteral& literal : made->literals_) {
    ids.push_back(static_cast<unsigned>(texts.size()));
    texts.push_back(literal.text.c_str());
    lengths.push_back(literal.text.size());
    flags.push_back(literal.any_case ? HS_FLAG_CASELESS : 0);
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* problem = nullptr;
  hs_error_t compiled =
      hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), lengths.data(), static_cast<unsigned>(texts.size()),
                           HS_MODE_BLOCK, nullptr, &database, &problem);
  if (compiled != HS_SUCCESS) {
    Error error(Code::kInternal,
                std::string("literals of redaction: ") + (problem != nullptr ? problem->message : "?"));
    hs_free_compile_error(problem);
    return error;
  }
  made->database_ = database;
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS)
    return Error(Code::kInternal, "no scratch space for redaction");
  made->first_scratch_ = scratch;
  return made;
}

LiteralScanner::~LiteralScanner() {
  for (void* space : idle_) hs_free_scratch(static_cast<hs_scratch_t*>(space));
  hs_free_scratch(static_cast<hs_scratch_t*>(first_scratch_));
  hs_free_database(static_cast<hs_database_t*>(database_));
}

LiteralScanner::Scratch::Scratch(const LiteralScanner& scanner) : scanner_(scanner), space_(nullptr) {
  {
    base::MutexLock lock(scanner.mutex_);
    if (!scanner.idle_.empty()) {
      space_ = scanner.idle_.back();
      scanner.idle_.pop_back();
      return;
    }
  }
  hs_scratch_t* made = nullptr;
  hs_error_t cloned = hs_clone_scratch(static_cast<const hs_scratch_t*>(scanner.first_scratch_), &made);
  CHECK(cloned == HS_SUCCESS, cloned);
  space_ = made;
}

LiteralScanner::Scratch::~Scratch() {
  base::MutexLock lock(scanner_.mutex_);
  scanner_.idle_.push_back(space_);
}

void LiteralScanner::scan(std::string_view text, Scratch& scratch, std::vector<LiteralHit>& hits) const {
  if (text.empty()) return;
  hs_error_t scanned =
      hs_scan(static_cast<const hs_database_t*>(database_), text.data(), static_cast<unsigned>(text.size()), 0,
              static_cast<hs_scratch_t*>(scratch.space_), note, &hits);
  CHECK(scanned == HS_SUCCESS, scanned);
}

}  // namespace clew::process
