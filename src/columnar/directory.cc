#include "columnar/directory.h"

#include <algorithm>

namespace clew::columnar {
namespace {

constexpr unsigned kTextFormBits = 3;  // of the byte that has the origins above them
static_assert(static_cast<unsigned>(TextForm::kComposed) < 1u << kTextFormBits);
static_assert(kTextFormBits + model::kOriginCount <= 8);

void write_stats(const ChunkStats& stats, base::Writer& w) {
  w.u8(static_cast<uint8_t>(stats.form));
  switch (stats.form) {
    case StatsForm::kNone: break;
    case StatsForm::kInts:
      w.varint_signed(stats.int_min);
      w.varint_signed(stats.int_max);
      break;
    case StatsForm::kNumbers:
      w.f64(stats.number_min);
      w.f64(stats.number_max);
      break;
    case StatsForm::kTexts:
      w.string(stats.text_min);
      w.string(stats.text_max);
      break;
  }
}

Status read_stats(base::Reader& in, ChunkStats& stats) {
  uint8_t form = in.u8();
  if (form > static_cast<uint8_t>(StatsForm::kTexts)) return Error(Code::kUnsupported, "unknown form of statistics");
  stats.form = static_cast<StatsForm>(form);
  if (stats.form == StatsForm::kInts) {
    stats.int_min = in.varint_signed();
    stats.int_max = in.varint_signed();
  } else if (stats.form == StatsForm::kNumbers) {
    stats.number_min = in.f64();
    stats.number_max = in.f64();
  } else if (stats.form == StatsForm::kTexts) {
    stats.text_min = in.string();
    stats.text_max = in.string();
  }
  return in.status();
}

void write_dictionary_place(const DictionaryPlace& place, base::Writer& w) {
  w.u8(static_cast<uint8_t>(place.form));
  if (place.form == DictionaryForm::kNone) return;
  w.varint(place.entries);
  w.string(place.inlined);
  if (!place.inlined.empty()) return;
  w.varint(place.bytes);
  w.u32(place.crc);
  w.varint(place.offsets[0]);
  w.varint(place.offsets[1]);
}

Status read_dictionary_place(base::Reader& in, uint64_t data_bytes, DictionaryPlace& place) {
  uint8_t form = in.u8();
  if (form > static_cast<uint8_t>(DictionaryForm::kTemplates)) {
    return Error(Code::kUnsupported, "unknown form of dictionary");
  }
  place.form = static_cast<DictionaryForm>(form);
  if (place.form == DictionaryForm::kNone) return in.status();
  place.entries = static_cast<uint32_t>(in.varint_max(kDictionaryEntriesMax));
  place.inlined = in.string();
  if (!place.inlined.empty()) return in.status();
  place.bytes = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
  place.crc = in.u32();
  for (uint64_t& offset : place.offsets) {
    offset = in.varint_max(data_bytes);
    if (place.bytes > data_bytes - offset) return Error(Code::kCorrupt, "a dictionary outside of its row group");
  }
  return in.status();
}

void write_references(const std::vector<Reference>& references, base::Writer& w) {
  w.varint(references.size());
  for (const Reference& r : references) {
    w.u8(static_cast<uint8_t>(r.of));
    w.string(r.name);
    if (r.of != Reference::Of::kTime) continue;
    w.varint_signed(r.offset_seconds);
    w.varint_signed(r.shift);
  }
}

Status read_references(base::Reader& in, std::vector<Reference>& references) {
  references.resize(in.varint_max(kReferencesMax));
  for (Reference& r : references) {
    uint8_t of = in.u8();
    if (of > static_cast<uint8_t>(Reference::Of::kTime)) return Error(Code::kUnsupported, "unknown kind of reference");
    r.of = static_cast<Reference::Of>(of);
    r.name = in.string();
    if (r.of != Reference::Of::kTime) continue;
    int64_t offset = in.varint_signed();
    if (offset != static_cast<int32_t>(offset)) return Error(Code::kCorrupt, "a zone beyond a day");
    r.offset_seconds = static_cast<int32_t>(offset);
    r.shift = in.varint_signed();
  }
  return in.status();
}

void write_chunk(const Chunk& chunk, base::Writer& w) {
  w.string(chunk.name);
  w.u16(chunk.kinds);
  w.varint(chunk.values);
  w.varint(chunk.nulls);
  w.u8(static_cast<uint8_t>(static_cast<unsigned>(chunk.text_form) | unsigned{chunk.origins} << kTextFormBits));
  if (chunk.text_form == TextForm::kComposed) write_references(chunk.references, w);
  write_stats(chunk.stats, w);
  write_dictionary_place(chunk.dictionary, w);
  w.varint(chunk.blocks.empty() ? 0 : chunk.blocks[0].offset);
  for (const BlockPlace& block : chunk.blocks) {
    w.varint(block.bytes);
    if (block.bytes > 0) w.u32(block.crc);
  }
}

Status read_chunk(base::Reader& in, const Directory& directory, Chunk& chunk) {
  chunk.name = in.string();
  chunk.kinds = in.u16();
  chunk.values = static_cast<uint32_t>(in.varint_max(directory.rows));
  chunk.nulls = static_cast<uint32_t>(in.varint_max(directory.rows));
  uint8_t form = in.u8();
  chunk.text_form = static_cast<TextForm>(form & ((1u << kTextFormBits) - 1));
  chunk.origins = static_cast<model::Origins>(form >> kTextFormBits);
  if (chunk.text_form == TextForm::kComposed) CLEW_TRY(read_references(in, chunk.references));
  CLEW_TRY(read_stats(in, chunk.stats));
  CLEW_TRY(read_dictionary_place(in, directory.data_bytes, chunk.dictionary));
  uint64_t offset = in.varint_max(directory.data_bytes);
  chunk.blocks.resize(blocks_of(directory.rows));
  for (BlockPlace& block : chunk.blocks) {
    block.offset = offset;
    block.bytes = static_cast<uint32_t>(in.varint_max(std::min<uint64_t>(UINT32_MAX, directory.data_bytes - offset)));
    if (block.bytes > 0) block.crc = in.u32();
    offset += block.bytes;
  }
  return in.status();
}

void write_minutes(const std::vector<contract::MinuteCount>& minutes, base::Writer& w) {
  w.varint(minutes.size());
  int64_t last = 0;
  for (const contract::MinuteCount& m : minutes) {
    w.varint_signed(m.minute - last);
    last = m.minute;
    w.string(m.level);
    w.varint(m.count);
  }
}

Status read_minutes(base::Reader& in, std::vector<contract::MinuteCount>& minutes) {
  uint64_t count = in.varint_max(in.remaining());
  minutes.reserve(count);
  int64_t minute = 0;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    minute = static_cast<int64_t>(static_cast<uint64_t>(minute) + static_cast<uint64_t>(in.varint_signed()));
    std::string level(in.string());
    minutes.push_back({minute, std::move(level), in.varint()});
  }
  return in.status();
}

bool counts_entries(const Chunk& chunk) { return !chunk.entry_rows.empty(); }

// Nothing at all when no chunk has counts: directories of builds that kept none end before.
void write_entry_rows(const std::vector<Chunk>& chunks, base::Writer& w) {
  auto counted = static_cast<uint64_t>(std::count_if(chunks.begin(), chunks.end(), counts_entries));
  if (counted == 0) return;
  w.varint(counted);
  uint64_t last = 0;
  for (uint64_t i = 0; i < chunks.size(); ++i) {
    if (!counts_entries(chunks[i])) continue;
    w.varint(i - last);
    last = i;
    for (uint32_t rows : chunks[i].entry_rows) w.varint(rows);
  }
}

Status read_entry_rows(base::Reader& in, std::vector<Chunk>& chunks) {
  if (in.failed() || in.remaining() == 0) return in.status();
  uint64_t counted = in.varint_max(chunks.size());
  uint64_t number = 0;
  for (uint64_t i = 0; i < counted && !in.failed(); ++i) {
    number += in.varint_max(chunks.size());
    if (number >= chunks.size()) return Error(Code::kCorrupt, "counts of a column that is not there");
    Chunk& chunk = chunks[number];
    bool fits = chunk.dictionary.form == DictionaryForm::kTexts && chunk.dictionary.entries <= kCountedEntriesMax;
    if (!fits || counts_entries(chunk)) return Error(Code::kCorrupt, "counts of a column that has none");
    uint64_t sum = 0;
    for (uint32_t entry = 0; entry < chunk.dictionary.entries; ++entry) {
      sum += chunk.entry_rows.emplace_back(static_cast<uint32_t>(in.varint_max(chunk.values)));
    }
    if (sum != chunk.values - chunk.nulls) return Error(Code::kCorrupt, "counts of another number of rows");
  }
  return in.status();
}

}  // namespace

