#include "query/ppl/union.h"

#include <algorithm>

#include "query/exec/collect.h"
#include "query/exec/rows.h"
#include "query/exec/sort.h"
#include "query/ppl/query.h"

namespace clew::query::ppl {

namespace {

class Union final : public Command {
 public:
  Union(std::string name, std::vector<std::shared_ptr<const Query>> queries, std::optional<uint64_t> rows_max)
      : name_(std::move(name)), queries_(std::move(queries)), rows_max_(rows_max) {}
  bool leads() const override { return true; }

  std::string print() const override {
    std::string out = name_;
    if (rows_max_) out += " maxout=" + std::to_string(*rows_max_);
    for (const auto& query : queries_) out += " [ " + ppl::print(*query) + " ]";
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns = pipeline.scope.all();
    pipeline.scope.replace(columns);
    for (const auto& query : queries_) {
      CLEW_TRY(add_rows(pipeline, *query, columns));
      pipeline.scope.replace(columns);
    }
    auto time = std::find_if(columns.begin(), columns.end(), [](const Column& c) { return c.name == "@timestamp"; });
    if (name_ == "multisearch" && time != columns.end()) {
      std::vector<exec::SortKey> keys = {{time->slot, true, exec::SortAs::kAuto}};
      pipeline.add(std::make_shared<exec::SortStep>(std::move(keys), UINT64_MAX, "newest first"));
    }
    if (rows_max_) pipeline.add(std::make_shared<exec::HeadStep>(*rows_max_, 0, exec::HeadStep::Kind::kAsked));
    return {};
  }

 private:
  Status add_rows(Pipeline& pipeline, const Query& query, std::vector<Column>& columns) const {
    exec::PlanPtr plan = CLEW_TRY(pipeline.subplan(query));
    std::vector<Slot> slots;
    for (const exec::PlanColumn& column : plan->columns) {
      auto own = pipeline.own_column(columns, column.name);
      if (own == columns.end()) {
        columns.push_back({column.name, pipeline.context.new_slot(), column.type});
        own = columns.end() - 1;
      } else if (own->type != column.type) {
        own->type = model::Type::kMixed;
      }
      slots.push_back(own->slot);
    }
    pipeline.add(
        std::make_shared<exec::AppendStep>(pipeline.context.source(), std::move(plan), std::move(slots), name_));
    return {};
  }

  std::string name_;
  std::vector<std::shared_ptr<const Query>> queries_;
  std::optional<uint64_t> rows_max_;
};

std::shared_ptr<const Query> whole_dataset(std::string name) {
  auto query = std::make_shared<Query>();
  query->search.sources.push_back(std::move(name));
  return query;
}

Result<std::vector<std::shared_ptr<const Query>>> parse_sets(CommandParser& parser, bool names) {
  std::vector<std::shared_ptr<const Query>> out;
  while (!parser.at_end()) {
    if (parser.tokens.accept(",")) continue;
    if (parser.tokens.peek().is("[")) {
      std::shared_ptr<const Query> query = CLEW_TRY(parser.subquery());
      out.push_back(std::move(query));
    } else if (names) {
      std::string name = CLEW_TRY(parser.name_or_string());
      out.push_back(whole_dataset(std::move(name)));
    } else {
      return parser.tokens.fail_expected("`[`");
    }
  }
  return out;
}

}  // namespace

Result<CommandPtr> parse_union(CommandParser& parser) {
  std::optional<int64_t> most = CLEW_TRY(parser.int_option("maxout"));
  if (most && *most < 0) return parser.fail("maxout is 0 or more");
  std::vector<std::shared_ptr<const Query>> queries = CLEW_TRY(parse_sets(parser, true));
  if (queries.empty()) return parser.tokens.fail_expected("a dataset or `[ search .. ]`");
  std::optional<uint64_t> rows_max;
  if (most) rows_max = static_cast<uint64_t>(*most);
  return CommandPtr(std::make_shared<Union>("union", std::move(queries), rows_max));
}

Result<CommandPtr> parse_multisearch(CommandParser& parser) {
  std::vector<std::shared_ptr<const Query>> queries = CLEW_TRY(parse_sets(parser, false));
  if (queries.size() < 2) return parser.fail("multisearch takes at least two subsearches: [ search .. ] [ search .. ]");
  return CommandPtr(std::make_shared<Union>("multisearch", std::move(queries), std::nullopt));
}

}  // namespace clew::query::ppl
