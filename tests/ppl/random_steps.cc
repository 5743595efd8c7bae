#include <algorithm>

#include "expr/ast.h"
#include "random_expressions.h"

namespace clew::query::testing {

namespace {

const char* const kSpans[] = {"5m", "1h", "1m", "30s", "1d"};

class Steps {
 public:
  Steps(Dice& dice, const RandomEvents& events) : dice_(dice) {
    source_.push_back({"@timestamp", Kind::kTime});
    Table table = events.table();
    for (const RandomColumn& column : events.columns) {
      if (table.column(column.name) != table.names.size()) source_.push_back(column);
    }
    scope_ = source_;
  }

  std::vector<Step> query() {
    std::vector<Step> out;
    for (uint64_t count = 1 + dice_.below(5); count > 0 && !scope_.empty(); --count) out.push_back(any_step());
    out.push_back(all_columns());
    return out;
  }

 private:
  Step any_step() {
    switch (dice_.below(40)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: return where();
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: return eval();
      case 10: return fields();
      case 11:
      case 12: return sort();
      case 13: return head();
      case 14: return dedup();
      case 15:
      case 16:
      case 17: return stats();
      case 18: return eventstats();
      case 19: return streamstats();
      case 20: return top();
      case 21: return fillnull();
      case 22: return rename();
      case 23: return Step{.kind = Step::Kind::kReverse};
      case 24: return append();
      case 25: return join();
      case 26: return in();
      case 27:
      case 28: return timechart();
      case 29: return chart();
      case 30: return bin();
      case 31:
      case 32: return parse(Step::Kind::kRex);
      case 33: return parse(Step::Kind::kParse);
      case 34: return regex();
      case 35: return replace();
      case 36: return expand();
      case 37: return trendline();
      case 38: return lookup();
      default: return appendpipe();
    }
  }

  std::string expression(Kind kind) {
    return Expressions(dice_, scope_).of(kind, 1 + static_cast<int>(dice_.below(3)));
  }
  const std::string& some_name() { return dice_.any(scope_).name; }
  std::vector<std::string> some_names(uint64_t most) {
    std::vector<std::string> out;
    for (uint64_t count = 1 + dice_.below(most); count > 0; --count) {
      const std::string& name = some_name();
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    }
    return out;
  }
  std::string fresh() { return "v" + std::to_string(++made_); }
  Kind kind_of(const std::string& name) const {
    for (const RandomColumn& column : scope_) {
      if (column.name == name) return column.kind;
    }
    return Kind::kMixed;
  }
  std::vector<RandomColumn> columns_of(const std::vector<std::string>& names) const {
    std::vector<RandomColumn> out;
    for (const std::string& name : names) out.push_back({name, kind_of(name)});
    return out;
  }

  Step all_columns() const {
    Step out{.kind = Step::Kind::kFields};
    for (const RandomColumn& column : scope_) out.names.push_back(column.name);
    return out;
  }

  Step where() { return Step{.kind = Step::Kind::kWhere, .exprs = {expression(Kind::kBool)}}; }

  Step eval() {
    auto kind = static_cast<Kind>(dice_.below(static_cast<uint64_t>(Kind::kMixed)));
    Step out{.kind = Step::Kind::kEval, .exprs = {expression(kind)}};
    bool over = dice_.chance(15);
    out.names.push_back(over ? some_name() : fresh());
    if (!over) scope_.push_back({out.names[0], kind});
    for (RandomColumn& column : scope_) {
      if (column.name == out.names[0]) column.kind = kind;
    }
    return out;
  }

  Step fields() {
    if (scope_.size() > 2 && dice_.chance(50)) {
      Step out{.kind = Step::Kind::kDrop, .names = {some_name()}};
      std::erase_if(scope_, [&](const RandomColumn& column) { return column.name == out.names[0]; });
      return out;
    }
    Step out{.kind = Step::Kind::kFields, .names = some_names(4)};
    scope_ = columns_of(out.names);
    return out;
  }

  Step sort() {
    Step out{.kind = Step::Kind::kSort, .names = some_names(3)};
    for (std::string& name : out.names) name = (dice_.chance(50) ? "-" : "") + name;
    return out;
  }

  Step head() {
    auto from = dice_.chance(50) ? 0 : static_cast<int64_t>(dice_.below(10));
    return Step{.kind = Step::Kind::kHead, .numbers = {static_cast<int64_t>(dice_.below(20)), from}};
  }

