// Steps that change or take apart the text of a field: replace, split, trim, hash_blobs, redact.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "expr/pattern.h"
#include "model/json_text.h"
#include "pipeline/delimited.h"
#include "pipeline/digest.h"
#include "pipeline/step.h"

namespace clew::pipeline {
namespace {

constexpr size_t kBlobBytesDefault = 4 << 10;
constexpr size_t kBlobHeadBytes = 512;  // that must look like base64 or hex

// replace: {field, regex, with}: every match; `$1` is its first group.
class ReplaceStep final : public Step {
 public:
  ReplaceStep(std::vector<std::string> fields, std::shared_ptr<const re2::RE2> regex, std::string rewrite)
      : fields_(std::move(fields)), regex_(std::move(regex)), rewrite_(std::move(rewrite)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const std::string& name : fields_) {
      const std::vector<std::string_view>& texts = batch.texts(name);
      Field* own = batch.find(name);
      for (uint32_t row : on) {
        if (texts[row].data() == nullptr || !expr::regex_found(*regex_, texts[row])) continue;
        std::string changed = expr::regex_replace_all(*regex_, texts[row], rewrite_);
        // A line that is its own message becomes two: the message that was changed, and the line as it came.
        if (own == nullptr) own = &batch.make_named(name);
        batch.set(*own, row, Cell::string(batch.keep(changed)));
      }
    }
  }

 private:
  const std::vector<std::string> fields_;
  const std::shared_ptr<const re2::RE2> regex_;
  const std::string rewrite_;
};

StepPtr make_replace(Options& options, StepContext&) {
  std::vector<std::string> fields = options.list("field");
  for (std::string& one : options.list("fields")) fields.push_back(std::move(one));
  std::string pattern = options.required("regex");
  std::string with = options.text("with");
  if (fields.empty()) options.blame("lacks field");
  for (const std::string& name : fields) check_target(options, options.line(), name);
  Result<std::shared_ptr<const re2::RE2>> regex = expr::compile_regex(pattern);
  if (!regex.ok()) {
    options.blame(fmt::format("regex: {}", regex.error().message()));
    return nullptr;
  }
  Result<std::string> rewrite = expr::rewrite_of(**regex, with);
  if (!rewrite.ok()) {
    options.blame(fmt::format("with: {}", rewrite.error().message()));
    return nullptr;
  }
  return std::make_unique<ReplaceStep>(std::move(fields), std::move(regex).take(), std::move(rewrite).take());
}

// split: {field, by, target}: a text becomes an array; with `into` its parts become fields of those names.
class SplitStep final : public Step {
 public:
  SplitStep(std::string field, std::string by, std::string target, std::vector<std::string> into)
      : field_(std::move(field)), by_(std::move(by)), target_(std::move(target)), into_(std::move(into)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    const std::vector<std::string_view>& texts = batch.texts(field_);
    for (uint32_t row : on) {
      if (texts[row].data() == nullptr) continue;
      parts_.clear();
      std::string_view rest = texts[row];
      while (true) {
        size_t end = rest.find(by_);
        parts_.push_back(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + by_.size());
      }
      into_.empty() ? set_array(batch, row) : set_fields(batch, row, counts);
    }
  }

