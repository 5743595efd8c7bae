// Random rows through joins, subsearches and the commands that look at many rows, against a plain evaluation.
// CLEW_DIFFERENTIAL=N asks N queries instead of some hundred.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "expr/print.h"
#include "ppl_store.h"

namespace clew::query::testing {
namespace {

constexpr uint64_t kQueriesShort = 400;
constexpr uint64_t kQueriesOfSeed = 40;

class Random {
 public:
  explicit Random(uint64_t seed) : rng_(seed) {}
  uint64_t below(uint64_t n) { return rng_.next() % n; }
  int64_t number(uint64_t n) { return static_cast<int64_t>(below(n)); }
  bool chance(uint64_t percent) { return below(100) < percent; }

 private:
  os::SeededRng rng_;
};

using Number = std::optional<int64_t>;

struct Left {
  int64_t n = 0;  // its place in the query's order, and a field
  Number k;
  Number v;
};
struct Right {
  int64_t m = 0;
  Number k;
  Number w;
};

std::string shown(const Number& number) { return number ? std::to_string(*number) : "-"; }

class Commands {
 public:
  explicit Commands(uint64_t seed) : random_(seed), store_(16) {
    EngineOptions options;
    options.workers = 1 + static_cast<uint32_t>(random_.below(3));
    options.block_rows = random_.chance(50) ? 3 : 4096;
    store_.set_engine_options(options);
    for (int64_t n = 0, count = 1 + random_.number(60); n < count; ++n) left_.push_back({n, maybe(6), maybe(50)});
    for (int64_t m = 0, count = 1 + random_.number(20); m < count; ++m) right_.push_back({m, maybe(6), maybe(50)});
    left_[0].k = left_[0].v = right_[0].k = right_[0].w = 1;  // every field is there
    write();
  }

  void any_query() {
    switch (random_.below(15)) {
      case 0: return join_query();
      case 1: return join_on_condition();
      case 2: return lookup_query();
      case 3: return in_query();
      case 4: return exists_query();
      case 5: return scalar_query();
      case 6: return eventstats_query();
      case 7: return streamstats_query();
      case 8: return trendline_query();
      case 9: return totals_query();
      case 10: return mvcombine_query();
      case 11: return appendpipe_query();
      case 12: return dedup_query();
      case 13: return top_query();
      default: return append_query();
    }
  }

 private:
  Number maybe(uint64_t n) { return random_.chance(80) ? Number(random_.number(n)) : std::nullopt; }

