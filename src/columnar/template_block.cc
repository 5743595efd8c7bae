#include "columnar/template_block.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "columnar/typed_text.h"

namespace clew::columnar {
namespace {

char* put_fixed(int64_t number, size_t width, char* to) {
  for (size_t i = width; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
  return to + width;
}

constexpr int64_t power_of_ten(size_t digits) {
  int64_t p = 1;
  for (size_t i = 0; i < digits; ++i) p *= 10;
  return p;
}

// Positions of the texts of each template, in order.
std::vector<std::vector<uint32_t>> by_template(const BlockTexts& in, const TemplateSet& set,
                                               std::vector<uint32_t>& whole) {
  std::vector<std::vector<uint32_t>> uses(set.entries().size());
  for (uint32_t i = 0; i < in.rows.size(); ++i) {
    uint32_t code = set.code(in.rows[i]);
    (code == TemplateSet::kWhole ? whole : uses[code]).push_back(i);
  }
  return uses;
}

}  // namespace

void encode_templates(const BlockTexts& in, const TemplateSet& set, codec::Effort effort, BlockScratch& scratch,
                      std::string& out) {
  base::Writer w(out);
  std::vector<uint32_t> whole;
  std::vector<std::vector<uint32_t>> uses = by_template(in, set, whole);
  std::vector<int64_t> numbers(in.rows.size());
  for (size_t i = 0; i < in.rows.size(); ++i) {
    uint32_t code = set.code(in.rows[i]);
    numbers[i] = code == TemplateSet::kWhole ? 0 : int64_t{code} + 1;
  }
  scratch.ints.encode(numbers, effort, out);
  std::string stream;
  std::vector<std::string_view> words;
  for (uint32_t code = 0; code < uses.size(); ++code) {
    const Template& shape = set.parsed().list[code];
    for (size_t s = 0; s < shape.slots.size() && !uses[code].empty(); ++s) {
      stream.clear();
      words.clear();
      numbers.clear();
      for (uint32_t i : uses[code]) {
        const Variable& v = set.variables(in.rows[i])[s];
        if (shape.slots[s].kind == kWord) {
          words.push_back(v.word());
        } else {
          numbers.push_back(v.number);
        }
      }
      if (shape.slots[s].kind == kWord) {
        encode_plain(words, effort, scratch, stream);
      } else {
        scratch.ints.encode(numbers, effort, stream);
      }
      w.string(stream);
    }
  }
  words.clear();
  for (uint32_t i : whole) words.push_back(in.texts[i]);
  scratch.mixed = scratch.mixed || !whole.empty();
  stream.clear();
  if (!words.empty()) encode_plain(words, effort, scratch, stream);
  w.string(stream);
}

Result<TemplateBlock> TemplateBlock::read(base::Reader& in, size_t count, const Templates& templates) {
  TemplateBlock block;
  block.templates_ = &templates;
  block.codes_.resize(count);
  CLEW_TRY(codec::decode_ints(in, count, block.codes_.data()));
  block.uses_.assign(templates.list.size() + 1, 0);
  for (int64_t code : block.codes_) {
    if (code < 0 || static_cast<uint64_t>(code) > templates.list.size()) {
      return Error(Code::kCorrupt, "a template outside of its dictionary");
    }
    ++block.uses_[static_cast<size_t>(code)];
  }
  block.slots_.resize(templates.list.size() + 1);
  for (size_t code = 1; code < block.uses_.size(); ++code) {
    if (block.uses_[code] == 0) continue;
    for (size_t s = 0; s < templates.list[code - 1].slots.size(); ++s) block.slots_[code].push_back(in.string());
  }
  block.whole_ = in.string();
  CLEW_TRY(in.status());
  return block;
}

Result<std::vector<int64_t>> TemplateBlock::numbers(uint32_t code, size_t slot) const {
  base::Reader in(slots_[code][slot]);
  std::vector<int64_t> numbers(uses_[code]);
  CLEW_TRY(codec::decode_ints(in, numbers.size(), numbers.data()));
  CLEW_TRY(in.finish());
  const Template::Slot& shape = templates_->list[code - 1].slots[slot];
  int64_t limit = power_of_ten(shape.kind == kFixed ? shape.width : kNumberDigitsMax);
  for (int64_t n : numbers) {
    if (n < 0 || n >= limit) return Error(Code::kCorrupt, "a number of too many digits");
  }
  return numbers;
}

Status TemplateBlock::words(uint32_t code, size_t slot, std::string& bytes,
                            std::vector<std::string_view>& texts) const {
  base::Reader in(slots_[code][slot]);
  CLEW_TRY(decode_plain(in, uses_[code], bytes, texts));
  return in.finish();
}

Status TemplateBlock::whole_texts(std::string& bytes, std::vector<std::string_view>& texts) const {
  if (uses_[kWhole] == 0) return {};
  base::Reader in(whole_);
  CLEW_TRY(decode_plain(in, uses_[kWhole], bytes, texts));
  return in.finish();
}

namespace {

// The variables of one template, decoded, with a cursor.
struct OpenSlot {
  std::vector<int64_t> numbers;
  std::string bytes;
  std::vector<std::string_view> words;
};
struct OpenTemplate {
  std::vector<OpenSlot> slots;
  size_t next = 0;
  size_t bytes_max = 0;  // of one text, words not counted
};

// What the views of TemplateRows point into.
struct RowStorage {
  std::vector<OpenTemplate> open;
  std::vector<Variable> variables;
  std::string whole_bytes;
};

Status open_slots(const TemplateBlock& block, const Template& shape, uint32_t code, OpenTemplate& open) {
  open.slots.resize(shape.slots.size());
  for (size_t s = 0; s < shape.slots.size(); ++s) {
    OpenSlot& slot = open.slots[s];
    if (shape.slots[s].kind == kWord) {
      CLEW_TRY(block.words(code, s, slot.bytes, slot.words));
    } else {
      slot.numbers = CLEW_TRY(block.numbers(code, s));
    }
  }
  return {};
}

}  // namespace

Status TemplateBlock::all_texts(const std::vector<bool>& wanted, std::string& bytes,
                                std::vector<std::string_view>& texts) const {
  std::vector<OpenTemplate> open(uses_.size());
  size_t total = whole_.size();
  std::string whole_bytes;
  std::vector<std::string_view> whole;
  CLEW_TRY(whole_texts(whole_bytes, whole));
  total = whole_bytes.size();
  for (uint32_t code = 1; code < uses_.size(); ++code) {
    if (uses_[code] == 0) continue;
    const Template& shape = templates_->list[code - 1];
    open[code].slots.resize(shape.slots.size());
    open[code].bytes_max = shape.after.size();
    for (size_t s = 0; s < shape.slots.size(); ++s) {
      OpenSlot& slot = open[code].slots[s];
      open[code].bytes_max += shape.slots[s].before.size() + (shape.slots[s].kind == kWord ? 0 : kNumberDigitsMax);
      if (shape.slots[s].kind == kWord) {
        CLEW_TRY(words(code, s, slot.bytes, slot.words));
        total += slot.bytes.size();
      } else {
        slot.numbers = CLEW_TRY(numbers(code, s));
      }
    }
    total += uses_[code] * open[code].bytes_max;
  }
  bytes.resize(total);
  char* to = bytes.data();
  auto append = [&](std::string_view v) {
    std::memcpy(to, v.data(), v.size());
    to += v.size();
  };
  size_t next_whole = 0;
  texts.reserve(codes_.size());
  for (int64_t code : codes_) {
    char* begin = to;
    if (!wanted.empty() && !wanted[texts.size()]) {
      ++(code == kWhole ? next_whole : open[static_cast<size_t>(code)].next);
    } else if (code == kWhole) {
      append(whole[next_whole++]);
    } else {
      OpenTemplate& t = open[static_cast<size_t>(code)];
      const Template& shape = templates_->list[static_cast<size_t>(code) - 1];
      for (size_t s = 0; s < shape.slots.size(); ++s) {
        append(shape.slots[s].before);
        if (shape.slots[s].kind == kWord) {
          append(t.slots[s].words[t.next]);
        } else if (shape.slots[s].kind == kFixed) {
          to = put_fixed(t.slots[s].numbers[t.next], shape.slots[s].width, to);
        } else {
          to = std::to_chars(to, to + kNumberDigitsMax + 1, t.slots[s].numbers[t.next]).ptr;
        }
      }
      append(shape.after);
      ++t.next;
    }
    texts.emplace_back(begin, static_cast<size_t>(to - begin));
  }
  return {};
}

Result<std::shared_ptr<const TemplateRows>> TemplateBlock::all_rows(std::span<const uint32_t> rows,
                                                                    uint32_t block_rows) const {
  auto out = std::make_shared<TemplateRows>();
  auto storage = std::make_shared<RowStorage>();
  std::vector<std::string_view> whole;
  CLEW_TRY(whole_texts(storage->whole_bytes, whole));
  storage->open.resize(uses_.size());
  size_t variables = 0;
  for (uint32_t code = 1; code < uses_.size(); ++code) {
    if (uses_[code] == 0) continue;
    CLEW_TRY(open_slots(*this, templates_->list[code - 1], code, storage->open[code]));
    variables += uses_[code] * storage->open[code].slots.size();
  }
  storage->variables.reserve(variables);  // pointers into it stay
  out->codes.assign(block_rows, kWholeText);
  out->variables.assign(block_rows, nullptr);
  if (!whole.empty()) out->texts.resize(block_rows);
  size_t next_whole = 0;
  for (size_t i = 0; i < codes_.size(); ++i) {
    if (codes_[i] == kWhole) {
      out->texts[rows[i]] = whole[next_whole++];
      continue;
    }
    OpenTemplate& t = storage->open[static_cast<size_t>(codes_[i])];
    out->codes[rows[i]] = static_cast<uint32_t>(codes_[i] - 1);
    out->variables[rows[i]] = storage->variables.data() + storage->variables.size();
    for (const OpenSlot& slot : t.slots) {
      if (slot.numbers.empty()) {
        std::string_view word = slot.words[t.next];
        storage->variables.push_back({word.data(), static_cast<int64_t>(word.size())});
      } else {
        storage->variables.push_back({nullptr, slot.numbers[t.next]});
      }
    }
    ++t.next;
  }
  out->storage = std::move(storage);
  return std::shared_ptr<const TemplateRows>(std::move(out));
}

}  // namespace clew::columnar
