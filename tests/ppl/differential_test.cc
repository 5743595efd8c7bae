// Random rows and queries against a plain evaluation, row by row.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "expr/print.h"
#include "ppl_store.h"

namespace clew::query::testing {
namespace {

constexpr uint64_t kSeeds = 12;
constexpr int kQueries = 25;

struct Event {
  int64_t n = 0;  // its number: distinct
  int64_t seconds = 0;
  std::optional<int64_t> amount;
  std::optional<std::string> service;
  std::optional<std::string> text;
};

class Random {
 public:
  explicit Random(uint64_t seed) : rng_(seed) {}
  uint64_t below(uint64_t n) { return rng_.next() % n; }
  bool chance(uint64_t percent) { return below(100) < percent; }

 private:
  os::SeededRng rng_;
};

const char* const kServices[] = {"cart", "pay", "web", "cart-service"};
const char* const kWords[] = {"timeout", "failed", "order", "Payment", "ok"};

std::vector<Event> make_events(Random& random) {
  std::vector<Event> out;
  auto count = static_cast<int64_t>(1 + random.below(400));
  for (int64_t n = 0; n < count; ++n) {
    Event event;
    event.n = n;
    event.seconds = static_cast<int64_t>(random.below(7200));
    if (random.chance(80)) event.amount = static_cast<int64_t>(random.below(100)) - 20;
    if (random.chance(90)) event.service = kServices[random.below(4)];
    if (random.chance(90)) {
      event.text = "";
      for (uint64_t i = 0; i < 1 + random.below(3); ++i)
        *event.text += (i == 0 ? "" : " ") + std::string(kWords[random.below(5)]);
    }
    out.push_back(std::move(event));
  }
  return out;
}

std::string json_of(const Event& event) {
  std::string time = expr::print_timestamp(logstore::testing::kStart + event.seconds * 1'000'000'000);
  time[10] = 'T';
  std::string out = "{\"@timestamp\":\"" + time + "Z\",\"n\":" + std::to_string(event.n);
  if (event.amount) out += ",\"amount\":" + std::to_string(*event.amount);
  if (event.service) out += ",\"service\":\"" + *event.service + "\"";
  if (event.text) out += ",\"text\":\"" + *event.text + "\"";
  return out + "}\n";
}

// A condition as text of a search and of where, and what it means: true, false or null.
struct Condition {
  std::string search;
  std::string where;
  std::function<std::optional<bool>(const Event&)> holds;
};

bool compare(const std::string& op, int64_t a, int64_t b) {
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  if (op == ">=") return a >= b;
  return a == b;
}

Condition amount_condition(Random& random) {
  static const char* const kOps[] = {"=", "<", "<=", ">", ">="};
  std::string op = kOps[random.below(5)];
  auto value = static_cast<int64_t>(random.below(100)) - 10;
  Condition out;
  out.search = out.where = "amount" + op + std::to_string(value);
  out.holds = [op, value](const Event& e) -> std::optional<bool> {
    if (!e.amount) return std::nullopt;
    return compare(op, *e.amount, value);
  };
  return out;
}

Condition service_condition(Random& random) {
  std::string name = kServices[random.below(4)];
  Condition out;
  out.search = "service=\"" + name + "\"";
  out.where = "service = '" + name + "'";
  out.holds = [name](const Event& e) -> std::optional<bool> {
    if (!e.service) return std::nullopt;
    return *e.service == name;
  };
  return out;
}

Condition random_condition(Random& random, int depth) {
  uint64_t kind = depth == 0 ? random.below(2) : random.below(5);
  if (kind == 0) return amount_condition(random);
  if (kind == 1) return service_condition(random);
  Condition a = random_condition(random, depth - 1);
  if (kind == 4) {
    return {"NOT (" + a.search + ")", "not (" + a.where + ")", [a](const Event& e) -> std::optional<bool> {
              auto x = a.holds(e);
              return x ? std::optional<bool>(!*x) : std::nullopt;
            }};
  }
  Condition b = random_condition(random, depth - 1);
  bool both = kind == 2;
  std::string word = both ? " AND " : " OR ";
  return {"(" + a.search + word + b.search + ")", "(" + a.where + word + b.where + ")",
          [a, b, both](const Event& e) -> std::optional<bool> {
            auto x = a.holds(e);
            auto y = b.holds(e);
            if (both) {
              if ((x && !*x) || (y && !*y)) return false;
              return x && y ? std::optional<bool>(true) : std::nullopt;
            }
            if ((x && *x) || (y && *y)) return true;
            return x && y ? std::optional<bool>(false) : std::nullopt;
          }};
}

// In a search a condition on a missing field is false, not unknown.
bool holds_in_search(const Condition& condition, const Event& event) {
  Event known = event;
  return condition.holds(known).value_or(false);
}

class Differential {
 public:
  explicit Differential(uint64_t seed) : random_(seed), store_(16) {
    events_ = make_events(random_);
    EngineOptions options;
    options.workers = 1 + static_cast<uint32_t>(random_.below(3));
    options.block_rows = random_.chance(50) ? 5 : 4096;
    store_.set_engine_options(options);
    std::string lines;
    for (const Event& event : events_) {
      lines += json_of(event);
      if (!random_.chance(10)) continue;
      write(lines);
      if (random_.chance(40)) {
        EXPECT_TRUE(store_.flush().ok());
      }
      if (random_.chance(20)) {
        EXPECT_TRUE(store_.merge().ok());
      }
    }
    write(lines);
    // The plain side in the query's order.
    std::stable_sort(events_.begin(), events_.end(),
                     [](const Event& a, const Event& b) { return a.seconds < b.seconds; });
  }

  void filter_query() {
    Condition condition = random_condition(random_, 2);
    auto count = random_.below(20);
    std::vector<std::string> want;
    for (const Event& event : events_) {
      if (condition.holds(event).value_or(false) && want.size() < count) want.push_back(std::to_string(event.n));
    }
    expect("source=logs | where " + condition.where + " | fields n | head " + std::to_string(count), want);
  }

  // Without NOT a search means what where means; with it, rows without the field match too.
  void search_query() {
    Condition condition = amount_condition(random_);
    Condition other = service_condition(random_);
    bool negated = random_.chance(50);
    std::vector<std::string> want;
    for (const Event& event : events_) {
      bool b = holds_in_search(other, event);
      if (holds_in_search(condition, event) && (negated ? !b : b)) want.push_back(std::to_string(event.n));
    }
    expect("source=logs " + condition.search + (negated ? " NOT " : " ") + other.search + " | fields n", want);
  }

  void term_query() {
    std::string word = kWords[random_.below(5)];
    std::vector<std::string> want;
    for (const Event& event : events_) {
      if (event.text && (" " + *event.text + " ").find(" " + word + " ") != std::string::npos)
        want.push_back(std::to_string(event.n));
    }
    expect("source=logs " + word + " | fields n", want);
  }

  void stats_query() {
    Condition condition = random_condition(random_, 1);
    struct Sum {
      int64_t rows = 0;
      int64_t sum = 0;
      bool any = false;
      int64_t least = INT64_MAX;
    };
    std::map<std::string, Sum> groups;
    for (const Event& event : events_) {
      if (!condition.holds(event).value_or(false)) continue;
      Sum& sum = groups[event.service.value_or("")];
      ++sum.rows;
      if (!event.amount) continue;
      sum.any = true;
      sum.sum += *event.amount;
      sum.least = std::min(sum.least, *event.amount);
    }
    std::vector<std::string> want;
    for (const auto& [service, sum] : groups) {
      want.push_back(std::to_string(sum.rows) + "|" + (sum.any ? std::to_string(sum.sum) : "-") + "|" +
                     (sum.any ? std::to_string(sum.least) : "-") + "|" + (service.empty() ? "-" : service));
    }
    expect("source=logs | where " + condition.where + " | stats count(), sum(amount), min(amount) by service", want);
  }

  void histogram_query() {
    int64_t from = static_cast<int64_t>(random_.below(3600));
    int64_t to = from + static_cast<int64_t>(random_.below(3600));
    std::map<int64_t, int64_t> minutes;
    for (const Event& event : events_) {
      if (event.seconds >= from && event.seconds < to) ++minutes[event.seconds / 300 * 300];
    }
    std::vector<std::string> want;
    for (const auto& [second, count] : minutes) {
      want.push_back(std::to_string(count) + "|" +
                     expr::print_timestamp(logstore::testing::kStart + second * 1'000'000'000));
    }
    Request request;
    request.range = {logstore::testing::kStart + from * 1'000'000'000, logstore::testing::kStart + to * 1'000'000'000};
    request.text = "source=logs | stats count() by span(@timestamp, 5m)";
    expect(std::move(request), want);
  }

  void sort_query() {
    auto count = random_.below(30);
    bool down = random_.chance(50);
    std::vector<Event> sorted = events_;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Event& a, const Event& b) {
      int64_t x = a.amount.value_or(INT64_MIN);
      int64_t y = b.amount.value_or(INT64_MIN);
      return down ? x > y : x < y;
    });
    std::vector<std::string> want;
    for (size_t i = 0; i < sorted.size() && i < count; ++i) want.push_back(std::to_string(sorted[i].n));
    expect("source=logs | sort " + std::string(down ? "-" : "+") + "amount | head " + std::to_string(count) +
               " | fields n",
           want);
  }

  void any_query() {
    switch (random_.below(6)) {
      case 0: return filter_query();
      case 1: return search_query();
      case 2: return term_query();
      case 3: return stats_query();
      case 4: return histogram_query();
      default: return sort_query();
    }
  }

 private:
  void write(std::string& lines) {
    if (!lines.empty()) {
      EXPECT_TRUE(store_.feed("logs", lines).ok());
    }
    lines.clear();
    store_.clock().advance(1000);
  }

  void expect(const std::string& text, const std::vector<std::string>& want) {
    Request request;
    request.text = text;
    expect(std::move(request), want);
  }

  void expect(Request request, const std::vector<std::string>& want) {
    SCOPED_TRACE(request.text);
    for (bool optimise : {true, false}) {
      request.optimise = optimise;
      Rows rows;
      Outcome outcome = store_.ask(request, rows);
      // A field that no event has is an error, rightly.
      if (outcome.failure && outcome.failure->kind == FailureKind::kFieldNotFound) return;
      ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
      EXPECT_EQ(outcome.exactness.text(), "exact");
      std::vector<std::string> have;
      for (const auto& row : rows.rows_seen) {
        std::string line;
        for (const model::Value& value : row)
          line += (line.empty() ? "" : "|") + (value.is_null() ? "-" : expr::print_value(value));
        have.push_back(std::move(line));
      }
      ASSERT_EQ(have, want) << (optimise ? "optimised" : "plain plan");
    }
  }

  Random random_;
  PplStore store_;
  std::vector<Event> events_;
};

TEST(Differential, RandomQueriesAgreeWithAPlainEvaluation) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Differential differential(seed);
    for (int i = 0; i < kQueries && !::testing::Test::HasFailure(); ++i) differential.any_query();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace clew::query::testing
