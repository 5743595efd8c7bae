#include "model/batch_text.h"

#include <map>

#include "model/json_text.h"
#include "model/shape.h"

namespace clew::model {
namespace {

struct FlagName {
  Flag flag;
  std::string_view name;
};
constexpr FlagName kFlagNames[] = {
    {Flag::kTruncated, "truncated"},        {Flag::kAssumedZone, "assumed_zone"}, {Flag::kAssumedYear, "assumed_year"},
    {Flag::kOddTime, "odd_time"},           {Flag::kParseError, "parse_error"},   {Flag::kRedacted, "redacted"},
    {Flag::kDuplicateKey, "duplicate_key"}, {Flag::kInferred, "inferred"},        {Flag::kBadUtf8, "bad_utf8"},
    {Flag::kArrivalTime, "arrival_time"},
};

void append_flags(int64_t bits, std::string& out) {
  out += "\"_flags\":\"";
  size_t first = out.size();
  for (const FlagName& f : kFlagNames) {
    if ((bits & static_cast<int64_t>(f.flag)) == 0) continue;
    if (out.size() != first) out += ' ';
    out += f.name;
  }
  out += '"';
}

using Texts = std::map<std::string, std::string, std::less<>>;

Texts texts_of(const Batch& batch, uint32_t row) {
  Texts texts;
  auto add = [&](std::string_view name, const RestField& value) {
    std::string& text = texts[std::string(name)];
    text.clear();
    append_json_value(value, text);
  };
  for (const auto& column : batch.columns()) {
    std::optional<RestField> value = value_at(*column, row);
    if (!value) continue;
    if (column->name() != kRestField) {
      add(column->name(), *value);
      continue;
    }
    RestReader rest(value->text);
    RestField field;
    while (rest.next(field)) add(field.name, field);
  }
  return texts;
}

void append_member(std::string_view name, std::string_view text, std::string& out) {
  if (out.back() != '{') out += ',';
  append_json_string(name, out);
  out += ':';
  out += text;
}

}  // namespace

std::optional<RestField> value_at(const Column& column, uint32_t row) {
  size_t ints = 0;
  size_t scales = 0;
  size_t texts = 0;
  for (const KindRun& run : column.runs()) {
    bool inside = row >= run.row && row < run.row + run.count;
    size_t passed = inside ? row - run.row : run.count;
    if (kind_has_int(run.kind)) ints += passed;
    if (run.kind == Kind::kDecimal) scales += passed;
    if (kind_has_text(run.kind)) texts += passed;
    if (!inside) continue;
    RestField value;
    value.kind = run.kind;
    if (kind_has_int(run.kind)) value.lane = column.ints()[ints];
    if (run.kind == Kind::kDecimal) value.scale = column.scales()[scales];
    if (kind_has_text(run.kind)) value.text = column.text_at(texts);
    return value;
  }
  return std::nullopt;
}

std::optional<RestField> value_of(const Batch& batch, std::string_view field, uint32_t row) {
  const Column* column = batch.find(field);
  std::optional<RestField> value = column == nullptr ? std::nullopt : value_at(*column, row);
  const Column* rest = batch.find(kRestField);
  if (value || rest == nullptr) return value;
  std::optional<RestField> bytes = value_at(*rest, row);
  if (!bytes) return value;
  RestReader reader(bytes->text);
  RestField found;
  while (reader.next(found)) {
    if (found.name == field) value = found;
  }
  return value;
}

std::string row_text(const Batch& batch, uint32_t row) {
  Texts texts = texts_of(batch, row);
  std::string out = "{";
  if (auto time = texts.find(kTimeField); time != texts.end()) append_member(kTimeField, time->second, out);
  if (std::optional<RestField> flags = value_of(batch, kFlagsField, row)) {
    if (out.back() != '{') out += ',';
    append_flags(flags->lane, out);
  }
  for (const auto& [name, text] : texts) {
    if (name != kTimeField && name != kFlagsField && name != kShapeField) append_member(name, text, out);
  }
  out += '}';
  return out;
}

std::string row_document(const Batch& batch, uint32_t row) {
  if (std::optional<RestField> raw = value_of(batch, kRawField, row)) return std::string(raw->text);
  Texts texts = texts_of(batch, row);
  std::string out;
  if (std::optional<RestField> shape = value_of(batch, kShapeField, row)) {
    LeafText leaf = [&](std::string_view column, std::string& to) {
      auto it = texts.find(column);
      if (it == texts.end()) return false;
      to += it->second;
      return true;
    };
    if (rebuild_document(shape->text, leaf, out).ok()) return out;
    out.clear();
  }
  out += '{';
  for (const auto& [name, text] : texts) {
    if (name[0] != '_') append_member(name, text, out);
  }
  out += '}';
  return out;
}

}  // namespace clew::model
