#include "random_expressions.h"

#include <algorithm>

#include "expr/ast.h"

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

std::string parenthesised(std::string text) {
  bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)); });
  return plain ? text : "(" + text + ")";
}

}  // namespace

std::string Expressions::of(Kind kind, int depth) {
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

std::string Expressions::leaf(Kind kind) {
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

std::string Expressions::filled(std::string_view shape, int depth) {
  std::string out;
  for (size_t i = 0; i < shape.size(); ++i) {
    bool hole = shape[i] == '$' && i + 1 < shape.size() && shape[i + 1] >= 'A' && shape[i + 1] <= 'Z';
    out += hole ? argument(shape[++i], depth - 1) : std::string(1, shape[i]);
  }
  return out;
}

std::string Expressions::argument(char hole, int depth) {
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

}  // namespace clew::query::testing
