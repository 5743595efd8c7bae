// Manifest edits and commits from any bytes: what decodes must encode to something that decodes to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logstore/commit.h"
#include "logstore/manifest.h"

namespace {

using namespace clew;

void check_edit(std::string_view bytes) {
  auto edit = logstore::decode_edit(bytes);
  if (!edit.ok()) return;
  std::string once = logstore::encode_edit(*edit);
  auto again = logstore::decode_edit(once);
  if (!again.ok() || logstore::encode_edit(*again) != once) std::abort();
  logstore::ManifestState first, second, whole;
  logstore::apply_edit(*edit, first);
  logstore::apply_edit(*again, second);
  if (!(first == second)) std::abort();
  logstore::apply_edit(logstore::edit_of(first), whole);
  if (!(whole == first)) std::abort();
}

void check_commit(std::string_view bytes) {
  auto commit = logstore::decode_commit(bytes);
  if (!commit.ok()) return;
  std::string once = logstore::encode_commit(*commit);
  auto again = logstore::decode_commit(once);
  if (!again.ok() || logstore::encode_commit(*again) != once) std::abort();
  (void)logstore::describe_commit(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  std::string_view input(reinterpret_cast<const char*>(data), bytes);
  check_edit(input);
  check_commit(input);
  return 0;
}
