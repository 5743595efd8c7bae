#include "columnar/gather.h"

#include <algorithm>
#include <cstring>

#include "columnar/typed_text.h"

namespace clew::columnar {

// A row group has fewer templates than a dictionary may have entries.
static_assert(kRowGroupRowsMax <= kDictionaryEntriesMax);

Gatherer::Gatherer(std::span<const std::shared_ptr<const RowGroup>> sources, std::span<const RowRef> rows)
    : sources_(sources), rows_(rows), wanted_(sources.size()) {
  for (size_t s = 0; s < sources.size(); ++s) wanted_[s].assign(blocks_of(sources[s]->rows()), false);
  rows_of_.assign(sources.size(), 0);
  for (const RowRef& ref : rows) {
    wanted_[ref.source][ref.row / kBlockRows] = true;
    ++rows_of_[ref.source];
  }
}

// The form in which texts, where the column has nothing else, can be handed on: kTemplates when at least half of the
// rows are of sources that have templates, a typed form when it is that of all sources, else kPlain.
TextForm Gatherer::stored_form(std::string_view name) const {
  size_t templated = 0;
  TextForm form = TextForm::kPlain;
  bool one_form = true;
  for (size_t s = 0; s < sources_.size(); ++s) {
    const Chunk* chunk = sources_[s]->directory().find(name);
    if (!chunk) continue;
    if (!chunk->only(model::Kind::kString)) return TextForm::kPlain;
    bool templates = chunk->dictionary.form == DictionaryForm::kTemplates && chunk->text_form != TextForm::kComposed;
    if (templates) templated += rows_of_[s];
    one_form = one_form && (form == TextForm::kPlain || form == chunk->text_form);
    form = chunk->text_form;
  }
  if (templated * 2 >= rows_.size()) return TextForm::kTemplates;
  return one_form && is_typed(form) ? form : TextForm::kPlain;
}

// Whether the blocks that were read, as typed values, have the same length of digits or layout of times.
bool Gatherer::all_typed() const {
  const TypedValues* first = nullptr;
  for (const Source& source : loaded_) {
    for (const BlockValues& block : source.blocks) {
      if (!block.typed) {
        if (!block.texts.empty() || block.dictionary || block.templates) return false;
        continue;
      }
      const TypedValues& own = *block.typed;
      if (first && (own.each != first->each || own.layout.has_value() != first->layout.has_value())) return false;
      if (first && own.layout && !own.layout->same_as(*first->layout)) return false;
      first = first ? first : &own;
    }
  }
  return first != nullptr;
}

Status Gatherer::load_blocks(size_t s, std::string_view name, TextsAs texts_as, Traits& traits) {
  Source& source = loaded_[s];
  source.blocks.resize(wanted_[s].size());
  for (uint32_t b = 0; b < wanted_[s].size(); ++b) {
    if (!wanted_[s][b]) continue;
    Result<BlockValues> values = sources_[s]->block(*source.chunk, b, source.entries, nullptr, texts_as);
    if (!values.ok()) {
      return std::move(values).error().at("column " + std::string(name) + " block " + std::to_string(b));
    }
    source.blocks[b] = std::move(values).take();
    const BlockValues& block = source.blocks[b];
    bool empty = block.kinds.empty() && block.kind == kAbsent;
    traits.absent = traits.absent || empty || !block.kinds.empty();
    bool coded = block.dictionary != nullptr || (block.texts.empty() && !block.templates && !block.typed);
    traits.all_coded = traits.all_coded && coded;
  }
  return {};
}

// `form`: what texts are handed on as; kPlain as texts.
Result<Gatherer::Traits> Gatherer::load(std::string_view name, TextForm form) {
  loaded_.assign(sources_.size(), {});
  Traits traits;
  for (size_t s = 0; s < sources_.size(); ++s) {
    Source& source = loaded_[s];
    source.chunk = sources_[s]->directory().find(name);
    if (!source.chunk) {
      traits.absent = true;
      continue;
    }
    traits.kinds = static_cast<uint16_t>(traits.kinds | source.chunk->kinds);
    source.entries = CLEW_TRY(sources_[s]->entries(*source.chunk, nullptr));
    const ChunkEntries& entries = source.entries;
    size_t count = entries.dictionary  ? entries.dictionary->entries.size()
                   : entries.templates ? entries.templates->list.size()
                                       : 0;
    source.codes.assign(count, DictionaryBuilder::kFullCode);
    bool stored = is_typed(form) || (form == TextForm::kTemplates && entries.templates);
    CLEW_TRY(load_blocks(s, name, stored ? TextsAs::kStored : TextsAs::kTexts, traits));
  }
  return traits;
}

bool Gatherer::fill_codes() {
  dictionary_.reset(kDictionaryEntriesMax);
  codes_.resize(rows_.size());
  for (size_t i = 0; i < rows_.size(); ++i) {
    Source& source = loaded_[rows_[i].source];
    codes_[i] = 0;
    if (!source.chunk) continue;
    const BlockValues& block = source.blocks[rows_[i].row / kBlockRows];
    uint32_t row = rows_[i].row % kBlockRows;
    if (!block.dictionary || !lane_is_text(block.kind_at(row))) continue;
    uint32_t& code = source.codes[block.codes[row]];
    if (code == DictionaryBuilder::kFullCode) {
      code = dictionary_.code(source.entries.dictionary->entries[block.codes[row]]);
      if (code == DictionaryBuilder::kFullCode) return false;
    }
    codes_[i] = code;
  }
  return true;
}

void Gatherer::fill_texts() {
  texts_.assign(rows_.size(), {});
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Source& source = loaded_[rows_[i].source];
    if (!source.chunk) continue;
    const BlockValues& block = source.blocks[rows_[i].row / kBlockRows];
    uint32_t row = rows_[i].row % kBlockRows;
    if (lane_is_text(block.kind_at(row))) texts_[i] = block.text_at(row);
  }
}

