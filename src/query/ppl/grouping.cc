#include "query/ppl/grouping.h"

#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kMinute = 60'000'000'000;
constexpr int64_t kDay = 24 * 60 * kMinute;

// `count` and `c` stand for themselves without parentheses.
bool bare_count(const expr::Expr& expr) {
  return expr.kind == expr::ExprKind::kField && !expr.quoted &&
         (expr::equals_ignore_case(expr.name, "count") || expr::equals_ignore_case(expr.name, "c"));
}

// Whole minutes that divide a day, of a span over @timestamp; 0 for any other.
int64_t minute_span(const expr::Expr& expr) {
  if (!expr.is_call("span") || expr.args.size() != 2) return 0;
  bool time = expr.args[0]->kind == expr::ExprKind::kField && expr.args[0]->name == "@timestamp";
  if (!time || expr.args[1]->kind != expr::ExprKind::kTimeSpan || expr.args[1]->time_span.calendar()) return 0;
  int64_t nanos = expr.args[1]->time_span.nanos();
  return nanos > 0 && nanos % kMinute == 0 && kDay % nanos == 0 ? nanos : 0;
}

// Blanks of the source go inside span(..): `span(severityNumber, 10)` makes the column `span(severityNumber,10)`.
std::string span_name(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c != ' ') out.push_back(c);
  }
  return out;
}

// A column's name behind `as`; one with a backtick stands in quotes.
std::string print_alias(const std::string& name) {
  return name.find('`') == std::string::npos ? expr::print_name(name) : expr::print_string(name);
}

}  // namespace

Result<AggregateItem> parse_aggregate(CommandParser& parser) {
  uint32_t begin = parser.tokens.offset();
  AggregateItem item;
  item.call = CLEW_TRY(parser.expression());
  if (item.call->kind != expr::ExprKind::kCall && !bare_count(*item.call)) {
    return parser.tokens.fail(item.call->span, expr::kSyntaxError,
                              "expected an aggregate such as count() or avg(field)");
  }
  item.name = expr::source_text(parser.tokens, {begin, parser.tokens.last_end()});
  if (parser.tokens.accept_word("as")) {
    item.name = CLEW_TRY(parser.name_or_string());
  }
  return item;
}

Result<std::vector<AggregateItem>> parse_aggregates(CommandParser& parser) {
  std::vector<AggregateItem> out;
  while (true) {
    AggregateItem item = CLEW_TRY(parse_aggregate(parser));
    out.push_back(std::move(item));
    if (parser.tokens.accept(",")) continue;
    bool by = parser.tokens.peek().is_word("by") || parser.tokens.peek().is_word("group");
    bool more = !by && !parser.at_end() && parser.tokens.peek().kind == expr::TokenKind::kIdentifier &&
                !parser.tokens.peek(1).is("=");
    if (!more) return out;
  }
}

Result<std::vector<KeyItem>> parse_by(CommandParser& parser) {
  std::vector<KeyItem> out;
  if (parser.tokens.accept_word("group")) {
    CLEW_TRY(parser.tokens.expect_word("by"));
  } else if (!parser.tokens.accept_word("by")) {
    return out;
  }
  do {
    KeyItem item;
    uint32_t begin = parser.tokens.offset();
    if (parser.tokens.peek(1).is("(")) {
      item.value = CLEW_TRY(parser.expression());
      item.span = item.value->is_call("span");
      // What is an operator written as a call (`in (..)`, `like(..)`) would not read the same when printed.
      if (!expr::print(*item.value).starts_with(item.value->name + "(")) {
        return parser.tokens.fail(item.value->span, expr::kSyntaxError, "expected a field, span(..) or a function");
      }
      item.name = expr::source_text(parser.tokens, {begin, parser.tokens.last_end()});
      if (item.span) item.name = span_name(item.name);
    } else {
      item.name = CLEW_TRY(parser.name());
      item.value = expr::make_field(item.name, {begin, parser.tokens.last_end()});
    }
    if (parser.tokens.accept_word("as")) item.name = CLEW_TRY(parser.name_or_string());
    out.push_back(std::move(item));
  } while (parser.tokens.accept(",") ||
           (!parser.at_end() && parser.tokens.peek().kind == expr::TokenKind::kIdentifier &&
            !parser.tokens.peek(1).is("=")));
  return out;
}

std::string print(const std::vector<AggregateItem>& aggregates) {
  std::string out;
  for (size_t i = 0; i < aggregates.size(); ++i) {
    out += (i == 0 ? "" : ", ") + expr::print(*aggregates[i].call) + " as " + print_alias(aggregates[i].name);
  }
  return out;
}

std::string print_by(const std::vector<KeyItem>& keys) {
  std::string out;
  for (const KeyItem& key : keys) {
    out += (out.empty() ? " by " : ", ") + expr::print(*key.value) + " as " + print_alias(key.name);
  }
  return out;
}

Result<std::vector<exec::GroupKey>> bind_keys(Pipeline& pipeline, const std::vector<KeyItem>& keys, bool drop_nulls,
                                              std::vector<Column>& columns) {
  std::vector<exec::GroupKey> out;
  std::vector<exec::Computed> computed;
  for (const KeyItem& key : keys) {
    exec::GroupKey group;
    Column column{key.name, pipeline.context.new_slot(), model::Type::kMixed};
    group.out = column.slot;
    if (key.value->kind == expr::ExprKind::kField) {
      Column field = CLEW_TRY(pipeline.field(key.value->name, key.value->span));
      group.in = field.slot;
      column.type = field.type;
      group.drop_null = drop_nulls;
    } else {
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*key.value));
      column.type = bound->type;
      group.in = pipeline.context.new_slot();
      // A row without a time is in no span of time.
      bool of_time =
          key.span && (column.type == model::Type::kTimestamp || key.value->args[1]->kind == expr::ExprKind::kTimeSpan);
      group.drop_null = drop_nulls || of_time;
      if (int64_t nanos = minute_span(*key.value); nanos != 0) pipeline.time_spans.push_back({group.in, nanos});
      computed.push_back({group.in, std::move(bound)});
    }
    out.push_back(group);
    columns.push_back(std::move(column));
  }
  if (!computed.empty()) {
    std::string text = "span" + print_by(keys);
    pipeline.add(
        std::make_shared<exec::ComputeStep>(std::move(computed), std::string(exec::kSpanStepName), std::move(text)));
  }
  return out;
}

Result<std::vector<exec::AggregateCall>> bind_calls(Pipeline& pipeline, const std::vector<AggregateItem>& aggregates,
                                                    std::vector<Column>& columns) {
  std::vector<exec::AggregateCall> out;
  for (const AggregateItem& item : aggregates) {
    exec::AggregateCall call;
    call.bound = CLEW_TRY(pipeline.bind_aggregate(*item.call));
    call.out = pipeline.context.new_slot();
    columns.push_back({item.name, call.out, call.bound.type});
    out.push_back(std::move(call));
  }
  return out;
}

}  // namespace clew::query::ppl
