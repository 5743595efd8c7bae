// Redaction of a batch: columns by their names, text lanes as a whole, fields beyond the columns, and the flags.
#include <algorithm>
#include <cstring>
#include <map>

#include "model/json_text.h"
#include "model/own_fields.h"
#include "model/rest.h"
#include "process/redact_text.h"

namespace clew::process {
namespace {

using model::Column;
using model::Kind;

// What a row's value becomes; in row order.
struct Edit {
  uint32_t row = 0;
  std::string text;
  bool whole = false;  // whatever it was, it is a string now
};

// Columns of clew's own that hold no text of a client's. `_id` and `_index` are names that clients ask by.
bool is_passed_over(std::string_view name) {
  return name == model::kShapeField || name == model::kIdField || name == model::kIndexField ||
         name == model::kErrorGroupField;
}

// Where a column's name is the secret's, its value goes whole; these rules still look at the value.
int whole_rule(std::string_view name) {
  int rule = rule_of_name(name);
  bool by_look = rule == static_cast<int>(SecretKind::kSignature) || rule == static_cast<int>(SecretKind::kCard);
  return by_look ? -1 : rule;
}

// Brackets balance and strings close: what is left of an array's text after a replacement in it.
bool is_array_text(std::string_view text) {
  if (text.size() < 2 || text.front() != '[') return false;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
      if (i >= text.size()) return false;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) return i + 1 == text.size();
    }
  }
  return false;
}

// The array with `mark` for each element; null, true, false and absent elements stay.
std::string marked_elements(std::string_view array, std::string_view mark) {
  std::string out = "[";
  size_t begin = 1;
  int depth = 0;
  auto element = [&](size_t end) {
    std::string_view text = array.substr(begin, end - begin);
    bool plain = text.empty() || text == "null" || text == "true" || text == "false" || text == "\"\"";
    bool marked = text.size() > 2 && text.front() == '"' && is_placeholder(text.substr(1, text.size() - 2));
    if (plain || marked)
      out.append(text);
    else
      out.append("\"").append(mark).append("\"");
  };
  for (size_t i = 1; i < array.size(); ++i) {
    char c = array[i];
    if (c == '"') {
      for (++i; i < array.size() && array[i] != '"'; ++i) {
        if (array[i] == '\\') ++i;
      }
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (depth > 0) {
      if (c == ']' || c == '}') --depth;
    } else if (c == ',' || c == ']') {
      element(i);
      out += c;
      begin = i + 1;
    }
  }
  return is_array_text(out) ? out : "[\"" + std::string(mark) + "\"]";
}

// Copies the values of `from` to `to`, edits taking the place of their rows' values.
void copy_values(const Column& from, Column& to, const std::vector<Edit>& edits) {
  size_t ints = 0;
  size_t scales = 0;
  size_t texts = 0;
  size_t next = 0;
  for (const model::KindRun& run : from.runs()) {
    for (uint32_t i = 0; i < run.count; ++i) {
      uint32_t row = run.row + i;
      const Edit* edit = next < edits.size() && edits[next].row == row ? &edits[next++] : nullptr;
      int64_t lane = model::kind_has_int(run.kind) ? from.ints()[ints++] : 0;
      uint8_t scale = run.kind == Kind::kDecimal ? from.scales()[scales++] : uint8_t{0};
      std::string_view text = model::kind_has_text(run.kind) ? from.text_at(texts++) : std::string_view();
      if (edit != nullptr) {
        bool array = run.kind == Kind::kArray && !edit->whole;
        to.add_text(row, array ? Kind::kArray : Kind::kString, edit->text);
        continue;
      }
      model::add_value(to, row, {.name = {}, .kind = run.kind, .scale = scale, .lane = lane, .text = text});
    }
  }
}

void apply_edits(Column& column, const std::vector<Edit>& edits) {
  if (edits.empty()) return;
  Column changed(column.name());
  copy_values(column, changed, edits);
  column.clear();
  copy_values(changed, column, {});
}

// Whether all texts of the column are equal, as of fields of an agent's own (host.name).
bool says_one_thing(const Column& column) {
  const std::vector<uint32_t>& ends = column.text_ends();
  std::string_view lane = column.text();
  if (ends.size() < 2 || ends[0] == 0 || lane.size() != size_t{ends[0]} * ends.size()) return false;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] != ends[0] * (i + 1)) return false;
  }
  return std::memcmp(lane.data(), lane.data() + ends[0], lane.size() - ends[0]) == 0;
}

