#include "columnar/chunk_encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "columnar/stats.h"
#include "columnar/typed_text.h"
#include "model/batch.h"

namespace clew::columnar {
namespace {

constexpr size_t kPrintedPageBytes = 64 * 1024;

// A dictionary is given up when after so many texts more than a share of them were new. A column of a few thousand
// values begins with mostly new ones; whether it goes on so, only many rows can show: few give up at half.
struct Trial {
  uint32_t texts;
  uint32_t distinct_max;
};
constexpr std::array<Trial, 3> kTrials = {{{512, 480}, {4096, 2560}, {16384, 6144}}};

bool given_up(uint32_t texts, size_t distinct, uint32_t rows) {
  if (texts == kTrials[0].texts && rows < kTrials[1].texts) return distinct > texts / 2;
  for (const Trial& trial : kTrials) {
    if (texts == trial.texts && distinct > trial.distinct_max) return true;
  }
  return false;
}

// Templates that were parsed before always parse.
TemplatesPtr parsed_templates(const std::vector<std::string_view>& entries) {
  auto texts = std::make_shared<Dictionary>();
  texts->entries = entries;
  Result<TemplatesPtr> parsed = parse_templates(std::move(texts));
  CHECK(parsed.ok());
  return std::move(parsed).take();
}

void count_kinds(const ColumnView& column, Chunk& chunk) {
  uint32_t counts[256] = {};
  if (column.kinds) {
    for (uint32_t i = 0; i < column.rows; ++i) ++counts[column.kinds[i]];
  } else {
    counts[column.kind] = column.rows;
  }
  chunk.values = column.rows - counts[kAbsent];
  chunk.nulls = counts[static_cast<uint8_t>(model::Kind::kNull)];
  for (int k = 0; k < 16; ++k) {
    if (counts[k] > 0) chunk.kinds = static_cast<uint16_t>(chunk.kinds | 1u << k);
  }
}

// Rows with each entry of the dictionary; none where values other than texts and nulls occur.
std::vector<uint32_t> rows_of_entries(const ColumnView& column, const Chunk& chunk, const uint32_t* codes,
                                      size_t entries) {
  constexpr uint32_t kCounted =
      1u << static_cast<int>(model::Kind::kString) | 1u << static_cast<int>(model::Kind::kNull);
  std::vector<uint32_t> rows;
  if (entries > kCountedEntriesMax || (chunk.kinds & ~kCounted) != 0) return rows;
  rows.resize(entries);
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!column.kinds || lane_is_text(column.kinds[row])) ++rows[codes[row]];
  }
  return rows;
}

// Whether every row has the same text, as fields of an agent's own have (host.name): told by one comparison of the lane
// with itself.
bool is_one_text(const ColumnView& column) {
  if (column.kinds || column.rows < 2 || column.texts[0].empty()) return false;
  std::string_view first = column.texts[0];
  if (column.texts[1] != first) return false;
  for (uint32_t row = 1; row < column.rows; ++row) {
    std::string_view text = column.texts[row];
    if (text.size() != first.size() || text.data() != first.data() + row * first.size()) return false;
  }
  return std::memcmp(first.data(), first.data() + first.size(), first.size() * (column.rows - 1)) == 0;
}

bool has_texts(uint16_t kinds) {
  for (uint8_t k = 0; k < 16; ++k) {
    if ((kinds >> k & 1) && lane_is_text(k)) return true;
  }
  return false;
}

}  // namespace

Chunk ChunkEncoder::encode(const ColumnView& given, const int64_t* times, uint64_t offset, std::string& data) {
  ColumnView column = given;
  uint64_t data_begin = data.size();
  auto here = [&] { return offset + (data.size() - data_begin); };
  Chunk chunk;
  chunk.name = std::string(column.name);
  chunk.origins = column.origins;
  count_kinds(column, chunk);
  BlockPlan plan;
  plan.effort = effort_;
  plan.one_kind = (chunk.kinds & (chunk.kinds - 1)) == 0;
  plan.times = times;
  if (has_texts(chunk.kinds)) plan_texts(column, plan);
  const std::vector<std::string_view>* entries = nullptr;
  if (plan.text_form == TextForm::kCodes) entries = column.codes ? column.entries : &dictionary_.entries();
  if (plan.text_form == TextForm::kTemplates) entries = &templates_.entries();
  if (entries) {
    std::string bytes;
    write_dictionary(*entries, effort_ == codec::Effort::kFull, bytes);
    bool of_texts = plan.text_form == TextForm::kCodes;
    place_dictionary(of_texts ? DictionaryForm::kTexts : DictionaryForm::kTemplates,
                     static_cast<uint32_t>(entries->size()), std::move(bytes), here(), chunk, data);
    if (!of_texts) entries = nullptr;
  }
  const ChunkStats* bounds = column.templates ? column.templates->bounds : nullptr;
  if (column.typed) bounds = column.typed->bounds;
  chunk.stats = bounds ? *bounds : stats_of(column, chunk, entries);
  scratch_.mixed = false;
  for (uint32_t b = 0; b < blocks_of(column.rows); ++b) {
    BlockPlace place;
    place.offset = here();
    size_t begin = data.size();
    encode_block(column, b * kBlockRows, block_rows(column.rows, b), plan, scratch_, data);
    place.bytes = static_cast<uint32_t>(data.size() - begin);
    if (place.bytes > 0) place.crc = base::crc32c(std::string_view(data).substr(begin));
    chunk.blocks.push_back(place);
  }
  if (!scratch_.mixed) chunk.text_form = plan.text_form;
  if (effort_ == codec::Effort::kFull && chunk.text_form == TextForm::kCodes && entries) {
    chunk.entry_rows = rows_of_entries(column, chunk, plan.codes, entries->size());
  }
  if (words_) collect_words(column, chunk, plan, entries);
  return chunk;
}

