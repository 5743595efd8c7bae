#include "columnar/filter.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "columnar/number_filter.h"
#include "columnar/text_query.h"
#include "columnar/to_vector.h"
#include "columnar/words_block.h"
#include "model/batch.h"
#include "model/rest.h"
#include "model/selection.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using contract::ScanStats;
using model::Kind;
using model::Selection;
using model::without;

constexpr uint16_t bit(Kind kind) { return static_cast<uint16_t>(1u << static_cast<int>(kind)); }

bool all_strings(const model::Values& values) {
  return !values.empty() &&
         std::all_of(values.begin(), values.end(), [](const auto& v) { return v.type() == model::Type::kString; });
}

template <class Keep>
void keep(Selection& rows, Keep test) {
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](uint32_t row) { return !test(row); }), rows.end());
}

// Sets matched[row] for the rows of a block whose text matches.
Status match_template_block(std::string_view bytes, uint32_t rows, uint16_t kinds, const TextQuery& query,
                            const Templates& templates, const std::vector<Verdict>& verdicts,
                            std::vector<uint8_t>& matched) {
  matched.assign(rows, 0);
  return with_texts(bytes, rows, kinds, [&](base::Reader& in, std::span<const uint32_t> where) -> Status {
    if (in.u8() != static_cast<uint8_t>(TextForm::kTemplates)) return Error(Code::kCorrupt, "texts of another form");
    TemplateBlock block = CLEW_TRY(TemplateBlock::read(in, where.size(), templates));
    CLEW_TRY(in.finish());
    std::vector<uint8_t> dense;
    CLEW_TRY(query.matching(block, templates, verdicts, dense));
    for (size_t i = 0; i < where.size(); ++i) matched[where[i]] = dense[i];
    return {};
  });
}

// Rows of a column whose templates or texts match. Requires: the chunk has texts of templates.
Status narrow_templates(const Fields& fields, const Chunk& chunk, const TextQuery& query, uint32_t block,
                        Selection& rows, ScanStats& stats) {
  Fields::Entries entries = CLEW_TRY(fields.entries(chunk, &stats));
  Verdicts verdicts = CLEW_TRY(fields.verdicts(chunk, query));
  bool whole_possible = chunk.text_form != TextForm::kTemplates;
  bool none = std::all_of(verdicts->begin(), verdicts->end(), [](Verdict v) { return v == Verdict::kNone; });
  if (none && !whole_possible) {
    rows.clear();
    return {};
  }
  Bytes bytes = CLEW_TRY(fields.group().block_bytes(chunk, block, &stats));
  stats.blocks_decoded.fetch_add(1, std::memory_order_relaxed);
  std::vector<uint8_t> matched;
  uint32_t count = block_rows(fields.group().rows(), block);
  CLEW_TRY(match_template_block(bytes.view, count, chunk.kinds, query, *entries.read.templates, *verdicts, matched));
  uint32_t begin = block * kBlockRows;
  keep(rows, [&](uint32_t row) { return matched[row - begin] != 0; });
  return {};
}

// Of all rows of a block, those with the code.
void keep_equal(const std::vector<uint32_t>& codes, uint32_t code, uint32_t begin, Selection& rows) {
  size_t kept = 0;
  size_t at = 0;
  __m128i wanted = _mm_set1_epi32(static_cast<int>(code));
  auto equal = [&](size_t i) {
    return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes.data() + i)), wanted);
  };
  for (; at + 16 <= codes.size(); at += 16) {
    __m128i first = _mm_packs_epi32(equal(at), equal(at + 4));
    __m128i second = _mm_packs_epi32(equal(at + 8), equal(at + 12));
    auto hits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(first, second)));
    for (; hits != 0; hits &= hits - 1) {
      rows[kept++] = begin + static_cast<uint32_t>(at) + static_cast<uint32_t>(std::countr_zero(hits));
    }
  }
  for (; at < codes.size(); ++at) {
    if (codes[at] == code) rows[kept++] = begin + static_cast<uint32_t>(at);
  }
  rows.resize(kept);
}