// Rows of the texts of a column, by their place in its text lane.
struct TextRun {
  size_t first_text = 0;
  uint32_t row = 0;
  uint32_t count = 0;
  Kind kind = Kind::kString;
};
std::vector<TextRun> text_runs(const Column& column) {
  std::vector<TextRun> runs;
  size_t texts = 0;
  for (const model::KindRun& run : column.runs()) {
    if (!model::kind_has_text(run.kind)) continue;
    runs.push_back({texts, run.row, run.count, run.kind});
    texts += run.count;
  }
  return runs;
}

struct TextPlace {
  uint32_t row = 0;
  Kind kind = Kind::kString;
};
TextPlace place_of(const std::vector<TextRun>& runs, size_t text) {
  auto after =
      std::upper_bound(runs.begin(), runs.end(), text, [](size_t t, const TextRun& run) { return t < run.first_text; });
  const TextRun& run = *std::prev(after);
  return {run.row + static_cast<uint32_t>(text - run.first_text), run.kind};
}

}  // namespace

// Threads: one at a time; one batch's redaction.
class BatchRedaction {
 public:
  BatchRedaction(const Redactor& redactor, model::Batch& batch, RedactionCounts& counts)
      : batch_(batch), texts_(redactor, counts) {}

  uint64_t run() {
    Column* raw = batch_.find(model::kRawField);
    has_raw_ = raw != nullptr && raw->values_count() > 0;
    for (size_t i = 0; i < batch_.columns().size(); ++i) {
      Column& column = *batch_.columns()[i];
      if (column.values_count() == 0 || &column == raw || is_passed_over(column.name())) continue;
      if (column.name() == model::kRestField)
        redact_rest(column);
      else
        redact_column(column);
    }
    if (has_raw_) {
      take_named_out(*raw);
      redact_texts(*raw);
    }
    return write_flags();
  }

 private:
  void redact_column(Column& column) {
    int rule = rule_of_name(column.name());
    if (rule == static_cast<int>(SecretKind::kCard)) redact_card_numbers(column);
    rule = whole_rule(column.name());
    if (rule >= 0)
      redact_whole(column, static_cast<uint32_t>(rule));
    else if (!column.text_ends().empty())
      redact_texts(column);
  }

  // Every value of a column whose name says that it is a secret.
  void redact_whole(Column& column, uint32_t rule) {
    std::vector<Edit> edits;
    size_t texts = 0;
    size_t ints = 0;
    size_t scales = 0;
    for (const model::KindRun& run : column.runs()) {
      for (uint32_t i = 0; i < run.count; ++i) {
        std::string_view text = model::kind_has_text(run.kind) ? column.text_at(texts++) : std::string_view();
        int64_t lane = model::kind_has_int(run.kind) ? column.ints()[ints++] : 0;
        uint8_t scale = run.kind == Kind::kDecimal ? column.scales()[scales++] : uint8_t{0};
        uint32_t row = run.row + i;
        if (model::kind_has_text(run.kind)) {
          redact_whole_text(row, run.kind, text, rule, edits);
        } else if (model::kind_has_int(run.kind) && run.kind != Kind::kBool && run.kind != Kind::kTime &&
                   numbers_are_secret(static_cast<int>(rule))) {
          std::string number;
          model::print_number(run.kind, lane, scale, number);
          edits.push_back({row, texts_.mark(rule), true});
          note(row, rule, number);
        }
      }
    }
    apply_edits(column, edits);
  }

  void redact_whole_text(uint32_t row, Kind kind, std::string_view text, uint32_t rule, std::vector<Edit>& edits) {
    if (kind == Kind::kArray) {
      std::string marked = marked_elements(text, texts_.mark(rule));
      if (marked == text) return;
      edits.push_back({row, std::move(marked), false});
      return note(row, rule, {});
    }
    if (is_placeholder(text)) return;
    edits.push_back({row, texts_.mark(rule), true});
    note(row, rule, text);
  }

