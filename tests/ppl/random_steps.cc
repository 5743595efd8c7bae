#include <algorithm>

#include "expr/ast.h"
#include "random_case.h"

namespace clew::query::testing {

namespace {

// What calls look like: $N a number, $T a text, $B a condition, $D a time, $A an array, $X anything, $I a small
// integer, $R a regular expression, $L a pattern of like, $J JSON as text, $P a JSON path. Left out: rand() (another
// value at each call) and geoip() (needs a database; tests/expr/geoip.ct).
const char* const kNumbers[] = {"($N + $N)",
                                "($N - $N)",
                                "($N * $N)",
                                "($N / $N)",
                                "($N % $N)",
                                "-($N)",
                                "abs($N)",
                                "add($N, $N)",
                                "subtract($N, $N)",
                                "multiply($N, $N)",
                                "divide($N, $N)",
                                "mod($N, $N)",
                                "modulus($N, $I)",
                                "ceil($N)",
                                "ceiling($N)",
                                "floor($N)",
                                "round($N)",
                                "round($N, $I)",
                                "rint($N)",
                                "truncate($N, $I)",
                                "sign($N)",
                                "signum($N)",
                                "sqrt($N)",
                                "cbrt($N)",
                                "pow($N, $I)",
                                "power($N, 2)",
                                "exp($N)",
                                "expm1($N)",
                                "ln($N)",
                                "log($N)",
                                "log(2, $N)",
                                "log2($N)",
                                "log10($N)",
                                "pi()",
                                "e()",
                                "crc32($T)",
                                "sin($N)",
                                "cos($N)",
                                "tan($N)",
                                "cot($N)",
                                "asin($N)",
                                "acos($N)",
                                "atan($N)",
                                "atan2($N, $N)",
                                "sinh($N)",
                                "cosh($N)",
                                "tanh($N)",
                                "degrees($N)",
                                "radians($N)",
                                "sum($N, $N)",
                                "avg($N, $N)",
                                "min($N, $N)",
                                "max($N, $N)",
                                "length($T)",
                                "len($T)",
                                "char_length($T)",
                                "locate($T, $T)",
                                "locate($T, $T, $I)",
                                "position($T in $T)",
                                "strcmp($T, $T)",
                                "ascii($T)",
                                "tonumber($T)",
                                "tonumber($T, 16)",
                                "cast($X as int)",
                                "cast($X as bigint)",
                                "cast($X as double)",
                                "cast($X as float)",
                                "year($D)",
                                "quarter($D)",
                                "month($D)",
                                "month_of_year($D)",
                                "week($D)",
                                "week($D, $I)",
                                "week_of_year($D)",
                                "weekofyear($D)",
                                "yearweek($D)",
                                "yearweek($D, $I)",
                                "day($D)",
                                "dayofmonth($D)",
                                "day_of_month($D)",
                                "dayofweek($D)",
                                "day_of_week($D)",
                                "weekday($D)",
                                "dayofyear($D)",
                                "day_of_year($D)",
                                "hour($D)",
                                "hour_of_day($D)",
                                "minute($D)",
                                "minute_of_hour($D)",
                                "minute_of_day($D)",
                                "second($D)",
                                "second_of_minute($D)",
                                "microsecond($D)",
                                "extract(YEAR from $D)",
                                "extract(DAY_HOUR from $D)",
                                "extract(WEEK from $D)",
                                "to_days($D)",
                                "to_seconds($D)",
                                "time_to_sec($D)",
                                "unix_timestamp($D)",
                                "period_add(200801, $I)",
                                "period_diff(200802, 200703)",
                                "datediff($D, $D)",
                                "timestampdiff(HOUR, $D, $D)",
                                "timestampdiff(MONTH, $D, $D)",
                                "array_length($A)",
                                "mvcount($A)",
                                "mvfind($A, $R)",
                                "reduce($A, 0, (s, x) -> s + 1)",
                                "json_array_length($J)",
                                "span($N, 5)",
                                "span($N, 2.5)",
                                "coalesce($N, $N)",
                                "ifnull($N, $N)",
                                "nullif($N, $N)",
                                "if($B, $N, $N)",
                                "case($B, $N, $B, $N else $N)"};
const char* const kTextCalls[] = {"concat($T, $T)",
                                  "concat($T, $X, $T)",
                                  "concat_ws('-', $T, $T)",
                                  "lower($T)",
                                  "upper($T)",
                                  "trim($T)",
                                  "ltrim($T)",
                                  "rtrim($T)",
                                  "left($T, $I)",
                                  "right($T, $I)",
                                  "substring($T, $I)",
                                  "substring($T, $I, $I)",
                                  "substr($T, $I, $I)",
                                  "replace($T, $R, 'x')",
                                  "regexp_replace($T, $R, '<$1>')",
                                  "reverse($T)",
                                  "cast($X as string)",
                                  "cast($T as ip)",
                                  "tostring($N)",
                                  "tostring($N, 'hex')",
                                  "tostring($N, 'binary')",
                                  "tostring($N, 'commas')",
                                  "tostring($N, 'duration')",
                                  "tostring($B)",
                                  "md5($T)",
                                  "sha1($T)",
                                  "sha2($T, 256)",
                                  "conv($T, 10, 16)",
                                  "monthname($D)",
                                  "dayname($D)",
                                  "date_format($D, '%Y-%m-%d %H:%i:%s.%f')",
                                  "date_format($D, '%W %M %j %U %v')",
                                  "time_format($D, '%H:%i %p')",
                                  "strftime($D, '%d %b %Y %I:%M:%S.%3N')",
                                  "mvjoin($A, ',')",
                                  "mvindex($A, $I)",
                                  "json($J)",
                                  "json_object('k', $X)",
                                  "json_array($X, $X)",
                                  "json_extract($J, $P)",
                                  "json_keys($J)",
                                  "json_delete($J, $P)",
                                  "json_set($J, $P, $X)",
                                  "json_append($J, 'b', $T)",
                                  "json_extend($J, 'b', $A)",
                                  "coalesce($T, $T)",
                                  "ifnull($T, $T)",
                                  "nullif($T, $T)",
                                  "if($B, $T, $T)",
                                  "case($B, $T else $T)",
                                  "get_format(DATE, 'USA')"};
const char* const kConditions[] = {"$N = $N",
                                   "$N != $N",
                                   "$N < $N",
                                   "$N <= $N",
                                   "$N > $N",
                                   "$N >= $N",
                                   "$T = $T",
                                   "$T != $T",
                                   "$T < $T",
                                   "$T >= $T",
                                   "$X = $X",
                                   "$X < $X",
                                   "$D < $D",
                                   "$D = $T",
                                   "$D >= $D",
                                   "$B = $B",
                                   "($B and $B)",
                                   "($B or $B)",
                                   "($B xor $B)",
                                   "not ($B)",
                                   "$N in ($N, 1, 2)",
                                   "$T in ($T, 'a', 'abc')",
                                   "$N not in (1, 2, 200)",
                                   "$N between $N and $N",
                                   "$T between 'a' and 'x'",
                                   "$N not between 0 and 10",
                                   "$X is null",
                                   "$X is not null",
                                   "isnull($X)",
                                   "isnotnull($X)",
                                   "ispresent($X)",
                                   "isempty($T)",
                                   "isblank($T)",
                                   "$T like $L",
                                   "$T ilike $L",
                                   "$T not like $L",
                                   "like($T, $L, true)",
                                   "ilike($T, $L)",
                                   "$T regexp $R",
                                   "regexp_match($T, $R)",
                                   "regex_match($T, $R)",
                                   "$T contains 'A'",
                                   "cidrmatch($T, '10.0.0.0/8')",
                                   "cidrmatch($T, '2001:db8::/32')",
                                   "exists($A, x -> x > 0)",
                                   "forall($A, x -> x is not null)",
                                   "json_valid($J)",
                                   "cast($X as boolean)",
                                   "if($B, $B, $B)",
                                   "case($B, $B else $B)",
                                   "coalesce($B, $B)",
                                   "ifnull($B, true)"};
const char* const kTimeCalls[] = {"date($D)",
                                  "timestamp($D)",
                                  "timestamp($T)",
                                  "time($D)",
                                  "datetime($T)",
                                  "datetime($T, '+02:00')",
                                  "makedate(2024, $I)",
                                  "maketime($I, 5, 6)",
                                  "from_days(738000)",
                                  "from_unixtime($N)",
                                  "sec_to_time($I)",
                                  "str_to_date($T, '%Y-%m-%d')",
                                  "convert_tz($D, '+00:00', '+05:30')",
                                  "adddate($D, $I)",
                                  "subdate($D, $I)",
                                  "adddate($D, interval 3 day)",
                                  "date_add($D, interval $K hour)",
                                  "date_sub($D, interval 1 month)",
                                  "addtime($D, '01:00:00')",
                                  "subtime($D, '00:30:00')",
                                  "timediff(time($D), time($D))",
                                  "timestampadd(DAY, $I, $D)",
                                  "timestampadd(MONTH, $I, $D)",
                                  "last_day($D)",
                                  "span($D, 5m)",
                                  "span($D, 1h)",
                                  "span($D, 1M)",
                                  "cast($T as timestamp)",
                                  "cast($D as date)",
                                  "cast($D as time)",
                                  "if($B, $D, $D)",
                                  "coalesce($D, $D)",
                                  "DATE '2024-02-29'"};
const char* const kArrayCalls[] = {"array($N, $N)",
                                   "array($T, $T)",
                                   "array()",
                                   "mvappend($A, $X)",
                                   "split($T, ',')",
                                   "split($T, '')",
                                   "mvdedup($A)",
                                   "mvzip($A, $A)",
                                   "mvindex($A, 0, $I)",
                                   "transform($A, x -> x + 1)",
                                   "transform($A, (x, i) -> i)",
                                   "filter($A, x -> x > 0)",
                                   "filter($A, x -> x != $T)",
                                   "if($B, $A, $A)",
                                   "coalesce($A, $A)"};

const char* const kNumberConstants[] = {"0", "1", "-3", "7", "2.5", "0.5d", "1e2", "null", "200", "2147483648", "0.1"};
const char* const kTextConstants[] = {"'a'",     "'abc'",     "'7'",        "''",     "null",
                                      "'größe'", "'Payment'", "'10.0.0.1'", "'error'"};
const char* const kTimeConstants[] = {"TIMESTAMP '2024-02-01 09:10:11.5'", "DATE '2024-02-29'",
                                      "TIMESTAMP '1969-12-31 23:59:59'", "null"};
const char* const kArrayConstants[] = {"array(1, 2, 3)", "array('a', 'b')", "array()", "array(null, 1)"};
const char* const kSmall[] = {"0", "1", "2", "3", "-1", "-2", "10"};
const char* const kRegexes[] = {"'[0-9]+'", "'^a'", "'(b|c)'", "'\\\\s'", "'.*'", "'ß'", "''"};
const char* const kLikes[] = {"'a%'", "'%b%'", "'_'", "'%'", "''", "'%ß%'", "'x\\\\%y%'", "'%ed'"};
const char* const kDocuments[] = {R"('{"a":1,"b":[1,2,3]}')", R"('[1,"x",null]')", R"('{}')", R"('broken')"};
const char* const kPaths[] = {"'a'", "'b'", "'b{0}'", "'b{}'", "'a.b'"};
const char* const kSpans[] = {"5m", "1h", "1m", "30s", "1d"};

class Expressions {
 public:
  Expressions(Dice& dice, const std::vector<RandomColumn>& columns) : dice_(dice), columns_(columns) {}

