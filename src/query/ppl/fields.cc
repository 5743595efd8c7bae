#include "query/ppl/fields.h"

#include <algorithm>

#include "text/words.h"

namespace clew::query::ppl {

namespace {

bool named(const std::vector<Column>& columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
}

class Fields final : public Command {
 public:
  Fields(std::vector<std::string> names, bool drop) : names_(std::move(names)), drop_(drop) {}

  std::string print() const override {
    std::string out = drop_ ? "fields - " : "fields ";
    for (size_t i = 0; i < names_.size(); ++i) out += (i == 0 ? "" : ", ") + expr::print_name(names_[i]);
    return out;
  }

  Status bind(Pipeline& pipeline) const override { return drop_ ? drop(pipeline) : keep(pipeline); }

 private:
  Status keep(Pipeline& pipeline) const {
    std::vector<Column> kept;
    for (const std::string& name : names_) {
      std::vector<Column> columns = CLEW_TRY(matching_columns(pipeline, name));
      for (Column& column : columns) {
        if (!named(kept, column.name)) kept.push_back(std::move(column));
      }
    }
    pipeline.scope.replace(std::move(kept));
    return {};
  }

  Status drop(Pipeline& pipeline) const {
    std::vector<Column> dropped;
    for (const std::string& name : names_) {
      std::vector<Column> columns = CLEW_TRY(matching_columns(pipeline, name));
      dropped.insert(dropped.end(), columns.begin(), columns.end());
    }
    std::vector<Column> kept;
    for (const Column& column : pipeline.scope.all()) {
      if (!named(dropped, column.name)) kept.push_back(column);
    }
    pipeline.scope.replace(std::move(kept));
    return {};
  }

  std::vector<std::string> names_;
  bool drop_;
};

}  // namespace

Result<std::vector<Column>> matching_columns(Pipeline& pipeline, const std::string& pattern) {
  std::vector<Column> out;
  if (pattern.find('*') == std::string::npos) {
    Column column = CLEW_TRY(pipeline.field(pattern));
    column.name = pattern;
    out.push_back(std::move(column));
    return out;
  }
  // Patterns look at the columns of `*`; one with a dot looks at the leaves too.
  std::vector<std::string> names;
  if (pipeline.scope.is_open() && pattern != "*") {
    names = pipeline.scope.source()->star();
    if (pattern.find('.') != std::string::npos) {
      std::vector<std::string> leaves = pipeline.scope.names();
      names.insert(names.end(), leaves.begin(), leaves.end());
    }
    for (const std::string& name : pipeline.scope.own_names()) names.push_back(name);
  } else {
    for (const Column& column : pipeline.scope.all()) names.push_back(column.name);
  }
  for (const std::string& name : names) {
    if (!text::wildcard_match(pattern, name) || named(out, name)) continue;
    Column column = CLEW_TRY(pipeline.field(name));
    column.name = name;
    out.push_back(std::move(column));
  }
  return out;
}

Result<CommandPtr> parse_fields(CommandParser& parser) {
  bool drop = parser.tokens.accept("-");
  if (!drop) parser.tokens.accept("+");
  std::vector<std::string> names = CLEW_TRY(parser.names());
  return CommandPtr(std::make_shared<Fields>(std::move(names), drop));
}

}  // namespace clew::query::ppl