// Keeps of `rows` those whose code has the verdict kAll. Requires: every row has a code, by row of the block.
void keep_codes(const std::vector<uint32_t>& codes, const std::vector<Verdict>& by_code, uint32_t begin,
                Selection& rows) {
  bool all_rows = rows.size() == codes.size();
  if (all_rows && std::count(by_code.begin(), by_code.end(), Verdict::kAll) == 1) {
    auto code = std::find(by_code.begin(), by_code.end(), Verdict::kAll) - by_code.begin();
    return keep_equal(codes, static_cast<uint32_t>(code), begin, rows);
  }
  size_t kept = 0;
  if (all_rows) {
    for (uint32_t i = 0; i < codes.size(); ++i) {
      rows[kept] = begin + i;
      kept += by_code[codes[i]] == Verdict::kAll;
    }
  } else {
    for (uint32_t row : rows) {
      rows[kept] = row;
      kept += by_code[codes[row - begin]] == Verdict::kAll;
    }
  }
  rows.resize(kept);
}

Status narrow_codes(const Fields& fields, const Chunk& chunk, const TextQuery& query, uint32_t block, Selection& rows,
                    ScanStats& stats) {
  Fields::Entries entries = CLEW_TRY(fields.entries(chunk, &stats));
  Verdicts verdicts = CLEW_TRY(fields.verdicts(chunk, query));
  if (std::all_of(verdicts->begin(), verdicts->end(), [](Verdict v) { return v == Verdict::kNone; })) {
    rows.clear();
    return {};
  }
  BlockValues values = CLEW_TRY(fields.read_block(chunk, block, entries.read, stats));
  uint32_t begin = block * kBlockRows;
  const std::vector<Verdict>& by_code = *verdicts;
  if (values.kinds.empty() && values.dictionary) {
    keep_codes(values.codes, by_code, begin, rows);
  } else {
    keep(rows, [&](uint32_t row) {
      return lane_is_text(values.kind_at(row - begin)) && by_code[values.codes[row - begin]] == Verdict::kAll;
    });
  }
  fields.keep_block(chunk, block, std::move(values));
  return {};
}

// Keeps the rows of a block of strings only whose texts match(words, matched) tells, where these are kept as words;
// else gives false.
template <class Match>
Result<bool> narrow_words(std::string_view bytes, uint32_t count, uint16_t kinds, uint32_t begin, Selection& rows,
                          Match match) {
  bool words = false;
  if (bytes.empty() || kinds != bit(Kind::kString)) return false;
  std::vector<uint8_t> matched;
  auto read = [&](base::Reader& in, std::span<const uint32_t> where) -> Status {
    words = in.u8() == static_cast<uint8_t>(TextForm::kWords);
    if (!words) return {};
    WordsBlock block = CLEW_TRY(WordsBlock::read(in, where.size()));
    std::vector<uint8_t> dense;
    match(block, dense);
    matched.assign(count, 0);
    for (size_t i = 0; i < where.size(); ++i) matched[where[i]] = dense[i];
    return in.finish();
  };
  CLEW_TRY(with_texts(bytes, count, kinds, read));
  if (words) keep(rows, [&](uint32_t row) { return matched[row - begin] != 0; });
  return words;
}

// Any column, value by value.
Status narrow_values(const Fields& fields, const Chunk& chunk, const TextQuery& query, uint32_t block, Selection& rows,
                     ScanStats& stats) {
  Fields::Entries entries = CLEW_TRY(fields.entries(chunk, &stats));
  Bytes bytes = CLEW_TRY(fields.group().block_bytes(chunk, block, &stats));
  uint32_t begin = block * kBlockRows;
  if (chunk.text_form != TextForm::kComposed) {
    auto match = [&](const WordsBlock& words, std::vector<uint8_t>& matched) { query.matching(words, matched); };
    uint32_t count = block_rows(fields.group().rows(), block);
    bool words = CLEW_TRY(narrow_words(bytes.view, count, chunk.kinds, begin, rows, match));
    if (words) return {};
  }
  BlockValues values = CLEW_TRY(fields.group().block_of_bytes(chunk, block, bytes, entries.read, &stats));
  keep(rows, [&](uint32_t row) {
    uint8_t kind = values.kind_at(row - begin);
    if (kind == kAbsent) return false;
    if (kind == static_cast<uint8_t>(Kind::kString)) return query.matches(values.text_at(row - begin));
    return query.matches(to_value(field_at(values, row - begin)));
  });
  return {};
}