  std::string of(Kind kind, int depth) {
    if (depth <= 0 || dice_.chance(15)) return leaf(kind);
    switch (kind) {
      case Kind::kNumber: return filled(dice_.any(kNumbers), depth);
      case Kind::kText: return filled(dice_.any(kTextCalls), depth);
      case Kind::kBool: return filled(dice_.any(kConditions), depth);
      case Kind::kTime: return filled(dice_.any(kTimeCalls), depth);
      case Kind::kArray: return filled(dice_.any(kArrayCalls), depth);
      case Kind::kMixed: return of(some_kind(), depth);
    }
    return "null";
  }
  std::string any(int depth) { return of(some_kind(), depth); }

 private:
  Kind some_kind() { return static_cast<Kind>(dice_.below(static_cast<uint64_t>(Kind::kMixed))); }

  std::string leaf(Kind kind) {
    std::vector<std::string> fitting;
    for (const RandomColumn& column : columns_) {
      if (column.kind == kind || kind == Kind::kMixed || dice_.chance(5)) fitting.push_back(column.name);
    }
    if (!fitting.empty() && dice_.chance(80)) return expr::print_name(dice_.any(fitting));
    switch (kind) {
      case Kind::kNumber: return dice_.any(kNumberConstants);
      case Kind::kText: return dice_.any(kTextConstants);
      case Kind::kBool: return dice_.chance(50) ? "true" : "false";
      case Kind::kTime: return dice_.any(kTimeConstants);
      case Kind::kArray: return dice_.any(kArrayConstants);
      case Kind::kMixed: break;
    }
    return dice_.chance(50) ? dice_.any(kNumberConstants) : dice_.any(kTextConstants);
  }

