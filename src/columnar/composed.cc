#include "columnar/composed.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "columnar/row_group.h"
#include "model/batch.h"

namespace clew::columnar {
namespace {

using model::Kind;

constexpr char kReference = 0x14;
// Bytes that no word has, so that a reference never joins with what stands beside it.
constexpr std::string_view kReferenceNames = " !\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~";
static_assert(kReferenceNames.size() >= kReferencesMax);

constexpr size_t kTimesMax = 4;           // ways of writing the time in one chunk
constexpr uint32_t kTimeTrials = 64;      // lines that are searched for a time
constexpr size_t kTimeSearchBytes = 160;  // how far into them
constexpr size_t kLayoutsMax = 64;
constexpr uint32_t kTrialLines = 512;  // lines after which it is given up when skeletons are hardly shorter
constexpr size_t kLooseBytes = 4;      // a shorter value is taken only where it stands alone

bool is_word_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) > 0x7f;
}

bool stands_alone(std::string_view line, size_t at, size_t bytes) {
  bool before = at > 0 && is_word_byte(line[at - 1]) && is_word_byte(line[at]);
  size_t end = at + bytes;
  bool behind = end < line.size() && is_word_byte(line[end]) && is_word_byte(line[end - 1]);
  return !before && !behind;
}

int64_t floor_to(int64_t v, int64_t unit) {
  int64_t rest = v % unit;
  return rest < 0 ? v - rest - unit : v - rest;
}

std::string_view print_time(codec::TimeLayout& layout, int64_t time, int64_t shift, std::string& out) {
  auto shifted =
      static_cast<int64_t>(static_cast<uint64_t>(floor_to(time, layout.unit_ns())) + static_cast<uint64_t>(shift));
  out.resize(layout.text_bytes());
  layout.print(shifted, out.data());
  return out;
}

bool prints(uint8_t kind) {
  constexpr uint16_t kPrinted = 1u << static_cast<int>(Kind::kInt) | 1u << static_cast<int>(Kind::kUint) |
                                1u << static_cast<int>(Kind::kDecimal) | 1u << static_cast<int>(Kind::kNumberText) |
                                1u << static_cast<int>(Kind::kString);
  return kind < 16 && (kPrinted >> kind & 1);
}

void append_literal(std::string_view literal, std::string& out) {
  for (char c : literal) {
    if (c == kReference) out.push_back(c);
    out.push_back(c);
  }
}

}  // namespace

Composer::Composer(const ColumnView& lines, std::vector<ColumnView> columns, const int64_t* times)
    : lines_(lines), columns_(std::move(columns)), times_(times), time_trials_left_(kTimeTrials) {
  CHECK(columns_.size() + kTimesMax <= kReferencesMax, columns_.size());
  printed_.resize(kReferencesMax);
  values_.resize(columns_.size());
  time_references_.reserve(kTimesMax);
}

std::string_view Composer::print_column(size_t column, uint32_t row) {
  const ColumnView& view = columns_[column];
  uint8_t kind = view.kind_at(row);
  if (!prints(kind)) return {};
  if (lane_is_text(kind)) return view.text_at(row);
  std::string& out = printed_[column];
  out.clear();
  model::print_number(static_cast<Kind>(kind), view.ints[row], view.scales ? view.scales[row] : view.scale, out);
  return out;
}

void Composer::print_values(uint32_t row) {
  for (size_t c = 0; c < columns_.size(); ++c) values_[c] = print_column(c, row);
  for (size_t t = 0; t < time_references_.size(); ++t) {
    size_t r = columns_.size() + t;
    values_[r] = print_time(time_references_[t].layout, times_[row], time_references_[t].shift, printed_[r]);
  }
}

// A time in the line that is, up to a constant, the row's: a new reference.
void Composer::find_time(std::string_view line, uint32_t row) {
  if (time_trials_left_ == 0 || time_references_.size() == kTimesMax) return;
  --time_trials_left_;
  for (size_t at = 0; at < std::min(line.size(), kTimeSearchBytes); ++at) {
    if (!is_word_byte(line[at]) || (at > 0 && is_word_byte(line[at - 1]))) continue;
    size_t used = 0;
    if (!reader_.parse_prefix(line.substr(at), {{}, times_[row]}, used) || used == 0) continue;
    auto layout = codec::TimeLayout::of_example(line.substr(at, used));
    int64_t time = 0;
    if (!layout || !layout->parse(line.substr(at, used), time)) continue;
    auto shift = static_cast<int64_t>(static_cast<uint64_t>(time) -
                                      static_cast<uint64_t>(floor_to(times_[row], layout->unit_ns())));
    size_t r = columns_.size() + time_references_.size();
    time_references_.push_back({std::move(*layout), shift});
    values_.resize(r + 1);
    values_[r] = print_time(time_references_.back().layout, times_[row], shift, printed_[r]);
    return;
  }
}

