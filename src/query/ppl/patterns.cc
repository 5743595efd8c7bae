#include "query/ppl/patterns.h"

#include <algorithm>
#include <map>

#include "query/exec/aggregate.h"
#include "query/exec/coded_texts.h"
#include "query/exec/gather.h"
#include "query/exec/group.h"
#include "query/exec/rows.h"
#include "query/ppl/grouping.h"
#include "query/ppl/pattern.h"
#include "text/templates.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

struct Options {
  bool brain = false;
  bool aggregate = false;
  int64_t samples_max = 10;
  bool numbered = false;
  std::string new_field = "patterns_field";
  std::string regex;  // of simple_pattern: what varies; empty: runs of letters and digits
  int64_t variable_count = 5;
  double frequency_share = 0.3;
};

// Places of variables in a simple template, with what stood there.
struct Labelled {
  std::string pattern;
  std::vector<std::string> values;
};

class Labeller {
 public:
  explicit Labeller(PatternPtr regex) : regex_(std::move(regex)) {}

  Labelled simple(std::string_view text) const {
    Labelled out;
    append(text, out.pattern, [&out](std::string_view value) { out.values.emplace_back(value); });
    return out;
  }

  // Appends the template of `text` and gives each variable to `take`.
  template <class Take>
  void append(std::string_view text, std::string& out, const Take& take) const {
    Pattern::Place whole;
    std::vector<Pattern::Place> groups;
    size_t at = 0;
    while (at <= text.size() && next(text, at, whole, groups)) {
      if (whole.end == whole.begin) break;
      out.append(text.substr(at, whole.begin - at)).append(text::kVariable);
      take(text.substr(whole.begin, whole.end - whole.begin));
      at = whole.end;
    }
    if (at < text.size()) out.append(text.substr(at));
  }

 private:
  bool next(std::string_view text, size_t from, Pattern::Place& whole, std::vector<Pattern::Place>& groups) const {
    if (regex_ != nullptr) return regex_->match(text, from, whole, groups);
    auto alnum = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (from < text.size() && !alnum(text[from])) ++from;
    whole.begin = from;
    while (from < text.size() && alnum(text[from])) ++from;
    whole.end = from;
    return whole.end > whole.begin;
  }

  PatternPtr regex_;
};

// Of rows without a text.
enum class NoText : uint8_t { kNull, kEmpty };

// The simple template of each row, which needs no other row.
class LabelStep final : public exec::MapStep {
 public:
  struct Slots {
    Slot in = 0;
    Slot out = 0;
  };
  LabelStep(Slots slots, PatternPtr regex, NoText no_text, std::string text)
      : slots_(slots), labeller_(std::move(regex)), no_text_(no_text), text_(std::move(text)) {}
  std::string name() const override { return "patterns"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.push_back(slots_.in); }

  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, slots_.in);
    exec::CodedTexts labels(block.rows);
    std::string buffer;
    std::string label;
    std::string_view text;
    for (uint32_t row = 0; row < block.rows; ++row) {
      bool there = text_of_row(*column, row, buffer, text);
      if (!there && no_text_ == NoText::kNull) {
        labels.add_null();
        continue;
      }
      label.clear();
      if (there) labeller_.append(text, label, [](std::string_view) {});
      labels.add(label);
    }
    block.set(slots_.out, labels.finish());
    return {};
  }

 private:
  Slots slots_;
  Labeller labeller_;
  NoText no_text_;
  std::string text_;
};

std::string token_name(size_t i) { return "<token" + std::to_string(i + 1) + ">"; }

Value tokens_value(const std::vector<model::Values>& tokens) {
  model::Members members;
  for (size_t i = 0; i < tokens.size(); ++i) members.emplace_back(token_name(i), Value::array(tokens[i]));
  return Value::structure(std::move(members));
}