  // Card numbers that came as numbers, under a name that says so.
  void redact_card_numbers(Column& column) {
    std::vector<Edit> edits;
    auto rule = static_cast<uint32_t>(SecretKind::kCard);
    size_t ints = 0;
    for (const model::KindRun& run : column.runs()) {
      if (!model::kind_has_int(run.kind)) continue;
      for (uint32_t i = 0; i < run.count; ++i) {
        std::string number;
        model::print_number(run.kind, column.ints()[ints++], 0, number);
        if (run.kind == Kind::kDecimal || !is_card_number_text(number)) continue;
        edits.push_back({run.row + i, texts_.mark(rule), true});
        note(run.row + i, rule, number);
      }
    }
    apply_edits(column, edits);
  }
  static bool is_card_number_text(std::string_view number) {
    return number.find_first_not_of("0123456789") == std::string_view::npos && is_card_number(number);
  }

  // The texts of a column, found by one scan over all of them.
  void redact_texts(Column& column) {
    std::string_view lane = column.text();
    hits_.clear();
    if (says_one_thing(column) && !texts_.has_own()) {
      std::string_view once = column.text_at(0);
      texts_.scan(once, hits_);
      if (hits_.empty() && next_digits(once, 0) >= once.size()) return;
      hits_.clear();
    }
    texts_.scan(lane, hits_);
    size_t digits = texts_.has_own() ? 0 : next_digits(lane, 0);
    if (hits_.empty() && digits >= lane.size() && !texts_.has_own()) return;
    std::vector<Edit> edits;
    const std::vector<uint32_t>& ends = column.text_ends();
    std::vector<TextRun> runs;
    size_t hit = 0;
    size_t text = 0;
    bool open = false;
    while (text < ends.size()) {
      // The next text with anything in it.
      size_t hit_at = hit < hits_.size() ? hits_[hit].end - 1 : lane.size();
      size_t at = std::min(hit_at, digits);
      if (texts_.has_own() || open) at = text == 0 ? 0 : ends[text - 1];
      if (at >= lane.size() && !texts_.has_own() && !open) break;
      if (at < lane.size() && ends[text] <= at) {
        text = static_cast<size_t>(std::upper_bound(ends.begin() + static_cast<std::ptrdiff_t>(text), ends.end(), at) -
                                   ends.begin());
      }
      size_t begin = text == 0 ? 0 : ends[text - 1];
      size_t last = hit;
      while (last < hits_.size() && hits_[last].end <= ends[text]) ++last;
      std::string_view value = lane.substr(begin, ends[text] - begin);
      std::string out;
      bool changed = texts_.redact(value, hits_.data() + hit, last - hit, begin, out);
      bool continues = open && !changed && is_key_line(value);
      open = continues ? value.find("-----END ") == std::string_view::npos : changed && texts_.key_is_open();
      if (continues) {
        changed = true;
        out = texts_.mark(static_cast<uint32_t>(SecretKind::kPrivateKey));
        texts_.count(static_cast<uint32_t>(SecretKind::kPrivateKey));
      }
      if (changed) {
        if (runs.empty()) runs = text_runs(column);
        TextPlace place = place_of(runs, text);
        if (place.kind == Kind::kArray && !is_array_text(out)) out = "[\"[redacted]\"]";
        flag(place.row);
        edits.push_back({place.row, std::move(out), false});
      }
      hit = last;
      if (digits < ends[text]) digits = next_digits(lane, ends[text]);
      ++text;
    }
    apply_edits(column, edits);
  }

  // A line of a private key that began in the text before: base64, or its end.
  static bool is_key_line(std::string_view text) {
    if (text.empty()) return false;
    if (text.find("-----END ") != std::string_view::npos) return true;
    if (text.find(": ") != std::string_view::npos && text.size() < 64) return true;  // Proc-Type: 4,ENCRYPTED
    return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r") ==
           std::string_view::npos;
  }

  // Fields beyond the columns. Only rows that a literal or a run of digits stands in are read.
  void redact_rest(Column& column) {
    std::string_view lane = column.text();
    hits_.clear();
    texts_.scan(lane, hits_);
    if (hits_.empty() && next_digits(lane, 0) >= lane.size() && !texts_.has_own()) return;
    std::vector<Edit> edits;
    std::vector<TextRun> runs = text_runs(column);
    for (size_t text = 0; text < column.text_ends().size(); ++text) {
      uint32_t row = place_of(runs, text).row;
      std::string out;
      if (redact_rest_row(row, column.text_at(text), out)) edits.push_back({row, std::move(out), false});
    }
    apply_edits(column, edits);
  }