// A merged dictionary stays while it is small beside the rows that use it; else the texts are looked at anew.
bool ChunkEncoder::keep_codes(ColumnView& column) {
  size_t bytes = 0;
  for (std::string_view entry : *column.entries) bytes += entry.size();
  size_t entries = column.entries->size();
  if (entries <= 256 || (entries * 4 < column.rows && bytes < column.rows * size_t{4})) return true;
  texts_.assign(column.rows, {});
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (lane_is_text(column.kind_at(row))) texts_[row] = (*column.entries)[column.codes[row]];
  }
  column.codes = nullptr;
  column.texts = texts_.data();
  return false;
}

// The texts of templates, printed: all, or those that `but` keeps whole.
void ChunkEncoder::print_texts(ColumnView& column, const TemplateSet* but) {
  const TemplateLane& lane = *column.templates;
  TemplatesPtr shapes = parsed_templates(*lane.entries);
  printed_.clear();
  texts_.assign(column.texts, column.texts + column.rows);
  std::string* page = nullptr;
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (lane.codes[row] == kWholeText || (but && but->code(row) != TemplateSet::kWhole)) continue;
    if (!page || page->capacity() - page->size() < kPrintedPageBytes / 4) {
      page = &printed_.emplace_back();
      page->reserve(kPrintedPageBytes);
    }
    std::string text;
    print_template(shapes->list[lane.codes[row]], lane.variables[row], text);
    if (text.size() > page->capacity() - page->size()) {
      texts_[row] = printed_.emplace_back(std::move(text));
      page = nullptr;
      continue;
    }
    size_t begin = page->size();
    page->append(text);
    texts_[row] = std::string_view(*page).substr(begin);
  }
  column.texts = texts_.data();
}

// Whether the texts repeat so often that a dictionary may serve better: over many small parts it can where in each of
// them it did not.
bool ChunkEncoder::repeats(const ColumnView& column, const Templates& templates) {
  std::deque<std::string> texts;
  dictionary_.reset(kTrials.back().texts);
  uint32_t count = 0;
  for (uint32_t row = 0; row < column.rows && count < kTrials.back().texts; ++row) {
    uint32_t code = column.templates->codes[row];
    if (code == kWholeText) continue;
    print_template(templates.list[code], column.templates->variables[row], texts.emplace_back());
    dictionary_.code(texts.back());
    if (given_up(++count, dictionary_.entries().size(), column.rows)) return false;
  }
  return dictionary_.entries().size() <= count / 2;
}

// A column that came as templates stays so while they serve it; else its texts are looked at anew.
bool ChunkEncoder::keep_templates(ColumnView& column) {
  TemplatesPtr shapes = parsed_templates(*column.templates->entries);
  bool keep = !repeats(column, *shapes) && templates_.build(column);
  print_texts(column, keep ? &templates_ : nullptr);
  if (!keep) column.templates = nullptr;
  return keep;
}

void ChunkEncoder::print_typed_texts(ColumnView& column) {
  const TypedLane& lane = *column.typed;
  size_t chars = typed_chars_max(lane.form, *lane.values);
  printed_.clear();
  std::string& page = printed_.emplace_back(column.rows * chars, '\0');
  texts_.assign(column.rows, {});
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    char* to = page.data() + row * chars;
    texts_[row] = {to, print_typed(lane.form, *lane.values, row, to)};
  }
  column.typed = nullptr;
  column.texts = texts_.data();
}

// A column that came as typed values stays so, unless they repeat as those of a dictionary do.
bool ChunkEncoder::keep_typed(ColumnView& column) {
  const TypedLane& lane = *column.typed;
  if (lane.form == TextForm::kTime) return true;
  dictionary_.reset(kTrials.back().texts);
  const TypedValues& values = *lane.values;
  uint32_t texts = 0;
  for (uint32_t row = 0; row < column.rows && texts < kTrials.back().texts; ++row) {
    if (!lane_is_text(column.kind_at(row))) continue;
    const char* p = values.each > 0 ? values.bytes.data() + row * values.each
                                    : reinterpret_cast<const char*>(values.numbers.data() + row);
    dictionary_.code({p, values.each > 0 ? values.each : sizeof(int64_t)});
    if (given_up(++texts, dictionary_.entries().size(), column.rows)) return true;
  }
  if (dictionary_.entries().size() > texts / 2) return true;
  print_typed_texts(column);
  return false;
}

