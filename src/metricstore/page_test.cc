// The examples of docs/formats/metric-part.md and metric-store.md are what the code writes.
#include <gtest/gtest.h>

#include "base/test_page.h"
#include "metricstore/metric_record.h"
#include "metricstore/part.h"
#include "metricstore/store_files.h"
#include "os/sim_disk.h"

namespace clew::metricstore {
namespace {

constexpr int64_t kTen = 1'796'032'800'000;

TEST(Page, Part) {
  os::SimDisk disk(1);
  std::unique_ptr<os::File> file = std::move(disk.open("part", os::OpenMode::kReplace)).take();
  PartWriter writer(*file);
  model::SampleColumns samples;
  samples.millis = {kTen, kTen + 15'000};
  samples.values = {1, 2.5};
  ASSERT_TRUE(writer.add(3, samples).ok());
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_EQ(base::hex_dump(disk.contents("part")), base::page_example("docs/formats/metric-part.md", "part"));
}

TEST(Page, Manifest) {
  os::SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("m").ok());
  MetricManifest manifest{.next_part = 9,
                          .series_log = 1,
                          .series_log_bytes = 300,
                          .replayed_file = 2,
                          .replayed_end = 4096,
                          .parts = {{.number = 8, .day = 20787, .level = 1, .first = 2}},
                          .tombstones = {{.before_part = 9,
                                          .from_millis = kTen,
                                          .to_millis = kTen + 15'000,
                                          .series = SeriesRuns::of(std::vector<SeriesId>{3, 4, 5, 9})}}};
  ASSERT_TRUE(write_manifest(disk, "m", manifest).ok());
  EXPECT_EQ(base::hex_dump(disk.contents("m/MANIFEST")),
            base::page_example("docs/formats/metric-store.md", "manifest"));
}

TEST(Page, Record) {
  model::Labels labels = model::Labels::of({{"__name__", "up"}, {"job", "a"}});
  model::MetricBatch batch;
  batch.begin_series(labels);
  batch.add_sample(kTen, 1);
  std::vector<std::pair<SeriesId, model::Labels>> defined{{3, labels}};
  std::vector<SeriesId> ids{3};
  std::string bytes;
  encode_record(defined, ids, batch, bytes);
  EXPECT_EQ(base::hex_dump(bytes), base::page_example("docs/formats/metric-store.md", "record"));
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_record(std::string_view(bytes).substr(0, n)).ok()) << n;
  }
}

}  // namespace
}  // namespace clew::metricstore