// Longest values first, each where it stands first in what is free.
void Composer::find_values(std::string_view line) {
  by_length_.resize(values_.size());
  std::iota(by_length_.begin(), by_length_.end(), size_t{0});
  std::stable_sort(by_length_.begin(), by_length_.end(),
                   [&](size_t a, size_t b) { return values_[a].size() > values_[b].size(); });
  found_.clear();
  for (size_t r : by_length_) {
    std::string_view value = values_[r];
    if (value.empty()) break;
    size_t loose = std::string_view::npos;
    size_t best = std::string_view::npos;
    for (size_t at = line.find(value); at != std::string_view::npos && best == std::string_view::npos;
         at = line.find(value, at + 1)) {
      bool free = std::none_of(found_.begin(), found_.end(),
                               [&](const Found& f) { return at < f.at + f.bytes && f.at < at + value.size(); });
      if (!free) continue;
      if (stands_alone(line, at, value.size())) best = at;
      if (loose == std::string_view::npos) loose = at;
    }
    if (best == std::string_view::npos && value.size() >= kLooseBytes) best = loose;
    if (best != std::string_view::npos) found_.push_back({best, value.size(), r});
  }
  std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.at < b.at; });
}

bool Composer::matches(const Layout& layout, std::string_view line) const {
  for (size_t i = 0; i < layout.references.size(); ++i) {
    std::string_view value = values_[layout.references[i]];
    if (value.empty() || !line.starts_with(layout.literals[i])) return false;
    line.remove_prefix(layout.literals[i].size());
    if (!line.starts_with(value)) return false;
    line.remove_prefix(value.size());
  }
  return line == layout.literals.back();
}

std::string_view Composer::learn(std::string_view line) {
  find_values(line);
  Layout layout;
  size_t done = 0;
  for (const Found& f : found_) {
    layout.literals.emplace_back(line.substr(done, f.at - done));
    layout.references.push_back(f.reference);
    append_literal(layout.literals.back(), layout.skeleton);
    layout.skeleton.push_back(kReference);
    layout.skeleton.push_back(kReferenceNames[f.reference]);
    done = f.at + f.bytes;
  }
  layout.literals.emplace_back(line.substr(done));
  append_literal(layout.literals.back(), layout.skeleton);
  DCHECK(matches(layout, line));
  if (layouts_.size() == kLayoutsMax) return own_.emplace_back(std::move(layout.skeleton));
  layouts_.push_back(std::move(layout));
  last_layout_ = layouts_.size() - 1;
  return layouts_.back().skeleton;
}

bool Composer::run() {
  skeletons_.assign(lines_.rows, {});
  uint32_t count = 0;
  size_t line_bytes = 0;
  size_t skeleton_bytes = 0;
  size_t block_bytes = 0;
  for (uint32_t row = 0; row < lines_.rows; ++row) {
    if (row % kBlockRows == 0) block_bytes = 0;
    if (!lane_is_text(lines_.kind_at(row))) continue;
    std::string_view line = lines_.text_at(row);
    print_values(row);
    bool known = !layouts_.empty() && matches(layouts_[last_layout_], line);
    for (size_t l = 0; l < layouts_.size() && !known; ++l) {
      known = matches(layouts_[l], line);
      if (known) last_layout_ = l;
    }
    if (known) {
      skeletons_[row] = layouts_[last_layout_].skeleton;
    } else {
      bool timed = std::any_of(values_.begin() + static_cast<ptrdiff_t>(columns_.size()), values_.end(),
                               [&](std::string_view v) { return line.find(v) != std::string_view::npos; });
      if (!timed) find_time(line, row);
      skeletons_[row] = learn(line);
    }
    block_bytes += line.size();
    if (block_bytes > kLineBlockBytesMax) return false;
    line_bytes += line.size();
    skeleton_bytes += skeletons_[row].size();
    if (++count == kTrialLines && skeleton_bytes * 10 > line_bytes * 9) return false;
  }
  return skeleton_bytes * 10 <= line_bytes * 9;
}

