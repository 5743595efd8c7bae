#include "query/ppl/rename.h"

#include <algorithm>
#include <optional>

namespace clew::query::ppl {

namespace {

struct Renaming {
  std::string from;
  std::string to;
};

// What `*` stands for, in order, when `name` matches `pattern`.
bool match_stars(std::string_view pattern, std::string_view name, std::vector<std::string>& parts) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  std::string_view head = pattern.substr(0, star);
  std::string_view rest = pattern.substr(star + 1);
  if (!name.starts_with(head)) return false;
  for (size_t end = name.size() + 1; end-- > head.size();) {
    size_t before = parts.size();
    parts.emplace_back(name.substr(head.size(), end - head.size()));
    if (match_stars(rest, name.substr(end), parts)) return true;
    parts.resize(before);
  }
  return false;
}

std::string fill_stars(std::string_view pattern, const std::vector<std::string>& parts) {
  std::string out;
  size_t part = 0;
  for (char c : pattern) {
    if (c == '*' && part < parts.size())
      out += parts[part++];
    else
      out.push_back(c);
  }
  return out;
}

class Rename final : public Command {
 public:
  explicit Rename(std::vector<Renaming> renamings) : renamings_(std::move(renamings)) {}

  std::string print() const override {
    std::string out = "rename ";
    for (size_t i = 0; i < renamings_.size(); ++i) {
      out += (i == 0 ? "" : ", ") + expr::print_name(renamings_[i].from) + " as " + expr::print_name(renamings_[i].to);
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    for (const Renaming& renaming : renamings_) {
      if (renaming.from.find('*') == std::string::npos)
        rename_one(pipeline, renaming);
      else
        rename_matching(pipeline, renaming);
    }
    return {};
  }

 private:
  // A field that is not there stays not there.
  static void rename_one(Pipeline& pipeline, const Renaming& renaming) {
    std::optional<Column> column = pipeline.scope.column(renaming.from);
    if (!column || renaming.from == renaming.to) return;
    std::vector<Column> columns = pipeline.scope.all();
    auto place = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == renaming.from; });
    column->name = renaming.to;
    std::erase_if(columns, [&](const Column& c) { return c.name == renaming.to; });
    place = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == renaming.from; });
    if (place != columns.end())
      *place = *column;
    else
      columns.push_back(*column);
    pipeline.scope.replace(std::move(columns));
  }

  static void rename_matching(Pipeline& pipeline, const Renaming& renaming) {
    std::vector<Column> columns = pipeline.scope.all();
    for (Column& column : columns) {
      std::vector<std::string> parts;
      if (match_stars(renaming.from, column.name, parts)) column.name = fill_stars(renaming.to, parts);
    }
    pipeline.scope.replace(std::move(columns));
  }

  std::vector<Renaming> renamings_;
};

}  // namespace

Result<CommandPtr> parse_rename(CommandParser& parser) {
  std::vector<Renaming> renamings;
  do {
    Renaming renaming;
    renaming.from = CLEW_TRY(parser.name());
    CLEW_TRY(parser.tokens.expect_word("as"));
    renaming.to = CLEW_TRY(parser.name_or_string());
    auto stars = [](const std::string& s) { return std::count(s.begin(), s.end(), '*'); };
    if (stars(renaming.from) != stars(renaming.to))
      return parser.fail("both names of a renaming need the same number of `*`");
    renamings.push_back(std::move(renaming));
    parser.tokens.accept(",");
  } while (!parser.at_end());
  return CommandPtr(std::make_shared<Rename>(std::move(renamings)));
}

}  // namespace clew::query::ppl