// Labels every row, or counts rows by their labels, with all rows at hand: what a row's label is depends on the others,
// or its variables are asked for.
class PatternsStep final : public exec::GatherStep {
 public:
  struct Slots {
    Slot in = 0;
    std::vector<exec::GroupKey> keys;
    Slot pattern = 0;
    Slot count = 0;
    Slot tokens = 0;
    Slot samples = 0;
  };
  PatternsStep(Slots slots, Options options, PatternPtr regex, std::string text)
      : slots_(std::move(slots)), options_(std::move(options)), labeller_(std::move(regex)), text_(std::move(text)) {}
  std::string name() const override { return "patterns"; }
  std::string describe() const override { return text_; }
  bool row_query() const override { return !options_.aggregate; }
  void reads(std::vector<Slot>& out) const override {
    out.push_back(slots_.in);
    for (const exec::GroupKey& key : slots_.keys) out.push_back(key.in);
  }

  Status make(exec::Run& run, std::vector<exec::Block> blocks, exec::Operator& next) const override {
    exec::Held held(run);
    Rows rows = CLEW_TRY(label(run, held, blocks));
    if (options_.aggregate) return make_groups(run, blocks, rows, next);
    return make_labels(blocks, rows, next);
  }

 private:
  struct Rows {
    std::vector<std::string> texts;
    std::vector<bool> null;
    std::vector<uint32_t> groups;
    std::vector<Labelled> labels;
    std::vector<exec::RowRef> refs;
  };

  Result<Rows> label(exec::Run& run, exec::Held& held, const std::vector<exec::Block>& blocks) const {
    Rows rows;
    exec::Grouper grouper(slots_.keys.size());
    uint64_t bytes = 0;
    for (uint32_t b = 0; b < blocks.size(); ++b) {
      std::vector<uint32_t> groups(blocks[b].rows, 0);
      std::vector<model::VectorPtr> keys;
      for (const exec::GroupKey& key : slots_.keys) keys.push_back(exec::column_of(blocks[b], key.in));
      if (!keys.empty()) grouper.assign(keys, blocks[b].rows, groups);
      model::VectorPtr column = exec::column_of(blocks[b], slots_.in);
      for (uint32_t row = 0; row < blocks[b].rows; ++row) {
        std::string buffer;
        std::string_view text;
        rows.null.push_back(!text_of_row(*column, row, buffer, text));
        rows.texts.emplace_back(text);
        rows.refs.push_back({b, row});
        bytes += 2 * text.size() + sizeof(Labelled) + 64;
      }
      rows.groups.insert(rows.groups.end(), groups.begin(), groups.end());
      CLEW_TRY(held.set(bytes));
    }
    rows.labels.resize(rows.texts.size());
    if (options_.brain)
      CLEW_TRY(mine(run, held, bytes, rows));
    else
      CLEW_TRY(label_simply(run, rows));
    return rows;
  }

  Status label_simply(exec::Run& run, Rows& rows) const {
    for (size_t i = 0; i < rows.texts.size(); ++i) {
      if (i % run.options().block_rows == 0) CLEW_TRY(run.check());
      if (!rows.null[i]) rows.labels[i] = labeller_.simple(rows.texts[i]);
    }
    return {};
  }

  // A miner of its own for every group of the `by` fields.
  Status mine(exec::Run& run, exec::Held& held, uint64_t bytes, Rows& rows) const {
    std::map<uint32_t, std::vector<uint32_t>> by_group;
    for (uint32_t i = 0; i < rows.texts.size(); ++i) {
      if (!rows.null[i]) by_group[rows.groups[i]].push_back(i);
    }
    for (const auto& [group, members] : by_group) {
      text::TemplateMiner miner({static_cast<uint32_t>(options_.variable_count), options_.frequency_share});
      for (size_t n = 0; n < members.size(); ++n) {
        miner.add(rows.texts[members[n]]);
        if (n % run.options().block_rows == 0) CLEW_TRY(run.check());
        if (n % run.options().block_rows == 0) CLEW_TRY(held.set(bytes + miner.memory_bytes()));
      }
      for (size_t n = 0; n < members.size(); ++n) {
        if (n % run.options().block_rows == 0) CLEW_TRY(run.check());
        Labelled& label = rows.labels[members[n]];
        label.pattern = miner.template_of(n);
        if (!options_.numbered) continue;
        std::vector<std::string_view> values;
        text::template_values(rows.texts[members[n]], label.pattern, values);
        label.values.assign(values.begin(), values.end());
      }
    }
    return {};
  }