uint64_t Chunk::stored_bytes() const {
  uint64_t n = dictionary.inlined.size() + 2ull * dictionary.bytes;
  for (const BlockPlace& block : blocks) n += block.bytes;
  return n;
}

const Chunk* Directory::find(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &chunks[it->second];
}

void Directory::index_names() {
  by_name_.clear();
  by_name_.reserve(chunks.size());
  for (uint32_t i = 0; i < chunks.size(); ++i) by_name_.emplace(chunks[i].name, i);
}

void write_directory(const Directory& directory, std::string& out) {
  base::Writer w(out);
  w.varint(directory.rows);
  w.i64(directory.time_min);
  w.i64(directory.time_max);
  w.varint(directory.data_bytes);
  w.varint(directory.chunks.size());
  for (const Chunk& chunk : directory.chunks) write_chunk(chunk, w);
  write_minutes(directory.minutes, w);
  w.varint(directory.rest_names.size());
  uint32_t last = 0;
  for (uint32_t hash : directory.rest_names) {
    w.varint(hash - last);
    last = hash;
  }
  w.string(directory.rest_table);
  write_entry_rows(directory.chunks, w);
}

void write_rest_table(const std::vector<RestName>& names, codec::Method method, std::string& out) {
  std::string raw;
  base::Writer w(raw);
  std::string_view last;
  for (const RestName& rest : names) {
    auto same = std::mismatch(last.begin(), last.end(), rest.name.begin(), rest.name.end()).first;
    auto shared = static_cast<size_t>(same - last.begin());
    w.varint(shared);
    w.string(std::string_view(rest.name).substr(shared));
    w.u16(rest.kinds);
    last = rest.name;
  }
  codec::write_packed(raw, method, out);
}