  std::string filled(std::string_view shape, int depth) {
    std::string out;
    for (size_t i = 0; i < shape.size(); ++i) {
      bool hole = shape[i] == '$' && i + 1 < shape.size() && shape[i + 1] >= 'A' && shape[i + 1] <= 'Z';
      out += hole ? argument(shape[++i], depth - 1) : std::string(1, shape[i]);
    }
    return out;
  }

  std::string argument(char hole, int depth) {
    switch (hole) {
      case 'N': return of(Kind::kNumber, depth);
      case 'T': return of(Kind::kText, depth);
      case 'B': return parenthesised(of(Kind::kBool, depth));
      case 'D': return dice_.chance(15) ? of(Kind::kText, depth) : of(Kind::kTime, depth);
      case 'A': return of(Kind::kArray, depth);
      case 'X': return parenthesised(any(depth));
      case 'I': return dice_.chance(80) ? dice_.any(kSmall) : of(Kind::kNumber, depth);
      case 'K': return dice_.any(kSmall);
      case 'R': return dice_.any(kRegexes);
      case 'L': return dice_.chance(85) ? dice_.any(kLikes) : of(Kind::kText, depth);
      case 'J': return dice_.chance(40) ? dice_.any(kDocuments) : of(Kind::kText, depth);
      default: return dice_.any(kPaths);
    }
  }

  static std::string parenthesised(std::string text) {
    bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)); });
    return plain ? text : "(" + text + ")";
  }

  Dice& dice_;
  const std::vector<RandomColumn>& columns_;
};

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
    switch (dice_.below(26)) {
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
      case 24: return dice_.chance(50) ? append() : join();
      default: return in();
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
    return out;
  }

  AggregateText aggregate() {
    static const char* const kAny[] = {"count", "min", "max", "dc", "values", "list", "take", "first", "last"};
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
    return name == "min" || name == "max" || name == "first" || name == "last" ? Kind::kMixed : Kind::kNumber;
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
    scope_ = columns_of(out.names);
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
    static const char* const kKinds[] = {"inner", "left", "semi", "anti"};
    Step out{.kind = Step::Kind::kJoin, .names = {some_name()}, .words = {dice_.any(kKinds)}, .inner = inner(2)};
    out.names.push_back(out.inner.back().names[0]);
    if (out.words[0] == "inner" || out.words[0] == "left")
      scope_.insert(scope_.end(), inner_columns_.begin(), inner_columns_.end());
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
