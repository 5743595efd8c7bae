#include "columnar/part.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "columnar/chunk_encoder.h"
#include "columnar/lanes.h"
#include "columnar/part_format.h"
#include "columnar/rest_gather.h"
#include "columnar/row_group.h"
#include "model/rest.h"

namespace clew::columnar {

struct BatchEncoder::State {
  explicit State(Use use)
      : chunks(use == Use::kTransferPlain ? codec::Effort::kNone : codec::Effort::kFast,
               use == Use::kKeep ? Cuts::kTemplates : Cuts::kNothing) {}
  ChunkEncoder chunks;
  Lanes lanes;
  std::shared_ptr<IdFilters> ids;
  std::string data;
  std::string head;
  std::vector<RestName> rest_names;
};

BatchEncoder::BatchEncoder(Use use) : state_(std::make_unique<State>(use)) {}
BatchEncoder::~BatchEncoder() = default;

namespace {

bool holds_ids(const Chunk& chunk) {
  return chunk.only(model::Kind::kString) && (chunk.text_form == TextForm::kHex || chunk.text_form == TextForm::kUuid);
}

}  // namespace

IdFiltersPtr BatchEncoder::take_ids() {
  std::shared_ptr<IdFilters> ids = std::move(state_->ids);
  return ids && !ids->empty() ? ids : nullptr;
}

std::string BatchEncoder::encode(const model::Batch& batch) {
  CHECK(batch.rows() > 0 && batch.rows() <= kPartRowsMax, batch.rows());
  const model::Column* time = batch.find(model::kTimeField);
  CHECK(time && time->values_count() == batch.rows() && time->ints().size() == batch.rows(), batch.rows());
  State& s = *state_;
  s.data.clear();
  s.rest_names.clear();
  s.ids = std::make_shared<IdFilters>();
  Directory directory;
  directory.rows = batch.rows();
  auto [least, most] = std::minmax_element(time->ints().begin(), time->ints().end());
  directory.time_min = *least;
  directory.time_max = *most;
  for (const auto& column : batch.columns()) {
    if (column->values_count() == 0) continue;
    ColumnView view = s.lanes.view_of(*column, batch.rows());
    const int64_t* times = column.get() == time ? nullptr : time->ints().data();
    directory.chunks.push_back(s.chunks.encode(view, times, s.data.size(), s.data));
    if (holds_ids(directory.chunks.back())) s.ids->add(view);
    if (column->name() == model::kRestField) {
      Result<std::vector<RestName>> names = rest_names_of(view);
      CHECK(names.ok());
      s.rest_names = std::move(names).take();
      set_rest_names(s.rest_names, codec::Method::kLz4, directory);
    }
  }
  directory.data_bytes = s.data.size();
  s.head.clear();
  base::Writer(s.head).string(batch.dataset());
  write_directory(directory, s.head);
  std::string out;
  out.reserve(kPartHeaderBytes + s.head.size() + s.data.size());
  write_part_header(s.head, out);
  out.append(s.head);
  out.append(s.data);
  return out;
}

const std::vector<RestName>& BatchEncoder::rest_names() const { return state_->rest_names; }

void write_part_header(std::string_view head, std::string& out) {
  base::Writer w(out);
  size_t begin = out.size();
  w.bytes(kPartMagic);
  w.u16(kPartVersion);
  w.u16(0);
  w.u32(static_cast<uint32_t>(head.size()));
  w.u32(base::crc32c(head, base::crc32c(std::string_view(out).substr(begin))));
}

Result<PartHead> read_part_head(const ByteSource& source) {
  Bytes fixed = CLEW_TRY(source.read(0, kPartHeaderBytes));
  base::Reader in(fixed.view);
  if (in.bytes(kPartMagic.size()) != kPartMagic) return Error(Code::kCorrupt, "no part: another magic");
  uint16_t version = in.u16();
  in.skip(2);
  uint32_t head_bytes = in.u32();
  uint32_t crc = in.u32();
  Bytes head = CLEW_TRY(source.read(kPartHeaderBytes, head_bytes));
  if (base::crc32c(head.view, base::crc32c(fixed.view.substr(0, kPartHeaderBytes - 4))) != crc) {
    return Error(Code::kCorrupt, "checksum of a part's head");
  }
  if (version > kPartVersion) return Error(Code::kUnsupported, "part version " + std::to_string(version));
  base::Reader body(head.view);
  PartHead part;
  part.dataset = body.string();
  part.directory = CLEW_TRY(read_directory(head.view.substr(body.position()), kPartRowsMax));
  // Whoever sends a part sends its values; lines composed of others are made here, in row groups.
  bool composed = std::any_of(part.directory.chunks.begin(), part.directory.chunks.end(),
                              [](const Chunk& c) { return c.text_form == TextForm::kComposed; });
  if (composed) return Error(Code::kCorrupt, "composed lines in a part");
  part.data_offset = kPartHeaderBytes + head_bytes;
  if (part.data_offset + part.directory.data_bytes != source.bytes()) {
    return Error(Code::kCorrupt, "a part of another length");
  }
  return part;
}

namespace {

Result<std::shared_ptr<const RowGroup>> open_source(const ByteSource& source, std::vector<CommitRange> commits,
                                                    IdFiltersPtr ids) {
  PartHead head = CLEW_TRY(read_part_head(source));
  auto dataset = std::make_shared<const std::string>(std::move(head.dataset));
  auto ranges = std::make_shared<const std::vector<CommitRange>>(std::move(commits));
  return std::make_shared<const RowGroup>(dataset, std::move(head.directory), source.from(head.data_offset),
                                          Seqs::kFromCommits, ranges, std::move(ids));
}

// Later readers rely on it.
Status check_rest(const model::Column& rest) {
  for (size_t i = 0; i < rest.text_ends().size(); ++i) {
    model::RestReader reader(rest.text_at(i));
    model::RestField field;
    while (reader.next(field)) {
    }
    CLEW_TRY(reader.status());
  }
  return {};
}

// Few bytes may stand for many: the same text in every row.
Status append_block(const BlockValues& values, uint32_t first_row, uint64_t& text_bytes_left, model::Column& to) {
  for (uint32_t i = 0; i < values.rows; ++i) {
    uint8_t kind = values.kind_at(i);
    if (kind == kAbsent) continue;
    model::RestField field{.name = {}, .kind = static_cast<model::Kind>(kind), .scale = 0, .lane = 0, .text = {}};
    if (lane_is_int(kind)) field.lane = values.ints[i];
    if (field.kind == model::Kind::kDecimal) field.scale = values.scale_at(i);
    if (lane_is_text(kind)) field.text = values.text_at(i);
    if (field.text.size() > text_bytes_left) return Error(Code::kTooLarge, "a part whose texts are too long in all");
    text_bytes_left -= field.text.size();
    model::add_value(to, first_row + i, field);
  }
  return {};
}

}  // namespace

Result<RowSourcePtr> open_part(std::shared_ptr<const os::File> file, uint64_t offset, uint64_t bytes,
                               std::vector<CommitRange> commits, IdFiltersPtr ids) {
  RowSourcePtr source =
      CLEW_TRY(open_source(ByteSource(std::move(file), offset, bytes), std::move(commits), std::move(ids)));
  return source;
}

Result<RowSourcePtr> open_part(std::shared_ptr<const std::string> bytes, std::vector<CommitRange> commits) {
  RowSourcePtr source = CLEW_TRY(open_source(ByteSource(std::move(bytes)), std::move(commits), nullptr));
  return source;
}

Result<model::Batch> decode_batch(std::string_view bytes, uint64_t text_bytes_max) {
  auto group = CLEW_TRY(open_source(ByteSource(std::make_shared<const std::string>(bytes)), {}, nullptr));
  model::Batch batch(group->dataset());
  for (uint32_t i = 0; i < group->rows(); ++i) (void)batch.begin_row();
  for (const Chunk& chunk : group->directory().chunks) {
    if (chunk.name.empty() || chunk.name.size() > model::kFieldNameBytesMax) {
      return Error(Code::kCorrupt, "a column's name has no or too many bytes");
    }
    ChunkEntries entries = CLEW_TRY(group->entries(chunk, nullptr));
    model::Column* column = batch.column(chunk.name);
    if (column->values_count() > 0) return Error(Code::kCorrupt, "two columns of one name");
    column->note_origins(chunk.origins);
    for (uint32_t b = 0; b < chunk.blocks.size(); ++b) {
      BlockValues values = CLEW_TRY(group->block(chunk, b, entries, nullptr));
      CLEW_TRY(append_block(values, b * kBlockRows, text_bytes_max, *column));
    }
    if (chunk.name == model::kRestField) CLEW_TRY(check_rest(*column));
  }
  return batch;
}

}  // namespace clew::columnar
