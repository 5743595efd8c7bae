#include "explore/complete.h"

#include <algorithm>

#include "explore/facets.h"
#include "explore/field_list.h"
#include "expr/ast.h"
#include "expr/lexer.h"
#include "query/editor.h"
#include "query/encode.h"

namespace clew::explore {
namespace {

constexpr uint64_t kValueSample = 10'000;  // newest events whose values are offered
constexpr uint64_t kCompletionMillis = 1'000;

bool begins_with(std::string_view name, std::string_view begun) {
  return name.size() >= begun.size() && expr::equals_ignore_case(name.substr(0, begun.size()), begun);
}

std::string types_text(const std::vector<model::Type>& types) {
  std::string out;
  for (model::Type type : types) out += (out.empty() ? "" : ", ") + std::string(model::type_name(type));
  return out;
}

class Completer {
 public:
  Completer(query::Engine& engine, contract::EventSource& source, const Question& question, query::Site site)
      : engine_(engine), source_(source), question_(question), site_(std::move(site)) {
    question_.limits.millis = std::min(question_.limits.millis, kCompletionMillis);
  }

  Completions complete() {
    if (site_.datasets) add_datasets();
    if (!site_.values_of.empty()) add_values();
    if (site_.commands) add_commands();
    if (site_.aggregates) add_names(query::aggregate_names(), "aggregate");
    if (site_.fields) add_fields();
    if (site_.functions) add_names(query::function_names(), "function");
    if (out_.items.size() > kCompletionsMax) out_.items.resize(kCompletionsMax);
    out_.begin = site_.begin;
    out_.end = site_.end;
    return std::move(out_);
  }

 private:
  void add(std::string text, std::string kind, std::string detail = "", uint64_t events = 0) {
    out_.items.push_back({std::move(text), std::move(kind), std::move(detail), events});
  }

  void add_commands() {
    for (const query::NameAndHelp& one : query::command_names()) {
      if (begins_with(one.name, site_.begun)) add(std::string(one.name), "command", std::string(one.help));
    }
  }

  void add_names(const std::vector<std::string_view>& names, const std::string& kind) {
    for (std::string_view name : names) {
      if (begins_with(name, site_.begun)) add(std::string(name) + "(", kind);
    }
  }

  void add_datasets() {
    auto datasets = source_.datasets(question_.access);
    if (!datasets.ok()) return;
    for (const contract::DatasetInfo& info : *datasets) {
      if (begins_with(info.name, site_.begun)) add(expr::print_name(info.name), "dataset", "", info.rows);
    }
  }

  // The search before the cursor, so that fields and values are those of the events that it means. A text that is wrong
  // so far is read as if it were empty.
  std::string search_before() const {
    std::string text = question_.query.substr(0, site_.begin);
    if (!site_.values_of.empty()) text = text.substr(0, text.rfind(site_.values_of));
    while (true) {
      auto events = engine_.events_part(text);
      if (auto* part = std::get_if<std::string>(&events)) return *part;
      size_t pipe = text.rfind('|');
      if (pipe == std::string::npos) return {};
      text.resize(pipe);
    }
  }

  void add_fields() {
    Question asked = question_;
    asked.query = search_before();
    auto made = field_list(engine_, source_, asked, {.words = site_.begun, .sample = 1'000, .limit = 10'000});
    auto* list = std::get_if<FieldList>(&made);
    if (list == nullptr) return;
    // Names that begin so come before those that have it inside.
    std::stable_partition(list->fields.begin(), list->fields.end(),
                          [&](const ListedField& field) { return begins_with(field.name, site_.begun); });
    for (const ListedField& field : list->fields) {
      if (out_.items.size() >= kCompletionsMax) return;
      add(expr::print_name(field.name), "field", types_text(field.types), field.events);
    }
  }

  std::string written(const model::Value& value, const std::string& text) const {
    bool number = value.type() != model::Type::kString;
    bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/' || c == ':';
    });
    if (number || (plain && site_.bare_values)) return text;
    std::string out = "\"";
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }

  void add_values() {
    Question asked = question_;
    asked.query = search_before();
    auto made = facets(engine_, asked, {.fields = {site_.values_of}, .top = kFacetValuesMax, .sample = kValueSample});
    auto* found = std::get_if<Facets>(&made);
    if (found == nullptr || found->facets.empty()) return;
    for (const FacetValue& one : found->facets[0].top) {
      std::string text;
      query::append_text(one.value, text);
      if (begins_with(text, site_.begun)) add(written(one.value, text), "value", "", one.events);
    }
  }

  query::Engine& engine_;
  contract::EventSource& source_;
  Question question_;
  const query::Site site_;
  Completions out_;
};

}  // namespace

Completions complete(query::Engine& engine, contract::EventSource& source, const Question& question, uint32_t cursor) {
  return Completer(engine, source, question, query::site_at(question.query, cursor)).complete();
}

}  // namespace clew::explore