Status narrow_texts(const Fields& fields, const Chunk& chunk, const TextQuery& query, uint32_t block, Selection& rows,
                    ScanStats& stats) {
  if (!query.possible_in(chunk)) {
    rows.clear();
    return {};
  }
  if (chunk.text_form == TextForm::kComposed) return narrow_values(fields, chunk, query, block, rows, stats);
  bool strings = (chunk.kinds & ~(bit(Kind::kString) | bit(Kind::kNull))) == 0;
  if (strings && chunk.dictionary.form == DictionaryForm::kTexts) {
    return narrow_codes(fields, chunk, query, block, rows, stats);
  }
  if (chunk.kinds == bit(Kind::kString) && chunk.dictionary.form == DictionaryForm::kTemplates) {
    return narrow_templates(fields, chunk, query, block, rows, stats);
  }
  return narrow_values(fields, chunk, query, block, rows, stats);
}

// Rows that have the term in a field of `_rest`.
Status narrow_rest(const Fields& fields, const TextQuery& query, uint32_t block, Selection& rows, ScanStats& stats) {
  BlockValues values = CLEW_TRY(fields.values(model::kRestField, block, stats));
  uint32_t begin = block * kBlockRows;
  keep(rows, [&](uint32_t row) {
    if (!lane_is_text(values.kind_at(row - begin))) return false;
    model::RestReader reader(values.text_at(row - begin));
    model::RestField field;
    while (reader.next(field)) {
      if (query.matches(to_value(field))) return true;
    }
    return false;
  });
  return {};
}

