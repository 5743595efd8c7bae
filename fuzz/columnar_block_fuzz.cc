// Any bytes as a block, a directory and templates: an error, or values that a block of their own gives back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "codec/ints.h"
#include "columnar/block.h"
#include "columnar/directory.h"
#include "model/column.h"

namespace {

using namespace clew;
using columnar::BlockValues;

bool same(const BlockValues& a, const BlockValues& b) {
  for (uint32_t row = 0; row < a.rows; ++row) {
    uint8_t kind = a.kind_at(row);
    if (kind != b.kind_at(row)) return false;
    if (columnar::lane_is_int(kind) && a.ints[row] != b.ints[row]) return false;
    if (kind == static_cast<uint8_t>(model::Kind::kDecimal) && a.scale_at(row) != b.scale_at(row)) return false;
    if (columnar::lane_is_text(kind) && a.text_at(row) != b.text_at(row)) return false;
  }
  return true;
}

void check_block(std::string_view bytes, uint32_t rows, uint16_t kinds) {
  std::vector<int64_t> times(rows, 1'763'719'200'123'456'789);
  columnar::BlockContext context;
  context.kinds = kinds;
  context.times = times.data();
  auto values = columnar::decode_block(bytes, rows, context);
  if (!values.ok()) return;
  columnar::BlockScratch scratch;
  columnar::BlockPlan plan;
  plan.one_kind = (kinds & (kinds - 1)) == 0;
  std::string again;
  columnar::encode_block(columnar::view_of("f", *values), 0, rows, plan, scratch, again);
  auto back = columnar::decode_block(again, rows, context);
  if (!back.ok() || !same(*values, *back)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes < 4) return 0;
  std::string_view in(reinterpret_cast<const char*>(data), bytes);
  auto rows = static_cast<uint32_t>(1 + (data[0] | data[1] << 8) % columnar::kBlockRows);
  auto kinds = static_cast<uint16_t>((data[2] | data[3] << 8) & 0x0fff);
  check_block(in.substr(4), rows, kinds == 0 ? 1 << static_cast<int>(model::Kind::kString) : kinds);
  auto directory = columnar::read_directory(in, columnar::kRowGroupRowsMax);
  if (directory.ok()) {
    std::string again;
    columnar::write_directory(*directory, again);
    auto back = columnar::read_directory(again, columnar::kRowGroupRowsMax);
    if (!back.ok() || back->rows != directory->rows || back->chunks.size() != directory->chunks.size()) std::abort();
  }
  auto texts = std::make_shared<columnar::Dictionary>();
  texts->entries = {in};
  (void)columnar::parse_templates(texts).ok();
  return 0;
}