void ChunkEncoder::plan_texts(ColumnView& column, BlockPlan& plan) {
  if (column.typed && keep_typed(column)) {
    plan.text_form = column.typed->form;
    return;
  }
  if (column.templates && keep_templates(column)) {
    plan.text_form = TextForm::kTemplates;
    plan.templates = &templates_;
    return;
  }
  if (column.codes && keep_codes(column)) {
    plan.text_form = TextForm::kCodes;
    plan.codes = column.codes;
    return;
  }
  uint32_t first = 0;
  while (!lane_is_text(column.kind_at(first)) || (column.texts[first].empty() && first + 1 < column.rows)) {
    if (++first == column.rows) return;
  }
  TextForm form = form_of_text(column.texts[first]);
  if (form == TextForm::kTime) {
    plan.text_form = form;
    return;
  }
  if (build_dictionary(column)) {
    plan.text_form = TextForm::kCodes;
    plan.codes = codes_.data();
  } else if (form != TextForm::kPlain) {
    plan.text_form = form;
  } else if (cuts_ == Cuts::kTemplates && templates_.build(column)) {
    plan.text_form = TextForm::kTemplates;
    plan.templates = &templates_;
  }
}

bool ChunkEncoder::build_dictionary(const ColumnView& column) {
  dictionary_.reset(kDictionaryEntriesMax);
  if (is_one_text(column)) {
    codes_.assign(column.rows, dictionary_.code(column.texts[0]));
    return true;
  }
  codes_.resize(column.rows);
  uint32_t texts = 0;
  size_t bytes = 0;
  std::string_view last;
  uint32_t last_code = 0;
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (!lane_is_text(column.kind_at(row))) {
      codes_[row] = 0;
      continue;
    }
    std::string_view text = column.texts[row];
    bytes += text.size();
    // What a text is most often equal to is the one before (shapes of documents, a file's path): a comparison beats a
    // hash.
    bool again = text == last && row > 0 && last.data() != nullptr;
    codes_[row] = again ? last_code : dictionary_.code(text);
    last = text;
    last_code = codes_[row];
    if (codes_[row] == DictionaryBuilder::kFullCode) return false;
    if (given_up(++texts, dictionary_.entries().size(), column.rows)) return false;
  }
  // Each entry costs its text and its code; each use its code.
  size_t entries = dictionary_.entries().size();
  return entries == 1 || dictionary_.text_bytes() + entries * 2 + texts * 2 < bytes;
}

void ChunkEncoder::collect_words(const ColumnView& column, const Chunk& chunk, const BlockPlan& plan,
                                 const std::vector<std::string_view>* entries) {
  if (!has_indexed_words(column.name)) return;
  for (uint8_t k = 0; k < 16; ++k) {
    if (chunk.kinds >> k & 1) words_->add_kind(static_cast<model::Kind>(k));
  }
  if (!has_texts(chunk.kinds)) return;
  bool strings = chunk.kinds >> static_cast<int>(model::Kind::kArray) == 0 && column.name != model::kRestField;
  if (strings && entries) {
    words_->add_texts_of(*entries);
  } else if (strings && plan.text_form == TextForm::kTemplates) {
    words_->add_templates(column, templates_);
  } else if (column.typed) {
    words_->add_typed(column);
  } else {
    words_->add_column(column, chunk.text_form);
  }
}

void ChunkEncoder::place_dictionary(DictionaryForm form, uint32_t entries, std::string bytes, uint64_t offset,
                                    Chunk& chunk, std::string& data) {
  DictionaryPlace& place = chunk.dictionary;
  place.form = form;
  place.entries = entries;
  if (bytes.size() <= kInlineDictionaryBytes) {
    place.inlined = std::move(bytes);
    return;
  }
  CHECK(bytes.size() <= UINT32_MAX, bytes.size());
  place.bytes = static_cast<uint32_t>(bytes.size());
  place.crc = base::crc32c(bytes);
  place.offsets[0] = place.offsets[1] = offset;
  data.append(bytes);
  if (effort_ == codec::Effort::kFull) second_copies_.emplace_back(chunk.name, std::move(bytes));
}

void ChunkEncoder::finish_dictionaries(std::vector<Chunk>& chunks, uint64_t offset, std::string& data) {
  uint64_t data_begin = data.size();
  for (auto& [name, bytes] : second_copies_) {
    auto chunk = std::find_if(chunks.begin(), chunks.end(), [&](const Chunk& c) { return c.name == name; });
    CHECK(chunk != chunks.end(), name);
    chunk->dictionary.offsets[1] = offset + (data.size() - data_begin);
    data.append(bytes);
  }
  second_copies_.clear();
}

}  // namespace clew::columnar