std::vector<Reference> Composer::references() const {
  std::vector<Reference> out;
  for (const ColumnView& column : columns_) out.push_back({Reference::Of::kColumn, std::string(column.name), 0, 0});
  for (const TimeReference& t : time_references_) {
    out.push_back({Reference::Of::kTime, t.layout.pattern(), t.layout.offset_seconds(), t.shift});
  }
  return out;
}

namespace {

// What one reference gives, row by row. Columns are read when a skeleton first names them.
class Referred {
 public:
  Referred(const RowGroup& group, const Reference& reference, uint32_t block, contract::ScanStats* stats)
      : group_(group), reference_(reference), block_(block), stats_(stats) {}

  Status append(uint32_t row, std::string& out) {
    if (!loaded_) CLEW_TRY(load());
    if (layout_) {
      out.append(print_time(*layout_, times_[row], reference_.shift, scratch_));
      return {};
    }
    uint8_t kind = values_.kind_at(row);
    if (!prints(kind)) return Error(Code::kCorrupt, "a line refers to a value that is not there");
    if (lane_is_text(kind)) {
      out.append(values_.text_at(row));
    } else {
      model::print_number(static_cast<Kind>(kind), values_.ints[row], values_.scale_at(row), out);
    }
    return {};
  }

 private:
  Status load() {
    loaded_ = true;
    if (reference_.of == Reference::Of::kTime) {
      layout_ = codec::TimeLayout::of_pattern(reference_.name, reference_.offset_seconds);
      if (!layout_) return Error(Code::kCorrupt, "no layout of times");
      times_ = CLEW_TRY(group_.block_times(block_, stats_));
      return {};
    }
    const Chunk* chunk = group_.directory().find(reference_.name);
    if (!chunk || chunk->text_form == TextForm::kComposed) return Error(Code::kCorrupt, "a line refers to no column");
    ChunkEntries entries = CLEW_TRY(group_.entries(*chunk, stats_));
    values_ = CLEW_TRY(group_.block(*chunk, block_, entries, stats_));
    return {};
  }

  const RowGroup& group_;
  const Reference& reference_;
  uint32_t block_;
  contract::ScanStats* stats_;
  bool loaded_ = false;
  std::optional<codec::TimeLayout> layout_;
  std::vector<int64_t> times_;
  BlockValues values_;
  std::string scratch_;
};

Status expand_line(std::string_view skeleton, uint32_t row, std::vector<Referred>& referred, std::string& out) {
  while (true) {
    size_t mark = skeleton.find(kReference);
    out.append(skeleton.substr(0, mark));
    if (mark == std::string_view::npos) return {};
    if (mark + 1 == skeleton.size()) return Error(Code::kCorrupt, "a reference without its name");
    char name = skeleton[mark + 1];
    skeleton.remove_prefix(mark + 2);
    if (name == kReference) {
      out.push_back(name);
      continue;
    }
    size_t number = kReferenceNames.find(name);
    if (number >= referred.size()) return Error(Code::kCorrupt, "a reference to nothing");
    CLEW_TRY(referred[number].append(row, out));
    if (out.size() > kLineBlockBytesMax) return Error(Code::kCorrupt, "lines too long");
  }
}

}  // namespace

Status expand_lines(const RowGroup& group, const Chunk& chunk, uint32_t block, BlockValues& values,
                    contract::ScanStats* stats) {
  std::vector<Referred> referred;
  for (const Reference& reference : chunk.references) referred.emplace_back(group, reference, block, stats);
  auto bytes = std::make_shared<std::string>();
  std::vector<std::pair<size_t, size_t>> places(values.rows);
  for (uint32_t row = 0; row < values.rows; ++row) {
    size_t begin = bytes->size();
    if (lane_is_text(values.kind_at(row))) CLEW_TRY(expand_line(values.text_at(row), row, referred, *bytes));
    places[row] = {begin, bytes->size() - begin};
  }
  values.texts.resize(values.rows);
  for (uint32_t row = 0; row < values.rows; ++row) {
    values.texts[row] = std::string_view(*bytes).substr(places[row].first, places[row].second);
  }
  values.codes.clear();
  values.dictionary = nullptr;
  values.owners = {bytes};
  return {};
}

}  // namespace clew::columnar