  std::string shown(const std::string& pattern) const {
    if (!options_.numbered) return pattern;
    std::string out;
    text::number_variables(pattern, out);
    return out;
  }

  Status make_labels(std::vector<exec::Block>& blocks, const Rows& rows, exec::Operator& next) const {
    size_t at = 0;
    for (exec::Block& block : blocks) {
      std::vector<Value> patterns;
      std::vector<Value> tokens;
      for (uint32_t row = 0; row < block.rows; ++row, ++at) {
        patterns.push_back(Value::string(shown(rows.labels[at].pattern)));
        std::vector<model::Values> values;
        for (const std::string& value : rows.labels[at].values) values.push_back({Value::string(value)});
        if (options_.numbered) tokens.push_back(tokens_value(values));
      }
      block.set(slots_.pattern, exec::vector_of(patterns));
      if (options_.numbered) block.set(slots_.tokens, exec::vector_of(tokens));
      if (!next.wants_more()) return {};
      CLEW_TRY(next.push(std::move(block)));
    }
    return {};
  }

  struct Group {
    size_t first = 0;
    int64_t count = 0;
    model::Values samples;
    std::vector<model::Values> tokens;
  };

  Status make_groups(exec::Run& run, const std::vector<exec::Block>& blocks, const Rows& rows,
                     exec::Operator& next) const {
    std::map<std::pair<uint32_t, std::string>, Group> groups;
    for (size_t i = 0; i < rows.texts.size(); ++i) {
      if (rows.null[i]) continue;
      auto [it, fresh] = groups.try_emplace({rows.groups[i], rows.labels[i].pattern});
      Group& group = it->second;
      if (fresh) group.first = i;
      ++group.count;
      if (static_cast<int64_t>(group.samples.size()) < options_.samples_max)
        group.samples.push_back(Value::string(rows.texts[i]));
      const std::vector<std::string>& values = rows.labels[i].values;
      if (!options_.numbered) continue;
      if (group.tokens.size() < values.size()) group.tokens.resize(values.size());
      for (size_t n = 0; n < values.size(); ++n) {
        if (static_cast<int64_t>(group.tokens[n].size()) < options_.samples_max)
          group.tokens[n].push_back(Value::string(values[n]));
      }
    }
    std::vector<Slot> slots;
    for (const exec::GroupKey& key : slots_.keys) slots.push_back(key.out);
    for (Slot slot : {slots_.pattern, slots_.count, slots_.tokens, slots_.samples}) slots.push_back(slot);
    exec::RowWriter writer(run, std::move(slots), next);
    for (const auto& [key, group] : groups) {
      std::vector<Value> row;
      exec::RowRef ref = rows.refs[group.first];
      for (const exec::GroupKey& by : slots_.keys)
        row.push_back(exec::column_of(blocks[ref.block], by.in)->value(ref.row));
      row.push_back(Value::string(shown(key.second)));
      row.push_back(Value::bigint(group.count));
      row.push_back(options_.numbered ? tokens_value(group.tokens) : Value());
      row.push_back(Value::array(group.samples));
      CLEW_TRY(writer.add(row));
    }
    return writer.flush();
  }

  Slots slots_;
  Options options_;
  Labeller labeller_;
  std::string text_;
};

class Patterns final : public Command {
 public:
  Patterns(std::string field, std::vector<KeyItem> keys, Options options, PatternPtr regex)
      : field_(std::move(field)), keys_(std::move(keys)), options_(std::move(options)), regex_(std::move(regex)) {}