// Bounds of all texts, from those of the sources.
void Gatherer::join_bounds() {
  bounds_ = {};
  bool any = false;
  for (const Source& source : loaded_) {
    if (!source.chunk) continue;
    const ChunkStats& own = source.chunk->stats;
    if (own.form != StatsForm::kTexts) {
      bounds_ = {};
      return;
    }
    if (!any || own.text_min < bounds_.text_min) bounds_.text_min = own.text_min;
    if (!any || own.text_max > bounds_.text_max) bounds_.text_max = own.text_max;
    bounds_.form = StatsForm::kTexts;
    any = true;
  }
}

void Gatherer::fill_templates(ColumnView& view) {
  dictionary_.reset(kDictionaryEntriesMax);
  codes_.assign(rows_.size(), kWholeText);
  variables_.assign(rows_.size(), nullptr);
  texts_.assign(rows_.size(), {});
  for (size_t i = 0; i < rows_.size(); ++i) {
    Source& source = loaded_[rows_[i].source];
    if (!source.chunk) continue;
    const BlockValues& block = source.blocks[rows_[i].row / kBlockRows];
    uint32_t row = rows_[i].row % kBlockRows;
    if (!lane_is_text(block.kind_at(row))) continue;
    if (!block.templates) {
      texts_[i] = block.text_at(row);
      continue;
    }
    uint32_t own = block.templates->codes[row];
    if (own == kWholeText) {
      texts_[i] = block.templates->texts[row];
      continue;
    }
    uint32_t& code = source.codes[own];
    if (code == DictionaryBuilder::kFullCode) code = dictionary_.code(source.entries.templates->texts->entries[own]);
    codes_[i] = code;
    variables_[i] = block.templates->variables[row];
  }
  join_bounds();
  templates_ = {&dictionary_.entries(), codes_.data(), variables_.data(), &bounds_};
  view.templates = &templates_;
  view.texts = texts_.data();
}

void Gatherer::fill_typed(TextForm form, ColumnView& view) {
  values_.each = 0;
  values_.numbers.clear();
  values_.bytes.clear();
  bool begun = false;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Source& source = loaded_[rows_[i].source];
    const TypedValues* own = source.chunk ? source.blocks[rows_[i].row / kBlockRows].typed.get() : nullptr;
    if (!own) continue;
    if (!begun) {
      begun = true;
      values_.each = own->each;
      values_.layout = own->layout;
      if (own->each == 0) {
        values_.numbers.resize(rows_.size());
      } else {
        values_.bytes.resize(rows_.size() * own->each);
      }
    }
    uint32_t row = rows_[i].row % kBlockRows;
    if (own->each == 0) {
      values_.numbers[i] = own->numbers[row];
    } else if (own->each == 16) {  // the common length: a copy without a call
      std::memcpy(values_.bytes.data() + i * 16, own->bytes.data() + row * size_t{16}, 16);
    } else {
      std::memcpy(values_.bytes.data() + i * own->each, own->bytes.data() + row * own->each, own->each);
    }
  }
  join_bounds();
  typed_ = {form, &values_, &bounds_};
  view.typed = &typed_;
}