  Step dedup() {
    Step out{.kind = Step::Kind::kDedup, .names = some_names(3), .numbers = {1 + static_cast<int64_t>(dice_.below(2))}};
    if (dice_.chance(40)) out.words.push_back("keepempty=true");
    if (dice_.chance(20)) out.words.push_back("consecutive=true");
    return out;
  }

  AggregateText aggregate() {
    static const char* const kAny[] = {"count", "min",  "max",   "dc",   "values",   "list",
                                       "take",  "mode", "first", "last", "earliest", "latest"};
    static const char* const kOfNumbers[] = {"sum",      "avg",     "percentile",  "median",
                                             "var_samp", "var_pop", "stddev_samp", "stddev_pop"};
    AggregateText out;
    out.as = fresh();
    if (dice_.chance(15)) {
      out.name = "count";
    } else if (dice_.chance(10)) {
      out.name = "count_if";
      out.argument = expression(Kind::kBool);
    } else if (dice_.chance(50)) {
      out.name = dice_.any(kOfNumbers);
      out.argument = dice_.chance(60) ? Expressions(dice_, scope_).of(Kind::kNumber, 0) : expression(Kind::kNumber);
    } else {
      out.name = dice_.any(kAny);
      out.argument = dice_.chance(60) ? expr::print_name(some_name()) : Expressions(dice_, scope_).any(2);
    }
    bool by_time = out.name == "earliest" || out.name == "latest";
    if (by_time && kind_of("@timestamp") != Kind::kTime) out.name = "last";
    if (out.name == "take") out.parameter = std::to_string(1 + dice_.below(5));
    if (out.name == "percentile") out.parameter = dice_.chance(50) ? "90" : std::to_string(dice_.below(101));
    return out;
  }

  Step aggregates(Step::Kind kind) {
    Step out{.kind = kind};
    for (uint64_t count = 1 + dice_.below(3); count > 0; --count) out.aggregates.push_back(aggregate());
    if (dice_.chance(70)) out.names = some_names(3);
    return out;
  }
  static Kind kind_of(const AggregateText& aggregate) {
    const std::string& name = aggregate.name;
    if (name == "values" || name == "list" || name == "take") return Kind::kArray;
    static const char* const kOfValues[] = {"min", "max", "first", "last", "mode", "earliest", "latest"};
    return std::find(std::begin(kOfValues), std::end(kOfValues), name) != std::end(kOfValues) ? Kind::kMixed
                                                                                              : Kind::kNumber;
  }

  Step stats() {
    Step out = aggregates(Step::Kind::kStats);
    std::vector<RandomColumn> scope;
    for (const AggregateText& a : out.aggregates) scope.push_back({a.as, kind_of(a)});
    bool time = std::any_of(scope_.begin(), scope_.end(), [](const RandomColumn& c) { return c.name == "@timestamp"; });
    bool slot = std::any_of(scope_.begin(), scope_.end(), [](const RandomColumn& c) { return c.name == "slot"; });
    if (time && !slot && kind_of("@timestamp") == Kind::kTime && dice_.chance(30)) {
      out.exprs.push_back(std::string("span(@timestamp, ") + dice_.any(kSpans) + ")");
      scope.push_back({"slot", Kind::kTime});
    }
    for (const RandomColumn& column : columns_of(out.names)) scope.push_back(column);
    scope_ = std::move(scope);
    return out;
  }

  void add(const Step& step) {
    for (const AggregateText& a : step.aggregates) scope_.push_back({a.as, kind_of(a)});
  }
  Step eventstats() {
    Step out = aggregates(Step::Kind::kEventstats);
    add(out);
    return out;
  }
  Step streamstats() {
    Step out = aggregates(Step::Kind::kStreamstats);
    out.numbers.push_back(dice_.chance(50) ? 0 : 1 + static_cast<int64_t>(dice_.below(5)));
    if (dice_.chance(30)) out.words.push_back("current=false");
    if (out.numbers[0] != 0 && dice_.chance(50)) out.words.push_back("global=false");
    add(out);
    return out;
  }

  Step top() {
    Step out{.kind = dice_.chance(50) ? Step::Kind::kTop : Step::Kind::kRare, .names = some_names(2)};
    std::erase(out.names, "count");
    if (out.names.empty()) return where();
    out.numbers.push_back(1 + static_cast<int64_t>(dice_.below(6)));
    if (dice_.chance(20)) out.words.push_back("usenull=false");
    const std::string& group = some_name();
    bool grouped = group != "count" && std::find(out.names.begin(), out.names.end(), group) == out.names.end();
    if (grouped && dice_.chance(40)) out.exprs.push_back(group);
    std::vector<RandomColumn> scope = columns_of(out.exprs);
    for (const RandomColumn& column : columns_of(out.names)) scope.push_back(column);
    scope_ = std::move(scope);
    scope_.push_back({"count", Kind::kNumber});
    return out;
  }

