#include "logstore/rows.h"

#include <gtest/gtest.h>

#include "logstore/log_store.h"
#include "logstore/test_store.h"

namespace clew::logstore {
namespace {

using testing::make_write;
using testing::TestStore;

model::Origins origins_of(const TestStore& t, const std::string& field) {
  auto fields = t.store->fields({}, "logs");
  for (const contract::FieldInfo& known : fields.ok() ? *fields : std::vector<contract::FieldInfo>()) {
    if (known.name == field) return known.origins;
  }
  return 0;
}

TEST(Fields, KeepTheirOriginsWhenAWriteIsCutIntoPieces) {
  constexpr uint32_t kRows = contract::kGranuleRowsMax + 10;
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  contract::Write write = make_write("logs", 0, kRows);
  write.batches[0].column("amount")->note_origins(model::bit(model::Origin::kParser));
  write.batches[0].column("n")->note_origins(model::bit(model::Origin::kResource));
  ASSERT_EQ(t.write(std::move(write))->rows, kRows);
  EXPECT_EQ(origins_of(t, "amount"), model::bit(model::Origin::kParser));
  EXPECT_EQ(origins_of(t, "n"), model::bit(model::Origin::kResource));
}

TEST(Fields, KeepTheirOriginsWhenRowsAreLeftOut) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  contract::Write write = make_write("logs", 0, 3);
  for (uint32_t row = 0; row < 3; ++row) {
    write.batches[0].column("_id")->add_string(row, row == 2 ? "y" : "x");
    write.creates.push_back({0, row});
  }
  write.batches[0].column("n")->note_origins(model::bit(model::Origin::kResource));
  ASSERT_EQ(t.write(std::move(write))->rows, 2u);
  EXPECT_EQ(origins_of(t, "n"), model::bit(model::Origin::kResource));
}

}  // namespace
}  // namespace clew::logstore
