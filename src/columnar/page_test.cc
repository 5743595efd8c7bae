// The examples of docs/formats/batch.md and docs/formats/segment.md are what the code writes; inspection shows what is
// there.
#include <gtest/gtest.h>

#include "base/test_page.h"
#include "columnar/inspect.h"
#include "columnar/part.h"
#include "columnar/segment_format.h"
#include "columnar/test_rows.h"
#include "os/sim_disk.h"

namespace clew::columnar {
namespace {

model::Batch example() {
  model::Batch batch("logs");
  for (uint32_t i = 0; i < 2; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, 1'763'719'200'000'000'000 + i * 1'000'000'000);
    batch.column("level")->add_string(row, "INFO");
    batch.column("ms")->add_int(row, i == 0 ? 12 : 7);
  }
  return batch;
}

TEST(Page, Part) {
  EXPECT_EQ(base::hex_dump(BatchEncoder().encode(example())), base::page_example("docs/formats/batch.md", "part"));
}

TEST(Page, Trailer) {
  std::string bytes;
  write_trailer({.tail_offsets = {4096, 5096}, .tail_bytes = 1000, .tail_crc = 0x12345678, .file_bytes = 6140}, bytes);
  ASSERT_EQ(bytes.size(), kTrailerBytes);
  EXPECT_EQ(base::hex_dump(bytes), base::page_example("docs/formats/segment.md", "trailer"));
}

TEST(Page, Tail) {
  Tail tail;
  tail.identity = {.tenant = "default", .dataset = "logs", .day = 20413, .retention_class = "default"};
  tail.summary = {.rows = 2,
                  .file_bytes = 0,
                  .row_groups = 0,
                  .time_min = 1'763'719'200'000'000'000,
                  .time_max = 1'763'719'201'000'000'000,
                  .seq_min = 1,
                  .seq_max = 2};
  tail.commits = {{Seq(1), 2, {"shop", 7}, UnixNanos(1'763'719'202'000'000'000), 0, 2}};
  std::string bytes;
  write_tail_body(tail, bytes);
  EXPECT_EQ(base::hex_dump(bytes), base::page_example("docs/formats/segment.md", "tail"));
}

TEST(Inspect, ShowsAPart) {
  auto text = describe_part(BatchEncoder().encode(example()));
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("dataset \"logs\""), std::string::npos) << *text;
  EXPECT_NE(text->find("ms: int, 2 values"), std::string::npos) << *text;
  EXPECT_NE(text->find("[7 .. 12]"), std::string::npos) << *text;
}

TEST(Inspect, ShowsWhatIsLeftOfADamagedSegment) {
  os::SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("/s").ok());
  auto part = open_part(std::make_shared<const std::string>(BatchEncoder().encode(testing::random_batch(3, 300))),
                        testing::commits_for(1, 300));
  auto writer = create_segment(disk, "/s/a.seg", {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""});
  std::vector<RowRef> rows;
  for (uint32_t r = 0; r < 300; ++r) rows.push_back({0, r});
  std::vector<RowSourcePtr> sources = {*part};
  ASSERT_TRUE((*writer)->add_row_group(sources, rows).ok());
  ASSERT_TRUE((*writer)->finish(testing::commits_for(1, 300)).ok());
  auto whole = describe_segment(disk, "/s/a.seg");
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->find("DAMAGED"), std::string::npos);
  EXPECT_NE(whole->find("rows 300"), std::string::npos);
  auto file = disk.open("/s/a.seg", os::OpenMode::kReadWrite);
  std::string bytes = disk.contents("/s/a.seg");
  ASSERT_TRUE(
      (*file)->write_at(kTrailerBytes + 40, std::string(1, static_cast<char>(bytes[kTrailerBytes + 40] ^ 1))).ok());
  auto damaged = describe_segment(disk, "/s/a.seg");
  ASSERT_TRUE(damaged.ok());
  EXPECT_NE(damaged->find("DAMAGED"), std::string::npos);
  EXPECT_NE(damaged->find("service.name"), std::string::npos);
  auto columns = segment_bytes_by_column(disk, "/s/a.seg");
  ASSERT_TRUE(columns.ok());
  EXPECT_GT((*columns)["f4"], 4000u);  // 16 bytes an id
}

}  // namespace
}  // namespace clew::columnar
