#include "query/ppl/top.h"

#include <algorithm>

#include "query/exec/collect.h"
#include "query/exec/sort.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kTopDefault = 10;

struct Options {
  bool rare = false;
  uint64_t count = kTopDefault;
  bool show_count = true;
  std::string count_field = "count";
  bool use_null = true;
};

class Top final : public Command {
 public:
  Top(Options options, std::vector<std::string> names, std::vector<std::string> by)
      : options_(std::move(options)), names_(std::move(names)), by_(std::move(by)) {}

  std::string print() const override {
    std::string out = (options_.rare ? "rare " : "top ") + std::to_string(options_.count);
    if (!options_.show_count) out += " showcount=false";
    if (options_.count_field != "count") out += " countfield=" + expr::print_string(options_.count_field);
    if (!options_.use_null) out += " usenull=false";
    for (size_t i = 0; i < names_.size(); ++i) out += (i == 0 ? " " : ", ") + expr::print_name(names_[i]);
    for (size_t i = 0; i < by_.size(); ++i) out += (i == 0 ? " by " : ", ") + expr::print_name(by_[i]);
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns;
    std::vector<exec::GroupKey> keys;
    CLEW_TRY(add_keys(pipeline, by_, false, keys, columns));
    CLEW_TRY(add_keys(pipeline, names_, !options_.use_null, keys, columns));
    exec::AggregateCall call;
    call.bound = CLEW_TRY(pipeline.bind_aggregate(*expr::make_call("count", {})));
    call.out = pipeline.context.new_slot();
    std::vector<exec::SortKey> order;
    for (size_t i = 0; i < by_.size(); ++i) order.push_back({keys[i].out, false, exec::SortAs::kAuto});
    order.push_back({call.out, !options_.rare, exec::SortAs::kAuto});
    for (size_t i = by_.size(); i < keys.size(); ++i) order.push_back({keys[i].out, false, exec::SortAs::kAuto});
    if (options_.show_count) columns.push_back({options_.count_field, call.out, model::Type::kLong});
    std::vector<Slot> groups;
    for (size_t i = 0; i < by_.size(); ++i) groups.push_back(keys[i].out);
    std::vector<exec::AggregateCall> calls;
    calls.push_back(std::move(call));
    pipeline.add(std::make_shared<exec::AggregateStep>(std::move(keys), std::move(calls),
                                                       options_.rare ? "rare" : "top", print()));
    uint64_t limit = by_.empty() ? options_.count : UINT64_MAX;
    pipeline.add(std::make_shared<exec::SortStep>(std::move(order), limit, "sort by count"));
    if (!by_.empty()) {
      exec::DedupStep::Options first{.count = options_.count, .nulls_are_keys = true};
      pipeline.add(std::make_shared<exec::DedupStep>(std::move(groups), first, "first of every group"));
    }
    pipeline.scope.replace(std::move(columns));
    return {};
  }

 private:
  static Status add_keys(Pipeline& pipeline, const std::vector<std::string>& names, bool drop_null,
                         std::vector<exec::GroupKey>& keys, std::vector<Column>& columns) {
    for (const std::string& name : names) {
      Column column = CLEW_TRY(pipeline.field(name));
      exec::GroupKey key{column.slot, pipeline.context.new_slot(), drop_null};
      columns.push_back({name, key.out, column.type});
      keys.push_back(key);
    }
    return {};
  }

  Options options_;
  std::vector<std::string> names_;
  std::vector<std::string> by_;
};

Status take_options(CommandParser& parser, Options& options) {
  for (int i = 0; i < 4; ++i) {
    if (auto show = CLEW_TRY(parser.bool_option("showcount"))) options.show_count = *show;
    if (auto name = CLEW_TRY(parser.option("countfield"))) options.count_field = *name;
    if (auto null = CLEW_TRY(parser.bool_option("usenull"))) options.use_null = *null;
    if (auto limit = CLEW_TRY(parser.int_option("limit")))
      options.count = static_cast<uint64_t>(std::max<int64_t>(*limit, 0));
  }
  return {};
}

Result<CommandPtr> parse(CommandParser& parser, bool rare) {
  Options options;
  options.rare = rare;
  CLEW_TRY(take_options(parser, options));
  if (parser.tokens.peek().kind == expr::TokenKind::kInteger) {
    int64_t count = CLEW_TRY(parser.integer());
    options.count = static_cast<uint64_t>(count);
  }
  CLEW_TRY(take_options(parser, options));
  static constexpr std::string_view kStop[] = {"by", "showcount", "countfield", "usenull"};
  std::vector<std::string> names = CLEW_TRY(parser.names(kStop));
  CLEW_TRY(take_options(parser, options));
  std::vector<std::string> by;
  if (parser.tokens.accept_word("by")) by = CLEW_TRY(parser.names(std::span(kStop).subspan(1)));
  CLEW_TRY(take_options(parser, options));
  return CommandPtr(std::make_shared<Top>(std::move(options), std::move(names), std::move(by)));
}

}  // namespace

Result<CommandPtr> parse_top(CommandParser& parser) { return parse(parser, false); }
Result<CommandPtr> parse_rare(CommandParser& parser) { return parse(parser, true); }

}  // namespace clew::query::ppl