  std::string print() const override {
    std::string out = "patterns " + expr::print_name(field_) + print_by(keys_);
    out += options_.brain ? " method=brain" : " method=simple_pattern";
    if (options_.aggregate) out += " mode=aggregation";
    out += " max_sample_count=" + std::to_string(options_.samples_max);
    if (options_.numbered) out += " show_numbered_token=true";
    out += " new_field=" + expr::print_string(options_.new_field);
    if (!options_.regex.empty()) out += " pattern=" + expr::print_string(options_.regex);
    if (options_.brain) {
      out += " variable_count_threshold=" + std::to_string(options_.variable_count);
      out +=
          " frequency_threshold_percentage=" + expr::print(*expr::make_literal(Value::real(options_.frequency_share)));
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    if (options_.brain || options_.numbered) return bind_gathered(pipeline);
    return options_.aggregate ? bind_counts(pipeline) : bind_labels(pipeline);
  }

 private:
  Status bind_labels(Pipeline& pipeline) const {
    Column in = CLEW_TRY(pipeline.field(field_));
    Slot label = pipeline.context.new_slot();
    pipeline.scope.all();
    pipeline.add(std::make_shared<LabelStep>(LabelStep::Slots{in.slot, label}, regex_, NoText::kEmpty, print()));
    pipeline.scope.set({options_.new_field, label, Type::kString});
    return {};
  }

  Status bind_counts(Pipeline& pipeline) const {
    Column in = CLEW_TRY(pipeline.field(field_));
    std::vector<Column> columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, keys_, false, columns));
    exec::GroupKey label{pipeline.context.new_slot(), pipeline.context.new_slot(), true};
    keys.push_back(label);
    pipeline.add(std::make_shared<LabelStep>(LabelStep::Slots{in.slot, label.in}, regex_, NoText::kNull, print()));
    columns.push_back({options_.new_field, label.out, Type::kString});
    std::vector<AggregateItem> items = {{"pattern_count", expr::make_call("count", {})}};
    if (options_.samples_max > 0) {
      expr::ExprPtr most = expr::make_literal(Value::bigint(options_.samples_max));
      items.push_back({"sample_logs", expr::make_call("take", {expr::make_field(field_), most})});
    }
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, items, columns));
    pipeline.add(std::make_shared<exec::AggregateStep>(std::move(keys), std::move(calls), "patterns", print()));
    pipeline.scope.replace(std::move(columns));
    if (options_.samples_max == 0) CLEW_TRY(bind_no_samples(pipeline));
    return {};
  }

  Status bind_no_samples(Pipeline& pipeline) const {
    expr::BoundPtr none = CLEW_TRY(pipeline.bind(*expr::make_call("array", {})));
    Slot slot = pipeline.context.new_slot();
    std::vector<exec::Computed> computed = {{slot, std::move(none)}};
    pipeline.add(std::make_shared<exec::ComputeStep>(std::move(computed), "patterns", "no samples"));
    pipeline.scope.set({"sample_logs", slot, Type::kArray});
    return {};
  }

  Status bind_gathered(Pipeline& pipeline) const {
    PatternsStep::Slots slots;
    Column in = CLEW_TRY(pipeline.field(field_));
    slots.in = in.slot;
    std::vector<Column> columns;
    slots.keys = CLEW_TRY(bind_keys(pipeline, keys_, false, columns));
    slots.pattern = pipeline.context.new_slot();
    slots.count = pipeline.context.new_slot();
    slots.tokens = pipeline.context.new_slot();
    slots.samples = pipeline.context.new_slot();
    if (!options_.aggregate) pipeline.scope.all();
    pipeline.add(std::make_shared<PatternsStep>(slots, options_, regex_, print()));
    if (!options_.aggregate) {
      pipeline.scope.set({options_.new_field, slots.pattern, Type::kString});
      if (options_.numbered) pipeline.scope.set({"tokens", slots.tokens, Type::kStruct});
      return {};
    }
    columns.push_back({options_.new_field, slots.pattern, Type::kString});
    columns.push_back({"pattern_count", slots.count, Type::kLong});
    if (options_.numbered) columns.push_back({"tokens", slots.tokens, Type::kStruct});
    columns.push_back({"sample_logs", slots.samples, Type::kArray});
    pipeline.scope.replace(std::move(columns));
    return {};
  }

  std::string field_;
  std::vector<KeyItem> keys_;
  Options options_;
  PatternPtr regex_;
};