// The raw line of rows that have no other message.
Status narrow_raw(const Fields& fields, const TextQuery& query, uint32_t block, Selection& rows, ScanStats& stats) {
  const Chunk& raw = *fields.group().directory().find(model::kRawField);
  StepsPtr steps = CLEW_TRY(fields.group().names().steps("message"));
  bool only_raw = steps->size() == 1 && (*steps)[0].source == model::kRawField;
  CLEW_TRY(narrow_texts(fields, raw, query, block, rows, stats));
  if (only_raw || rows.empty()) return {};
  model::VectorPtr message = CLEW_TRY(fields.column("message", block, rows, stats));
  Selection kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (query.matches(message->value(i))) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

Status narrow_any_field(const Fields& fields, const TextQuery& query, uint32_t block, Selection& rows,
                        ScanStats& stats) {
  const Directory& directory = fields.group().directory();
  Selection left = rows;
  auto apply = [&](auto narrow) -> Status {
    if (left.empty()) return {};
    Selection some = left;
    CLEW_TRY(narrow(some));
    if (!some.empty()) left = without(left, some);
    return {};
  };
  for (const Chunk& chunk : directory.chunks) {
    if (chunk.name.starts_with('_')) continue;
    CLEW_TRY(apply([&](Selection& some) { return narrow_texts(fields, chunk, query, block, some, stats); }));
  }
  if (directory.find(model::kRawField) && !directory.find("message")) {
    CLEW_TRY(apply([&](Selection& some) { return narrow_raw(fields, query, block, some, stats); }));
  }
  if (!directory.rest_names.empty()) {
    CLEW_TRY(apply([&](Selection& some) { return narrow_rest(fields, query, block, some, stats); }));
  }
  rows = without(rows, left);
  return {};
}

// The one column that answers for the field as it is; null when it is not that simple.
Result<const Chunk*> plain_chunk(const Fields& fields, std::string_view field, bool& nowhere) {
  const Names& names = fields.group().names();
  nowhere = false;
  if (field.starts_with('_') && field != model::kRawField) return nullptr;
  StepsPtr steps = CLEW_TRY(names.steps(field));
  nowhere = steps->empty();
  if (steps->size() != 1 || (*steps)[0].how != model::Derive::kCopy) return nullptr;
  if (names.maybe_in_rest((*steps)[0].source)) return nullptr;
  return fields.group().directory().find((*steps)[0].source);
}

Result<bool> narrow_exists(const Fields& fields, const Chunk& chunk, uint32_t block, Selection& rows,
                           ScanStats& stats) {
  if (chunk.nulls == 0 && chunk.values == fields.group().rows()) return true;
  Fields::Entries entries = CLEW_TRY(fields.entries(chunk, &stats));
  BlockValues values = CLEW_TRY(fields.group().block(chunk, block, entries.read, &stats));
  uint32_t begin = block * kBlockRows;
  keep(rows, [&](uint32_t row) {
    uint8_t kind = values.kind_at(row - begin);
    return kind != kAbsent && kind != static_cast<uint8_t>(Kind::kNull);
  });
  return true;
}

// Rows of an `_id` that no client gave: PRODUCER:SEQUENCE:ROW names the write, and with it the `_seq`. Nothing is read
// where no write of the row group is meant.
Result<bool> narrow_id(const Fields& fields, std::string_view id, uint32_t block, Selection& rows) {
  const RowGroup& group = fields.group();
  if (group.directory().find(model::kIdField)) return false;
  std::vector<uint64_t> wanted;
  for (const CommitRange& range : group.commits()) {
    std::string first = contract::event_id(range.key, range.first_row);
    size_t head = first.rfind(':') + 1;
    uint64_t row = 0;
    auto [end, error] = std::from_chars(id.data() + std::min(head, id.size()), id.data() + id.size(), row);
    bool is_number = error == std::errc() && end == id.data() + id.size();
    if (!is_number || id.substr(0, head) != std::string_view(first).substr(0, head)) continue;
    if (row >= range.first_row && row - range.first_row < range.rows) {
      wanted.push_back(range.first_seq.get() + (row - range.first_row));
    }
  }
  if (wanted.empty()) {
    rows.clear();
    return true;
  }
  std::vector<uint64_t> seqs = CLEW_TRY(group.block_seqs(block));
  uint32_t begin = block * kBlockRows;
  keep(rows, [&](uint32_t row) { return std::find(wanted.begin(), wanted.end(), seqs[row - begin]) != wanted.end(); });
  return true;
}

// Words and pieces of one field's text, all or any of them, made ready.
struct TextTree {
  Predicate::Op op = Predicate::Op::kAll;
  std::optional<TextQuery> leaf;  // else op of `children`
  std::vector<TextTree> children;

  bool matches(std::string_view text) const {
    if (leaf) return leaf->matches(text);
    auto child = [text](const TextTree& tree) { return tree.matches(text); };
    if (op == Predicate::Op::kAll) return std::all_of(children.begin(), children.end(), child);
    return std::any_of(children.begin(), children.end(), child);
  }
  void matching(const WordsBlock& block, std::vector<uint8_t>& matched) const {
    if (leaf) return leaf->matching(block, matched);
    bool all = op == Predicate::Op::kAll;
    matched.assign(block.texts(), all);
    std::vector<uint8_t> some;
    for (const TextTree& tree : children) {
      tree.matching(block, some);
      for (size_t i = 0; i < matched.size(); ++i) matched[i] = all ? matched[i] & some[i] : matched[i] | some[i];
    }
  }
};

// None when the list asks for anything else, or of several fields; sets `field`.
std::optional<TextTree> text_tree(const Predicate& where, std::string_view& field) {
  TextTree tree;
  tree.op = where.op;
  if (where.op == Predicate::Op::kAll || where.op == Predicate::Op::kAny) {
    for (const Predicate& child : where.children) {
      std::optional<TextTree> one = text_tree(child, field);
      if (!one) return std::nullopt;
      tree.children.push_back(std::move(*one));
    }
    return tree;
  }
  bool texts = where.op == Predicate::Op::kPhrase || where.op == Predicate::Op::kContains;
  if (!texts || where.field.empty() || !all_strings(where.values)) return std::nullopt;
  if (field.empty()) field = where.field;
  if (field != where.field) return std::nullopt;
  tree.leaf.emplace(where);
  return tree;
}

// Any of several comparisons of one column of numbers: its values are read once.
Result<bool> filter_any_number(const Fields& fields, const Predicate& list, uint32_t block, Selection& rows,
                               ScanStats& stats) {
  if (list.op != Predicate::Op::kAny || list.children.empty()) return false;
  const std::string& field = list.children[0].field;
  bool nowhere = false;
  const Chunk* chunk = field.empty() ? nullptr : CLEW_TRY(plain_chunk(fields, field, nowhere));
  if (!chunk) return false;
  std::vector<NumberFilter> filters;
  for (const Predicate& child : list.children) {
    bool comparison = child.op >= Predicate::Op::kEquals && child.op <= Predicate::Op::kGreaterEq;
    if (!comparison || child.field != field) return false;
    std::optional<NumberFilter> filter = NumberFilter::make(child, *chunk);
    if (!filter) return false;
    if (filter->may_match()) filters.push_back(std::move(*filter));
  }
  if (filters.empty()) {
    rows.clear();
    return true;
  }
  BlockValues values = CLEW_TRY(fields.read_block(*chunk, block, {}, stats));
  Selection left = rows;
  for (const NumberFilter& filter : filters) {
    Selection some = left;
    filter.narrow(values, block * kBlockRows, some);
    left = without(left, some);
  }
  rows = without(rows, left);
  fields.keep_block(*chunk, block, std::move(values));
  return true;
}

// Lists that ask for several words of one column of plain texts: the texts of a block are decompressed once for all.
Result<bool> filter_list(const Fields& fields, const Predicate& list, uint32_t block, Selection& rows,
                         ScanStats& stats) {
  std::string_view field;
  std::optional<TextTree> tree = text_tree(list, field);
  if (!tree || field.empty()) return false;
  bool nowhere = false;
  const Chunk* chunk = CLEW_TRY(plain_chunk(fields, field, nowhere));
  bool plain = chunk && chunk->kinds == bit(Kind::kString) && chunk->dictionary.form == DictionaryForm::kNone;
  if (!plain) return false;
  Bytes bytes = CLEW_TRY(fields.group().block_bytes(*chunk, block, &stats));
  uint32_t begin = block * kBlockRows;
  auto match = [&](const WordsBlock& words, std::vector<uint8_t>& matched) { tree->matching(words, matched); };
  uint32_t count = block_rows(fields.group().rows(), block);
  bool words = CLEW_TRY(narrow_words(bytes.view, count, chunk->kinds, begin, rows, match));
  if (words) return true;
  BlockValues values = CLEW_TRY(fields.group().block_of_bytes(*chunk, block, bytes, {}, &stats));
  keep(rows, [&](uint32_t row) {
    return values.kind_at(row - begin) != kAbsent && tree->matches(values.text_at(row - begin));
  });
  return true;
}

}  // namespace