  static std::string time(int64_t second) {
    std::string out = expr::print_timestamp(logstore::testing::kStart + second * 1'000'000'000);
    out[10] = 'T';
    return out + "Z";
  }
  static std::string field(const char* name, const Number& value) {
    return value ? ",\"" + std::string(name) + "\":" + std::to_string(*value) : "";
  }

  void write() {
    std::string lines;
    for (const Left& row : left_) {
      lines += "{\"@timestamp\":\"" + time(row.n) + "\",\"n\":" + std::to_string(row.n) + field("k", row.k) +
               field("v", row.v) + "}\n";
      if (random_.chance(10)) feed("logs", lines);
    }
    feed("logs", lines);
    for (const Right& row : right_) {
      lines += "{\"@timestamp\":\"" + time(row.m) + "\",\"m\":" + std::to_string(row.m) + field("k", row.k) +
               field("w", row.w) + "}\n";
    }
    feed("other", lines);
  }
  void feed(const std::string& dataset, std::string& lines) {
    if (lines.empty()) return;
    EXPECT_TRUE(store_.feed(dataset, lines).ok());
    if (random_.chance(30)) {
      EXPECT_TRUE(store_.flush().ok());
    }
    lines.clear();
    store_.clock().advance(1000);
  }

  // ---- joins

  void join_query() {
    static const char* const kKinds[] = {"inner", "left", "semi", "anti", "right", "full"};
    std::string kind = kKinds[random_.below(6)];
    int64_t most = random_.chance(30) ? 1 + random_.number(2) : 0;
    if (kind == "right" || kind == "full" || kind == "semi" || kind == "anti") most = 0;
    std::vector<std::string> want;
    std::set<int64_t> used;
    bool pairs = kind != "semi" && kind != "anti";
    for (const Left& row : left_) {
      int64_t found = 0;
      for (const Right& other : right_) {
        if (!row.k || row.k != other.k || (most != 0 && found >= most)) continue;
        ++found;
        used.insert(other.m);
        if (pairs) want.push_back(std::to_string(row.n) + "|" + std::to_string(other.m));
      }
      bool alone = found == 0 && (kind == "left" || kind == "full");
      if (alone) want.push_back(std::to_string(row.n) + "|-");
      if ((kind == "semi" && found > 0) || (kind == "anti" && found == 0)) want.push_back(std::to_string(row.n));
    }
    for (const Right& other : right_) {
      if ((kind == "right" || kind == "full") && !used.contains(other.m))
        want.push_back("-|" + std::to_string(other.m));
    }
    std::string limit = most != 0 ? " max=" + std::to_string(most) : "";
    expect("source=logs | join type=" + kind + limit + " left=a right=b on a.k = b.k other | fields " +
               (pairs ? "n, m" : "n"),
           want);
  }

  void join_on_condition() {
    bool left = random_.chance(50);
    std::vector<std::string> want;
    for (const Left& row : left_) {
      bool found = false;
      for (const Right& other : right_) {
        bool meets = row.k && other.k && row.v && other.w && *row.k == *other.k && *row.v < *other.w;
        if (meets) want.push_back(std::to_string(row.n) + "|" + std::to_string(other.m));
        found = found || meets;
      }
      if (left && !found) want.push_back(std::to_string(row.n) + "|-");
    }
    expect(std::string("source=logs | ") + (left ? "left" : "inner") +
               " join left=a right=b on a.k = b.k and a.v < b.w other | fields n, m",
           want);
  }

  void lookup_query() {
    bool append = random_.chance(50);
    std::vector<std::string> want;
    for (const Left& row : left_) {
      bool found = false;
      for (const Right& other : right_) {
        if (!row.k || row.k != other.k) continue;
        found = true;
        want.push_back(std::to_string(row.n) + "|" + shown(append && row.v ? row.v : other.w));
      }
      if (!found) want.push_back(std::to_string(row.n) + "|" + (append ? shown(row.v) : "-"));
    }
    expect("source=logs | lookup other k " + std::string(append ? "append" : "replace") + " w as v | fields n, v",
           want);
  }

  // ---- subsearches

  void in_query() {
    int64_t least = random_.number(50);
    bool negated = random_.chance(40);
    std::set<int64_t> keys;
    bool null = false;
    for (const Right& other : right_) {
      if (!other.w || *other.w < least) continue;
      if (other.k)
        keys.insert(*other.k);
      else
        null = true;
    }
    bool none = keys.empty() && !null;
    std::vector<std::string> want;
    for (const Left& row : left_) {
      // Three values: nothing is known of null, unless the list is empty.
      bool in = row.k && keys.contains(*row.k);
      bool unknown = !none && (!row.k || (!in && null));
      if (negated ? (none || (!in && !unknown)) : in) want.push_back(std::to_string(row.n));
    }
    expect("source=logs | where k " + std::string(negated ? "not " : "") +
               "in [ source=other | where w >= " + std::to_string(least) + " | fields k ] | fields n",
           want);
  }

  void exists_query() {
    bool negated = random_.chance(50);
    std::vector<std::string> want;
    for (const Left& row : left_) {
      bool any = std::any_of(right_.begin(), right_.end(),
                             [&](const Right& other) { return row.v && other.w && *other.w > *row.v; });
      if (any != negated) want.push_back(std::to_string(row.n));
    }
    expect("source=logs | where " + std::string(negated ? "not " : "") +
               "exists [ source=other | where w > v ] | fields n",
           want);
  }

  void scalar_query() {
    std::vector<std::string> want;
    for (const Left& row : left_) {
      Number best;
      for (const Right& other : right_) {
        if (row.k && row.k == other.k && other.w) best = std::max(best.value_or(*other.w), *other.w);
      }
      want.push_back(std::to_string(row.n) + "|" + shown(best));
    }
    expect("source=logs | eval best = [ source=other | where other.k = logs.k | stats max(w) ] | fields n, best", want);
  }

  // ---- many rows

  void eventstats_query() {
    std::map<Number, std::pair<int64_t, Number>> groups;  // rows, greatest
    for (const Left& row : left_) {
      auto& [rows, best] = groups[row.k];
      ++rows;
      if (row.v) best = std::max(best.value_or(*row.v), *row.v);
    }
    std::vector<std::string> want;
    for (const Left& row : left_) {
      want.push_back(std::to_string(row.n) + "|" + std::to_string(groups[row.k].first) + "|" +
                     shown(groups[row.k].second));
    }
    expect("source=logs | eventstats count() as rows, max(v) as best by k | fields n, rows, best", want);
  }

  void streamstats_query() {
    std::map<Number, Number> sums;
    std::vector<std::string> want;
    for (const Left& row : left_) {
      Number& sum = sums[row.k];
      if (row.v) sum = sum.value_or(0) + *row.v;
      want.push_back(std::to_string(row.n) + "|" + shown(sum));
    }
    expect("source=logs | streamstats sum(v) as total by k | fields n, total", want);
  }

  void trendline_query() {
    int64_t window = 1 + random_.number(4);
    std::vector<int64_t> seen;
    std::vector<std::string> want;
    for (const Left& row : left_) {
      if (row.v) seen.push_back(*row.v);
      bool full = row.v && static_cast<int64_t>(seen.size()) >= window;
      double sum = 0;
      for (int64_t i = 0; full && i < window; ++i)
        sum += static_cast<double>(seen[seen.size() - static_cast<size_t>(window - i)]);
      std::string mean = full ? expr::print_value(model::Value::real(sum / static_cast<double>(window))) : "-";
      want.push_back(std::to_string(row.n) + "|" + mean);
    }
    expect("source=logs | trendline sma(" + std::to_string(window) + ", v) as mean | fields n, mean", want);
  }

  void totals_query() {
    std::vector<std::string> want;
    Number ks;
    Number vs;
    for (const Left& row : left_) {
      Number both;
      if (row.k) both = both.value_or(0) + *row.k;
      if (row.v) both = both.value_or(0) + *row.v;
      if (row.k) ks = ks.value_or(0) + *row.k;
      if (row.v) vs = vs.value_or(0) + *row.v;
      want.push_back(shown(row.k) + "|" + shown(row.v) + "|" + shown(both));
    }
    want.push_back(shown(ks) + "|" + shown(vs) + "|-");
    expect("source=logs | fields k, v | addtotals k v col=true fieldname=both", want);
  }

  void mvcombine_query() {
    std::vector<Number> order;
    std::map<Number, std::string> lists;
    for (const Left& row : left_) {
      if (!lists.contains(row.k)) order.push_back(row.k);
      std::string& list = lists[row.k];
      if (row.v) list += (list.empty() ? "" : ",") + std::to_string(*row.v);
    }
    std::vector<std::string> want;
    for (const Number& key : order)
      want.push_back(shown(key) + "|" + (lists[key].empty() ? "-" : "[" + lists[key] + "]"));
    expect("source=logs | fields k, v | mvcombine v", want);
    std::vector<std::string> back;
    for (const Number& key : order) {
      for (const Left& row : left_) {
        if (row.k == key && row.v) back.push_back(shown(key) + "|" + std::to_string(*row.v));
      }
    }
    expect("source=logs | fields k, v | mvcombine v | mvexpand v", back);
  }

  void appendpipe_query() {
    std::vector<std::string> want;
    int64_t rows = 0;
    for (const Left& row : left_) {
      if (!row.v || *row.v < 25) continue;
      ++rows;
      want.push_back(std::to_string(row.n));
    }
    want.push_back(std::to_string(rows));
    expect("source=logs | where v >= 25 | fields n | appendpipe [ stats count() as n ]", want);
  }

  void append_query() {
    std::vector<std::string> want;
    for (const Left& row : left_) want.push_back(shown(row.k) + "|-");
    for (const Right& other : right_) want.push_back(shown(other.k) + "|" + shown(other.w));
    expect("source=logs | fields k | append [ source=other | fields k, w ]", want);
    expect("| union [ source=logs | fields k ] [ source=other | fields k, w ]", want);
  }

  void dedup_query() {
    std::set<int64_t> seen;
    std::vector<std::string> want;
    for (const Left& row : left_) {
      if (row.k && seen.insert(*row.k).second) want.push_back(std::to_string(row.n));
    }
    expect("source=logs | dedup k | fields n", want);
  }

  void top_query() {
    std::map<Number, int64_t> counts;
    for (const Left& row : left_) ++counts[row.k];
    std::vector<std::pair<Number, int64_t>> sorted(counts.begin(), counts.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::string> want;
    for (size_t i = 0; i < sorted.size() && i < 3; ++i)
      want.push_back(shown(sorted[i].first) + "|" + std::to_string(sorted[i].second));
    expect("source=logs | top 3 k", want);
  }

  void expect(const std::string& text, const std::vector<std::string>& want) {
    SCOPED_TRACE(text);
    for (bool optimise : {true, false}) {
      Request request;
      request.text = text;
      request.optimise = optimise;
      Rows rows;
      Outcome outcome = store_.ask(request, rows);
      ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
      EXPECT_EQ(outcome.exactness.text(), "exact");
      std::vector<std::string> have;
      for (const auto& row : rows.rows_seen) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
          line += (i == 0 ? "" : "|") + (row[i].is_null() ? "-" : expr::print_value(row[i]));
        have.push_back(std::move(line));
      }
      ASSERT_EQ(have, want) << (optimise ? "optimised" : "plain plan");
    }
  }

  Random random_;
  PplStore store_;
  std::vector<Left> left_;
  std::vector<Right> right_;
};

TEST(Differential, RandomCommandsAgreeWithAPlainEvaluation) {
  const char* wanted = std::getenv("CLEW_DIFFERENTIAL");
  uint64_t queries = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kQueriesShort;
  uint64_t asked = 0;
  for (uint64_t seed = 1; asked < queries; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Commands commands(seed);
    for (uint64_t i = 0; i < kQueriesOfSeed && asked < queries && !::testing::Test::HasFailure(); ++i, ++asked)
      commands.any_query();
    if (::testing::Test::HasFailure()) return;
  }
  RecordProperty("queries", std::to_string(asked));
}

}  // namespace
}  // namespace clew::query::testing