 private:
  void set_array(Rows& batch, uint32_t row) {
    std::string array = "[";
    for (std::string_view part : parts_) {
      if (array.size() > 1) array += ',';
      model::append_json_string(part, array);
    }
    batch.set(batch.make_named(target_), row, Cell::string(batch.keep(array + "]"), model::Kind::kArray));
  }
  void set_fields(Rows& batch, uint32_t row, StepCounts& counts) {
    if (parts_.size() < into_.size()) fail(batch, row, counts);
    for (size_t i = 0; i < into_.size() && i < parts_.size(); ++i) {
      if (into_[i] != "-") batch.set(batch.make_named(into_[i]), row, Cell::string(parts_[i]));
    }
  }
  const std::string field_;
  const std::string by_;
  const std::string target_;
  const std::vector<std::string> into_;
  std::vector<std::string_view> parts_;
};

StepPtr make_split(Options& options, StepContext&) {
  std::string field = options.required("field");
  std::string by = options.required("by");
  std::string target = options.text("target", field);
  std::vector<std::string> into = options.list("into");
  for (const std::string& name : into) {
    if (name != "-") check_target(options, options.line(), name);
  }
  if (into.empty() && !target.empty()) check_target(options, options.line(), target);
  return std::make_unique<SplitStep>(std::move(field), by.empty() ? "," : by, std::move(target), std::move(into));
}

// trim: [fields]: blanks at both ends go.
class TrimStep final : public Step {
 public:
  explicit TrimStep(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const std::string& name : fields_) {
      Field* field = batch.find(name);
      for (size_t i = 0; field != nullptr && i < on.size(); ++i) {
        const Cell& cell = field->cells[on[i]];
        if (!cell.is_text()) continue;
        std::string_view text = trimmed(cell.text(), " \t\r\n");
        if (text.size() != cell.text().size()) batch.set(*field, on[i], Cell::string(text));
      }
    }
  }

 private:
  const std::vector<std::string> fields_;
};

StepPtr make_trim(Options& options, StepContext&) {
  std::vector<std::string> names = options.whole_list("fields");
  if (names.empty()) options.blame("lacks fields");
  return std::make_unique<TrimStep>(std::move(names));
}

// What bytes begin with, for the kinds that are sent about in fields.
std::string_view blob_type(std::string_view bytes) {
  struct Magic {
    std::string_view begin;
    std::string_view type;
  };
  static constexpr Magic kMagic[] = {{"\x89PNG", "image/png"},
                                     {"\xFF\xD8\xFF", "image/jpeg"},
                                     {"GIF8", "image/gif"},
                                     {"%PDF", "application/pdf"},
                                     {"PK\x03\x04", "application/zip"},
                                     {"\x1F\x8B", "application/gzip"},
                                     {"\x28\xB5\x2F\xFD", "application/zstd"},
                                     {"\x7F"
                                      "ELF",
                                      "application/x-elf"},
                                     {"iVBORw0KGgo", "image/png"},
                                     {"/9j/", "image/jpeg"},
                                     {"R0lGOD", "image/gif"},
                                     {"JVBERi", "application/pdf"},
                                     {"UEsDB", "application/zip"},
                                     {"H4sI", "application/gzip"}};
  for (const Magic& magic : kMagic) {
    if (bytes.starts_with(magic.begin)) return magic.type;
  }
  return "application/octet-stream";
}

// Long and without a blank, of base64's or hex's characters; or bytes that are no text.
bool looks_like_blob(const Cell& cell, std::string_view text) {
  if (cell.kind == static_cast<uint8_t>(model::Kind::kBytes)) return true;
  if (text.starts_with("data:") && text.substr(0, 128).find(";base64,") != std::string_view::npos) return true;
  std::string_view head = text.substr(0, kBlobHeadBytes);
  size_t control = 0;
  size_t other = 0;
  for (char c : head) {
    auto byte = static_cast<unsigned char>(c);
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
                c == '-' || c == '_' || c == '=' || c == '\n' || c == '\r';
    control += byte < 32 && c != '\n' && c != '\r' && c != '\t' ? 1 : 0;
    other += word ? 0 : 1;
  }
  return other == 0 || control * 10 > head.size();
}

