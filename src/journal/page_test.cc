// The example of docs/formats/journal.md is what the code writes.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/test_page.h"
#include "journal/record.h"

namespace clew::journal {
namespace {

constexpr const char* kPage = "docs/formats/journal.md";

TEST(JournalPage, FileHeader) {
  std::string header = encode_file_header({.number = 7, .salt = 0x1122334455667788, .file_bytes = 64 << 20});
  EXPECT_EQ(header.size(), kFileHeaderBytes);
  std::string copy = header.substr(0, kFileHeaderCopyBytes);
  EXPECT_EQ(header.substr(kFileHeaderBytes / 2, kFileHeaderCopyBytes), copy);
  EXPECT_EQ(base::hex_dump(copy), base::page_example(kPage, "file-header"));
}

TEST(JournalPage, Record) {
  std::string part = "part";
  Blob blob{part, base::crc32c(part)};
  Entry entry{"meta!", std::span(&blob, 1)};
  std::string bytes;
  encode_record_head(entry, 0x1122334455667788, bytes);
  bytes += part + std::string(4, '\0');
  EXPECT_EQ(bytes.size(), record_bytes(entry));
  EXPECT_EQ(base::hex_dump(bytes), base::page_example(kPage, "record"));
}

}  // namespace
}  // namespace clew::journal