Status set_method(CommandParser& parser, const std::string& text, Options& options) {
  std::string lower = expr::to_lower_ascii(text);
  if (lower != "brain" && lower != "simple_pattern")
    return parser.fail("method is simple_pattern or brain, not " + quoted(text));
  options.brain = lower == "brain";
  return {};
}

Status set_mode(CommandParser& parser, const std::string& text, Options& options) {
  std::string lower = expr::to_lower_ascii(text);
  if (lower != "label" && lower != "aggregation")
    return parser.fail("mode is label or aggregation, not " + quoted(text));
  options.aggregate = lower == "aggregation";
  return {};
}

Status set_share(CommandParser& parser, const std::string& text, Options& options) {
  options.frequency_share = std::strtod(text.c_str(), nullptr);
  if (options.frequency_share >= 0 && options.frequency_share <= 1) return {};
  return parser.fail("frequency_threshold_percentage is 0 to 1, not " + quoted(text));
}

Result<bool> take_option(CommandParser& parser, Options& options) {
  if (auto method = CLEW_TRY(parser.option("method"))) {
    CLEW_TRY(set_method(parser, *method, options));
    return true;
  }
  if (auto mode = CLEW_TRY(parser.option("mode"))) {
    CLEW_TRY(set_mode(parser, *mode, options));
    return true;
  }
  if (auto samples = CLEW_TRY(parser.int_option("max_sample_count"))) {
    options.samples_max = std::max<int64_t>(*samples, 0);
    return true;
  }
  if (auto numbered = CLEW_TRY(parser.bool_option("show_numbered_token"))) {
    options.numbered = *numbered;
    return true;
  }
  // The memory of the query is the limit here.
  auto buffer = CLEW_TRY(parser.int_option("buffer_limit"));
  if (buffer) return true;
  if (auto name = CLEW_TRY(parser.option("new_field"))) {
    options.new_field = *name;
    return true;
  }
  if (auto regex = CLEW_TRY(parser.option("pattern"))) {
    options.regex = *regex;
    return true;
  }
  if (auto count = CLEW_TRY(parser.int_option("variable_count_threshold"))) {
    options.variable_count = std::clamp<int64_t>(*count, 1, UINT32_MAX);
    return true;
  }
  if (auto share = CLEW_TRY(parser.option("frequency_threshold_percentage"))) {
    CLEW_TRY(set_share(parser, *share, options));
    return true;
  }
  return false;
}

Status take_options(CommandParser& parser, Options& options) {
  while (true) {
    bool taken = CLEW_TRY(take_option(parser, options));
    if (!taken) return {};
  }
}

}  // namespace

Result<CommandPtr> parse_patterns(CommandParser& parser) {
  Options options;
  CLEW_TRY(take_options(parser, options));
  std::string field = CLEW_TRY(parser.name());
  CLEW_TRY(take_options(parser, options));
  std::vector<KeyItem> keys = CLEW_TRY(parse_by(parser));
  CLEW_TRY(take_options(parser, options));
  PatternPtr regex;
  if (!options.regex.empty()) {
    Result<PatternPtr> compiled = Pattern::compile(options.regex);
    if (!compiled.ok()) return parser.fail(compiled.error().message());
    regex = *compiled;
  }
  return CommandPtr(
      std::make_shared<Patterns>(std::move(field), std::move(keys), std::move(options), std::move(regex)));
}

}  // namespace clew::query::ppl