// hash_blobs: {over: 4096, fields: [...]}: what looks binary becomes what it is, how long, and its hash.
class BlobStep final : public Step {
 public:
  BlobStep(std::vector<std::string> fields, size_t over, bool always, const StepContext& context)
      : fields_(std::move(fields)), over_(over), always_(always) {
    if (context.around.metrics == nullptr) return;
    base::MetricLabels labels = {{"pipeline", context.pipeline}, {"rule", context.rule}};
    blobs_ = &context.around.metrics->counter("clew_pipeline_blobs_total", "Fields replaced by hash and size", labels);
  }
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    for (const std::string& name : fields_.empty() ? batch.names() : fields_) {
      if (name.starts_with('_')) continue;
      Field* field = nullptr;
      Field* known = batch.find(name);
      for (size_t i = 0; known != nullptr && i < on.size(); ++i) {
        const Cell& cell = known->cells[on[i]];
        bool text = cell.is_text() || cell.kind == static_cast<uint8_t>(model::Kind::kBytes);
        if (!text || cell.text().size() <= over_) continue;
        if (!always_ && !looks_like_blob(cell, cell.text())) continue;
        field = known;
        replace(batch, *field, on[i]);
      }
    }
  }

 private:
  void replace(Rows& batch, Field& field, uint32_t row) {
    std::string_view bytes = field.cells[row].text();
    std::string path = field.name;
    std::string type(blob_type(bytes));
    if (bytes.starts_with("data:")) type = std::string(bytes.substr(5, bytes.find(';') - 5));
    auto size = static_cast<int64_t>(bytes.size());
    std::string hash = sha256_hex(bytes);
    batch.remove(field, row);
    batch.set(batch.make_named(path + ".sha256"), row, Cell::string(batch.keep(hash)));
    batch.set(batch.make_named(path + ".size"), row, Cell::integer(size));
    batch.set(batch.make_named(path + ".type"), row, Cell::string(batch.keep(type)));
    if (blobs_ != nullptr) blobs_->add();
  }
  const std::vector<std::string> fields_;
  const size_t over_;
  const bool always_;
  base::Counter* blobs_ = nullptr;
};

StepPtr make_blobs(Options& options, StepContext& context) {
  std::vector<std::string> fields;
  size_t over = kBlobBytesDefault;
  bool always = false;
  if (!options.tree().is_null()) {
    fields = options.list("fields");
    over = options.count("over", 0, 1u << 30).value_or(kBlobBytesDefault);
    always = options.yes("always");
  }
  return std::make_unique<BlobStep>(std::move(fields), over, always, context);
}

// redact: {}: what redaction takes away by default, at this place of the pipeline; `rules` adds some.
class RedactStep final : public Step {
 public:
  RedactStep(std::shared_ptr<const process::Redactor> redactor, const StepContext& context)
      : redactor_(std::move(redactor)), metrics_(context.around.metrics) {}
  void run(Rows& batch, const model::Selection& on, StepCounts&) override {
    process::RedactionCounts counts = redactor_->no_counts();
    batch.redact(*redactor_, on, counts);
    for (size_t i = 0; metrics_ != nullptr && i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      metrics_
          ->counter("clew_redacted_total", "secrets taken out before they were stored, by rule",
                    {{"rule", redactor_->rule_names()[i]}})
          .add(counts[i]);
    }
  }

 private:
  const std::shared_ptr<const process::Redactor> redactor_;
  base::Registry* metrics_;
};

StepPtr make_redact(Options& options, StepContext& context) {
  std::vector<process::OwnRedaction> own;
  if (!options.tree().is_null()) {
    for (auto& [name, rule] : options.map("rules")) {
      process::OwnRedaction one{name, rule.is_text() ? rule.text : "", {}};
      if (const Tree* regex = rule.find("regex")) one.regex = regex->text;
      if (const Tree* with = rule.find("replacement")) one.replacement = with->text;
      Status checked = process::check_own_redaction(one);
      if (!checked.ok())
        options.blame(rule.line, fmt::format("{}: {}", name, checked.error().message()));
      else
        own.push_back(std::move(one));
    }
  }
  Result<std::shared_ptr<const process::Redactor>> redactor = process::Redactor::make(std::move(own));
  if (!redactor.ok()) {
    options.blame(redactor.error().message());
    return nullptr;
  }
  return std::make_unique<RedactStep>(std::move(redactor).take(), context);
}

constexpr StepKind kKinds[] = {
    {"replace", "write replace: {field: url, regex: '[0-9]+', with: 'N'}", make_replace},
    {"split", "write split: {field: tags, by: ','}", make_split},
    {"trim", "write trim: [message]", make_trim},
    {"hash_blobs", "write hash_blobs: {over: 4096}", make_blobs},
    {"redact", "write redact: {rules: {employee: 'EMP-[0-9]+'}}", make_redact},
};

}  // namespace

std::span<const StepKind> text_steps() { return kKinds; }

}  // namespace clew::pipeline