  bool redact_rest_row(uint32_t row, std::string_view fields, std::string& out) {
    model::RestReader reader(fields);
    model::RestField field;
    bool changed = false;
    while (reader.next(field)) {
      std::string text;
      if (model::kind_has_text(field.kind) && redact_rest_text(row, field, text)) {
        changed = true;
        field.text = text;
        if (field.kind != Kind::kArray) field.kind = Kind::kString;
      }
      model::append_rest(field, out);
    }
    return changed && reader.status().ok();
  }

  bool redact_rest_text(uint32_t row, const model::RestField& field, std::string& text) {
    int rule = whole_rule(field.name);
    if (rule >= 0) {
      std::vector<Edit> edits;
      redact_whole_text(row, field.kind, field.text, static_cast<uint32_t>(rule), edits);
      if (edits.empty()) return false;
      text = std::move(edits[0].text);
      return true;
    }
    if (!texts_.redact(field.text, text)) return false;
    if (field.kind == Kind::kArray && !is_array_text(text)) text = "[\"[redacted]\"]";
    flag(row);
    return true;
  }

  void flag(uint32_t row) {
    if (flagged_.empty()) flagged_.resize(batch_.rows(), false);
    flagged_[row] = true;
  }
  // A value that went whole; the line that it was parsed from must not keep it.
  void note(uint32_t row, uint32_t rule, std::string_view value) {
    constexpr size_t kValueBytesMin = 4;  // a shorter one stands in words by chance
    texts_.count(rule);
    flag(row);
    if (has_raw_ && value.size() >= kValueBytesMin) named_.push_back({row, rule, std::string(value)});
  }

  void take_named_out(Column& raw) {
    if (named_.empty()) return;
    std::stable_sort(named_.begin(), named_.end(), [](const Named& a, const Named& b) { return a.row < b.row; });
    std::vector<Edit> edits;
    size_t next = 0;
    size_t text = 0;
    for (const TextRun& run : text_runs(raw)) {
      for (uint32_t i = 0; i < run.count; ++i, ++text) {
        uint32_t row = run.row + i;
        while (next < named_.size() && named_[next].row < row) ++next;
        std::string line;
        bool changed = false;
        for (; next < named_.size() && named_[next].row == row; ++next) {
          if (line.empty()) line = raw.text_at(text);
          changed = replace_all(line, named_[next].value, texts_.mark(named_[next].rule)) || changed;
        }
        if (changed) edits.push_back({row, std::move(line), false});
      }
    }
    apply_edits(raw, edits);
  }
  static bool replace_all(std::string& text, const std::string& value, const std::string& mark) {
    bool any = false;
    for (size_t at = text.find(value); at != std::string::npos; at = text.find(value, at + mark.size())) {
      text.replace(at, value.size(), mark);
      any = true;
    }
    return any;
  }

  uint64_t write_flags() {
    if (flagged_.empty()) return 0;
    Column& flags = *batch_.column(model::kFlagsField);
    std::map<uint32_t, int64_t> old;
    size_t ints = 0;
    for (const model::KindRun& run : flags.runs()) {
      for (uint32_t i = 0; i < run.count; ++i) old[run.row + i] = flags.ints()[ints++];
    }
    uint64_t changed = 0;
    for (uint32_t row = 0; row < flagged_.size(); ++row) {
      if (!flagged_[row]) continue;
      old[row] |= static_cast<int64_t>(model::Flag::kRedacted);
      ++changed;
    }
    flags.clear();
    for (const auto& [row, bits] : old) flags.add_int(row, bits);
    return changed;
  }

  struct Named {
    uint32_t row;
    uint32_t rule;
    std::string value;
  };

  model::Batch& batch_;
  TextRedaction texts_;
  bool has_raw_ = false;
  std::vector<LiteralHit> hits_;
  std::vector<bool> flagged_;  // by row; empty until one is
  std::vector<Named> named_;
};

uint64_t Redactor::redact(model::Batch& batch, RedactionCounts& counts) const {
  return BatchRedaction(*this, batch, counts).run();
}

}  // namespace clew::process