Result<std::vector<RestName>> read_rest_table(std::string_view table) {
  std::vector<RestName> names;
  if (table.empty()) return names;
  base::Reader packed(table);
  std::string raw;
  CLEW_TRY(codec::read_packed(packed, raw));
  CLEW_TRY(packed.finish());
  base::Reader in(raw);
  std::string name;
  while (in.remaining() > 0 && !in.failed()) {
    name.resize(in.varint_max(name.size()));
    name += in.string();
    if (!names.empty() && name <= names.back().name) return Error(Code::kCorrupt, "names in _rest do not rise");
    names.push_back({name, in.u16()});
  }
  CLEW_TRY(in.finish());
  return names;
}

Result<Directory> read_directory(std::string_view bytes, uint32_t rows_max) {
  base::Reader in(bytes);
  Directory d;
  d.rows = static_cast<uint32_t>(in.varint_max(rows_max));
  d.time_min = in.i64();
  d.time_max = in.i64();
  d.data_bytes = in.varint_max(UINT64_MAX >> 1);
  uint64_t chunks = in.varint_max(std::min<uint64_t>(kColumnsInDirectoryMax, in.remaining()));
  if (!in.failed() && d.rows == 0) return Error(Code::kCorrupt, "a row group without rows");
  for (uint64_t i = 0; i < chunks && !in.failed(); ++i) {
    Chunk chunk;
    CLEW_TRY(read_chunk(in, d, chunk));
    d.chunks.push_back(std::move(chunk));
  }
  CLEW_TRY(in.status());
  CLEW_TRY(read_minutes(in, d.minutes));
  uint64_t names = in.varint_max(in.remaining());
  d.rest_names.reserve(names);
  uint32_t last = 0;
  for (uint64_t i = 0; i < names; ++i) d.rest_names.push_back(last += static_cast<uint32_t>(in.varint_max(UINT32_MAX)));
  d.rest_table = in.string();
  CLEW_TRY(read_entry_rows(in, d.chunks));
  CLEW_TRY(in.finish());
  d.index_names();
  return d;
}

}  // namespace clew::columnar