  Step fillnull() {
    Step out{.kind = Step::Kind::kFillnull, .names = {some_name()}};
    // No integer: among doubles it is one, as the branches of if() are.
    out.exprs.push_back("'none'");
    return out;
  }

  Step rename() {
    Step out{.kind = Step::Kind::kRename, .names = {some_name(), fresh()}};
    for (RandomColumn& column : scope_) {
      if (column.name == out.names[0]) column.name = out.names[1];
    }
    return out;
  }

  // Steps over the events again, which give `count` columns of new names.
  std::vector<Step> inner(size_t count) {
    std::vector<RandomColumn> outside = std::move(scope_);
    scope_ = source_;
    std::vector<Step> out;
    if (dice_.chance(70)) out.push_back(where());
    out.push_back(Step{.kind = Step::Kind::kHead, .numbers = {static_cast<int64_t>(dice_.below(12)), 0}});
    Step last{.kind = Step::Kind::kFields};
    std::vector<RandomColumn> columns;
    for (size_t i = 0; i < count; ++i) {
      const RandomColumn& column = dice_.any(source_);
      std::string name = fresh();
      out.push_back(Step{.kind = Step::Kind::kEval, .names = {name}, .exprs = {expr::print_name(column.name)}});
      last.names.push_back(name);
      columns.push_back({name, column.kind});
    }
    out.push_back(last);
    scope_ = std::move(outside);
    inner_columns_ = std::move(columns);
    return out;
  }

  Step append() {
    Step out{.kind = Step::Kind::kAppend, .inner = inner(2)};
    // Half of them are columns of the rows above.
    if (dice_.chance(50) && !scope_.empty()) {
      const std::string name = some_name();
      Step& last = out.inner.back();
      out.inner.insert(out.inner.end() - 1, Step{.kind = Step::Kind::kRename, .names = {last.names[0], name}});
      out.inner.back().names[0] = name;
      inner_columns_.erase(inner_columns_.begin());
    }
    scope_.insert(scope_.end(), inner_columns_.begin(), inner_columns_.end());
    return out;
  }

  Step join() {
    static const char* const kKinds[] = {"inner", "left", "right", "full", "semi", "anti", "cross"};
    Step out{.kind = Step::Kind::kJoin, .names = {some_name()}, .words = {dice_.any(kKinds)}, .inner = inner(2)};
    out.names.push_back(out.inner.back().names[0]);
    const std::string& kind = out.words[0];
    if ((kind == "inner" || kind == "left") && dice_.chance(30)) out.numbers.push_back(1 + number(2));
    if (kind != "semi" && kind != "anti") scope_.insert(scope_.end(), inner_columns_.begin(), inner_columns_.end());
    return out;
  }

  int64_t number(uint64_t below) { return static_cast<int64_t>(dice_.below(below)); }
  // A column that a command makes: a new one, or now and then one that is there.
  std::string made(const std::string& own, Kind kind) {
    std::string name = dice_.chance(30) ? own : fresh();
    if (name != own) scope_.push_back({name, kind});
    for (RandomColumn& column : scope_) {
      if (column.name == name) column.kind = kind;
    }
    return name;
  }

  Step series(Step out, std::vector<RandomColumn> keys) {
    out.numbers.push_back(number(4));
    if (dice_.chance(25)) out.words.push_back("useother=false");
    if (dice_.chance(25)) out.words.push_back("usenull=false");
    out.aggregates.push_back(aggregate());
    keys.push_back({out.aggregates[0].as, kind_of(out.aggregates[0])});
    scope_ = std::move(keys);
    return out;
  }

  Step timechart() {
    if (kind_of("@timestamp") != Kind::kTime) return where();
    Step out{.kind = Step::Kind::kTimechart, .exprs = {dice_.any(kSpans)}};
    std::vector<RandomColumn> keys = {{"@timestamp", Kind::kTime}};
    const std::string name = some_name();
    if (name != "@timestamp" && dice_.chance(70)) {
      out.names.push_back(name);
      keys.push_back({name, Kind::kMixed});
    }
    return series(std::move(out), std::move(keys));
  }