Result<bool> filter_rows(const Fields& fields, const Predicate& leaf, uint32_t block, Selection& rows,
                         ScanStats& stats) {
  if (rows.empty()) return true;
  if (leaf.op == Predicate::Op::kAll || leaf.op == Predicate::Op::kAny) {
    bool done = CLEW_TRY(filter_any_number(fields, leaf, block, rows, stats));
    if (done) return true;
    return filter_list(fields, leaf, block, rows, stats);
  }
  if (leaf.field.empty()) {
    if (leaf.op != Predicate::Op::kPhrase || !all_strings(leaf.values)) return false;
    CLEW_TRY(narrow_any_field(fields, TextQuery(leaf), block, rows, stats));
    return true;
  }
  if (leaf.field == model::kIdField && leaf.op == Predicate::Op::kEquals && all_strings(leaf.values)) {
    return narrow_id(fields, leaf.values[0].text(), block, rows);
  }
  bool nowhere = false;
  const Chunk* chunk = CLEW_TRY(plain_chunk(fields, leaf.field, nowhere));
  if (nowhere) {
    rows.clear();
    return true;
  }
  if (!chunk) return false;
  if (leaf.op == Predicate::Op::kExists) return narrow_exists(fields, *chunk, block, rows, stats);
  bool text_op = leaf.op == Predicate::Op::kPhrase || leaf.op == Predicate::Op::kContains ||
                 leaf.op == Predicate::Op::kEquals || leaf.op == Predicate::Op::kIn;
  if (text_op && all_strings(leaf.values)) {
    if ((chunk->kinds & ~(bit(Kind::kString) | bit(Kind::kNull))) != 0) return false;
    CLEW_TRY(narrow_texts(fields, *chunk, TextQuery(leaf), block, rows, stats));
    return true;
  }
  if (leaf.op == Predicate::Op::kPhrase || leaf.op == Predicate::Op::kContains) return false;
  std::optional<NumberFilter> numbers = NumberFilter::make(leaf, *chunk);
  if (!numbers) return false;
  if (!numbers->may_match()) {
    rows.clear();
    return true;
  }
  BlockValues values = CLEW_TRY(fields.read_block(*chunk, block, {}, stats));
  numbers->narrow(values, block * kBlockRows, rows);
  fields.keep_block(*chunk, block, std::move(values));
  return true;
}

}  // namespace clew::columnar
