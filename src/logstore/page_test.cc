// The examples of docs/formats/journal.md and docs/formats/manifest.md are what the code writes.
#include <gtest/gtest.h>

#include "base/test_page.h"
#include "logstore/commit.h"
#include "logstore/manifest.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::logstore {
namespace {

TEST(FormatPage, Commit) {
  Commit commit{.tenant = "default",
                .key = {"agent-1", 300},
                .keyed = true,
                .first_seq = 1000,
                .first_row = 0,
                .rows = 5,
                .commit_time = 1'763'719'200'000'000'000,
                .parts = {{"logs", 3}, {"traces", 2}},
                .conflicts = {{0, 2}}};
  EXPECT_EQ(base::hex_dump(encode_commit(commit)), base::page_example("docs/formats/journal.md", "commit"));
  EXPECT_EQ(describe_commit(encode_commit(commit)),
            "tenant default key agent-1:300 seq 1000 rows 5 logs=3 traces=2 conflicts 1");
}

TEST(FormatPage, Edit) {
  Edit edit;
  edit.next_seq = 1005;
  edit.added = {{.id = 12,
                 .tenant = "default",
                 .dataset = "logs",
                 .retention_class = "default",
                 .day = 20413,
                 .rows = 5,
                 .bytes = 4096,
                 .time_min = 1'763'719'200'000'000'000,
                 .time_max = 1'763'719'201'000'000'000,
                 .seq_min = 1000,
                 .seq_max = 1004,
                 .stored_time = 1'763'719'202'000'000'000,
                 .rewrites = 0}};
  edit.removed = {3};
  edit.flushed = {{1000, 1005}};
  edit.deletes = {{12, {.row_groups = {{0, {{1, 2}}}}, .since = 1'763'719'203'000'000'000}}};
  EXPECT_EQ(base::hex_dump(encode_edit(edit)), base::page_example("docs/formats/manifest.md", "edit"));
}

TEST(FormatPage, ManifestFile) {
  os::SimDisk disk(1);
  os::SeededRng rng(1);
  ASSERT_TRUE(Manifest::open(disk, rng, "/m").ok());
  std::string bytes = disk.contents("/m/MANIFEST-00000001.a");
  EXPECT_EQ(bytes, disk.contents("/m/MANIFEST-00000001.b"));
  bytes.resize(bytes.find_last_not_of('\0') / 8 * 8 + 8);
  EXPECT_EQ(base::hex_dump(bytes), base::page_example("docs/formats/manifest.md", "file"));
}

}  // namespace
}  // namespace clew::logstore