  Step chart() {
    Step out{.kind = Step::Kind::kChart, .names = some_names(2), .made = {fresh(), fresh()}};
    std::vector<RandomColumn> keys = {{out.made[0], kind_of(out.names[0])}};
    if (out.names.size() == 2) keys.push_back({out.made[1], Kind::kMixed});
    return series(std::move(out), std::move(keys));
  }

  Step bin() {
    static const char* const kWidths[] = {"10", "2.5", "1", "100", "0.5"};
    const std::string name = some_name();
    bool time = kind_of(name) == Kind::kTime;
    Step out{.kind = Step::Kind::kBin, .names = {name}, .exprs = {time ? dice_.any(kSpans) : dice_.any(kWidths)}};
    out.made.push_back(made(name, time ? Kind::kTime : Kind::kText));
    return out;
  }

  Step parse(Step::Kind kind) {
    Step out{.kind = kind, .names = {some_name()}, .numbers = {number(3), 1}};
    bool lists = kind == Step::Kind::kRex && dice_.chance(40);
    if (lists) out.numbers[1] = 2 + number(4);
    for (int64_t i = 0; i < (out.numbers[0] == 1 ? 2 : 1); ++i) {
      out.made.push_back(fresh());
      scope_.push_back({out.made.back(), lists ? Kind::kArray : Kind::kText});
    }
    return out;
  }

  Step regex() {
    Step out{.kind = Step::Kind::kRegex, .names = {some_name()}, .numbers = {number(3)}, .made = {"g", "h"}};
    if (dice_.chance(40)) out.words.push_back("not");
    return out;
  }

  Step replace() {
    static const char* const kRewrites[][2] = {
        {"a*", "x*"}, {"*b*", "<*|*>"}, {"7", "seven"}, {"*", "*!"}, {"ab*", "z"}};
    const auto& [from, to] = dice_.any(kRewrites);
    return Step{.kind = Step::Kind::kReplace, .names = some_names(2), .exprs = {from, to}};
  }

  Step expand() {
    Step out{.kind = Step::Kind::kExpand, .names = {some_name()}, .words = {dice_.chance(50) ? "expand" : "mvexpand"}};
    for (const RandomColumn& column : scope_) {
      if (column.kind == Kind::kArray && dice_.chance(70)) out.names[0] = column.name;
    }
    bool all = out.words[0] == "mvexpand";
    if (all && dice_.chance(30)) out.numbers.push_back(1 + number(2));
    out.made.push_back(all ? out.names[0] : made(out.names[0], Kind::kMixed));
    return out;
  }

  Step trendline() {
    Step out{.kind = Step::Kind::kTrendline, .names = {some_name()}, .numbers = {1 + number(4)}};
    out.words.push_back(dice_.chance(50) ? "sma" : "wma");
    out.made.push_back(fresh());
    scope_.push_back({out.made[0], Kind::kNumber});
    return out;
  }

  Step lookup() {
    Step out{.kind = Step::Kind::kLookup, .names = {some_name(), dice_.any(source_).name, dice_.any(source_).name}};
    out.words.push_back(dice_.chance(50) ? "replace" : "append");
    if (out.names[1] == "@timestamp" || out.names[2] == "@timestamp") return where();
    out.made.push_back(out.words[0] == "append" ? some_name() : made(some_name(), Kind::kMixed));
    return out;
  }

  Step appendpipe() {
    std::vector<RandomColumn> above = scope_;
    Step out{.kind = Step::Kind::kAppendpipe};
    out.inner.push_back(dice_.chance(50) ? where() : sort());
    out.inner.push_back(dice_.chance(50) ? stats() : head());
    for (const RandomColumn& column : scope_) {
      bool there =
          std::any_of(above.begin(), above.end(), [&](const RandomColumn& c) { return c.name == column.name; });
      if (!there) above.push_back(column);
    }
    scope_ = std::move(above);
    return out;
  }

  Step in() {
    Step out{.kind = Step::Kind::kIn, .names = {some_name()}, .inner = inner(1)};
    if (dice_.chance(40)) out.words.push_back("not");
    return out;
  }

  Dice& dice_;
  std::vector<RandomColumn> source_;
  std::vector<RandomColumn> scope_;
  std::vector<RandomColumn> inner_columns_;
  int made_ = 0;
};

}  // namespace

std::vector<Step> random_steps(Dice& dice, const RandomEvents& events) { return Steps(dice, events).query(); }

}  // namespace clew::query::testing