void Gatherer::fill(const Traits& traits) {
  bool uniform = !traits.absent && (traits.kinds & (traits.kinds - 1)) == 0;
  bool ints = false;
  bool decimals = traits.kinds >> static_cast<int>(model::Kind::kDecimal) & 1;
  for (uint8_t k = 0; k < 16; ++k) ints = ints || ((traits.kinds >> k & 1) && lane_is_int(k));
  kinds_.resize(uniform ? 0 : rows_.size());
  ints_.resize(ints ? rows_.size() : 0);
  scales_.resize(decimals ? rows_.size() : 0);
  if (uniform && !ints) return;
  if (uniform && !decimals) {
    for (size_t i = 0; i < rows_.size(); ++i) {
      ints_[i] = loaded_[rows_[i].source].blocks[rows_[i].row / kBlockRows].ints[rows_[i].row % kBlockRows];
    }
    return;
  }
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Source& source = loaded_[rows_[i].source];
    uint32_t row = rows_[i].row % kBlockRows;
    const BlockValues* block = source.chunk ? &source.blocks[rows_[i].row / kBlockRows] : nullptr;
    uint8_t kind = block ? block->kind_at(row) : kAbsent;
    if (!uniform) kinds_[i] = kind;
    if (ints) ints_[i] = lane_is_int(kind) ? block->ints[row] : 0;
    if (decimals) scales_[i] = kind == static_cast<uint8_t>(model::Kind::kDecimal) ? block->scale_at(row) : 0;
  }
}

// One scale for all decimals if they have one; rows without a decimal do not count.
void Gatherer::fill_scales(ColumnView& view) {
  int scale = -1;
  bool one = true;
  for (size_t i = 0; i < rows_.size() && one; ++i) {
    if (view.kind_at(static_cast<uint32_t>(i)) != static_cast<uint8_t>(model::Kind::kDecimal)) continue;
    one = scale < 0 || scale == scales_[i];
    scale = scales_[i];
  }
  if (one) {
    view.scale = static_cast<uint8_t>(scale < 0 ? 0 : scale);
  } else {
    view.scales = scales_.data();
  }
}

Result<ColumnView> Gatherer::gather(std::string_view name, TextsAs texts_as) {
  TextForm form = texts_as == TextsAs::kStored ? stored_form(name) : TextForm::kPlain;
  Traits traits = CLEW_TRY(load(name, form));
  if (is_typed(form) && !all_typed()) {
    form = TextForm::kPlain;
    traits = CLEW_TRY(load(name, form));
  }
  ColumnView view;
  view.name = name;
  view.rows = static_cast<uint32_t>(rows_.size());
  view.origins = 0;
  for (const Source& source : loaded_) {
    if (source.chunk) view.origins |= source.chunk->origins;
  }
  if (traits.kinds == 0) return view;
  fill(traits);
  if (kinds_.empty()) {
    view.kind = static_cast<uint8_t>(__builtin_ctz(traits.kinds));
  } else {
    view.kinds = kinds_.data();
  }
  view.ints = ints_.data();
  if (!scales_.empty()) fill_scales(view);
  bool texts = false;
  for (uint8_t k = 0; k < 16; ++k) texts = texts || ((traits.kinds >> k & 1) && lane_is_text(k));
  if (!texts) return view;
  if (form == TextForm::kTemplates) {
    fill_templates(view);
  } else if (is_typed(form)) {
    fill_typed(form, view);
  } else if (traits.all_coded && fill_codes()) {
    view.codes = codes_.data();
    view.entries = &dictionary_.entries();
  } else {
    fill_texts();
    view.texts = texts_.data();
  }
  return view;
}

}  // namespace clew::columnar
