// Random schemas, events and queries over the whole function library, in every face, against the plain evaluator of
// plain_table.h. A difference is shrunk: steps, expressions and events that it does not need are left out.
//
// CLEW_DIFFERENTIAL=N asks N queries instead of some hundred, CLEW_DIFFERENTIAL_SEED=S begins with another seed
// (`./dev differential`). CLEW_DIFFERENTIAL_REASONS=1 counts why queries were not compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>

#include "expr/coerce.h"
#include "expr/parse.h"
#include "expr/print.h"
#include "ppl_store.h"
#include "query/ppl/query.h"
#include "random_case.h"

namespace clew::query::testing {
namespace {

using expr::Expr;
using expr::ExprPtr;
using model::Type;
using model::Value;

constexpr uint64_t kQueriesShort = 1000;
constexpr uint64_t kQueriesOfSeed = 50;
constexpr uint64_t kEventsMax = 60;

struct Face {
  const char* name;
  bool flush = false;
  bool merge = false;
  bool reopen = false;
  bool optimise = true;
  bool printed = false;  // the query is printed from its tree first
  uint32_t workers = 1;
  uint32_t block_rows = 4096;
  uint32_t row_group_rows = 65536;
};

constexpr Face kFaces[] = {
    {.name = "fresh"},
    {.name = "flushed", .flush = true},
    {.name = "merged", .flush = true, .merge = true},
    {.name = "reopened", .reopen = true},
    {.name = "flushed, reopened", .flush = true, .reopen = true},
    {.name = "blocks of 3", .block_rows = 3},
    {.name = "row groups of 3", .flush = true, .merge = true, .row_group_rows = 3},
    {.name = "four workers", .flush = true, .workers = 4, .row_group_rows = 3},
    {.name = "plain plan", .flush = true, .optimise = false},
    {.name = "plain plan, blocks of 3", .optimise = false, .block_rows = 3},
    {.name = "printed and parsed again", .printed = true},
};

// The events in a store that looks as the face says.
class FaceStore {
 public:
  FaceStore(const Face& face, const RandomEvents& events) : face_(face), store_(face.row_group_rows) {
    EngineOptions options;
    options.workers = face.workers;
    options.block_rows = face.block_rows;
    store_.set_engine_options(options);
    std::string lines;
    for (size_t i = 0; i < events.events.size(); ++i) {
      lines += events.line(i);
      if (!events.events[i].ends_batch && i + 1 < events.events.size()) continue;
      write(lines);
      lines.clear();
    }
  }

  int64_t now() { return store_.clock().now().get(); }

  Outcome ask(const std::string& text, Rows& rows) {
    Request request;
    request.text = face_.printed ? printed(text) : text;
    request.optimise = face_.optimise;
    return store_.ask(request, rows);
  }

 private:
  void write(const std::string& lines) {
    Status fed = store_.feed("logs", lines);
    EXPECT_TRUE(fed.ok()) << fed.error().message() << "\n" << lines;
    store_.clock().advance(1'000'000);
    if (face_.flush) {
      EXPECT_TRUE(store_.flush().ok());
    }
    if (face_.merge) {
      EXPECT_TRUE(store_.merge().ok());
    }
    if (face_.reopen) {
      EXPECT_TRUE(store_.reopen().ok());
    }
  }

  static std::string printed(const std::string& text) {
    expr::TokenStream tokens(text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    return query.ok() ? ppl::print(**query) : text;
  }

  const Face face_;
  PplStore store_;
};

// ---- what counts as the same

bool is_number(const Value& v) { return expr::is_number(v.type()); }

bool same_numbers(const Value& a, const Value& b, double slack) {
  if (plain_order(a, b) == 0) return true;
  double x = *expr::to_double(expr::cell_of(a));
  double y = *expr::to_double(expr::cell_of(b));
  return x == y || std::fabs(x - y) <= slack;
}

bool same(const Value& a, const Value& b, double slack) {
  if (is_number(a) && is_number(b)) return same_numbers(a, b, slack);
  if (a.type() == Type::kArray && b.type() == Type::kArray) {
    if (a.items().size() != b.items().size()) return false;
    for (size_t i = 0; i < a.items().size(); ++i) {
      if (!same(a.items()[i], b.items()[i], slack)) return false;
    }
    return true;
  }
  return a.type() == b.type() && expr::print_value(a) == expr::print_value(b);
}

std::string shown(const Value& v) {
  return v.is_null() ? "null" : expr::print_value(v) + " : " + std::string(model::type_name(v.type()));
}

std::string difference(const Rows& have, const Table& want) {
  if (have.rows_seen.size() != want.rows.size()) {
    return std::to_string(have.rows_seen.size()) + " rows, plainly " + std::to_string(want.rows.size());
  }
  for (size_t c = 0; c < have.schema.size(); ++c) {
    if (c >= want.names.size() || have.schema[c].name != want.names[c]) return "columns: " + have.schema[c].name;
  }
  if (have.schema.size() != want.names.size()) return "columns: too few";
  for (size_t r = 0; r < want.rows.size(); ++r) {
    for (size_t c = 0; c < want.names.size(); ++c) {
      if (same(have.rows_seen[r][c], want.rows[r][c], want.slacks[c])) continue;
      return "row " + std::to_string(r) + ", " + want.names[c] + ": " + shown(have.rows_seen[r][c]) + ", plainly " +
             shown(want.rows[r][c]);
    }
  }
  return "";
}

struct Answer {
  bool compared = false;
  std::string difference;  // empty: none
  std::string why;         // it was not compared
};

// Both are errors: of the query, or the same of a value.
bool fails_alike(const Failure& failure, const PlainAnswer& plain) {
  return plain.refuses || (!plain.why.empty() && plain.why.ends_with(failure.reason));
}

Answer compare(FaceStore& store, const std::vector<Step>& steps, const PlainAnswer& plain) {
  Rows rows;
  Outcome outcome = store.ask(text_of(steps), rows);
  if (outcome.failure) {
    if (plain.table) return {true, "failed: " + outcome.failure->reason, ""};
    if (fails_alike(*outcome.failure, plain)) return {true, "", ""};
    return {false, "", "neither: " + outcome.failure->reason + " / " + plain.why};
  }
  if (outcome.exactness.text() != "exact") return {true, outcome.exactness.text(), ""};
  if (plain.refuses) return {true, "answered, and plainly: " + plain.why, ""};
  if (!plain.table) return {false, "", "no plain answer: " + plain.why};
  return {true, difference(rows, *plain.table), ""};
}

// ---- shrinking

struct Failing {
  RandomEvents events;
  std::vector<Step> steps;
  const Face* face = nullptr;
};

std::string differs(const Failing& failing) {
  Table table = failing.events.table();
  FaceStore store(*failing.face, failing.events);
  return compare(store, failing.steps, evaluate(table, failing.steps, store.now())).difference;
}

// Simpler texts of an expression: each part of it, and itself with a part in the place of what holds it.
void simpler(const ExprPtr& expr, const std::function<void(ExprPtr)>& use) {
  if (expr->kind != expr::ExprKind::kCall) return;
  for (const ExprPtr& arg : expr->args) use(arg);
  for (size_t i = 0; i < expr->args.size(); ++i) {
    simpler(expr->args[i], [&](ExprPtr part) {
      auto copy = std::make_shared<Expr>(*expr);
      copy->args[i] = std::move(part);
      use(copy);
    });
  }
}

std::vector<std::string> simpler(const std::string& text) {
  std::vector<std::string> out;
  Result<ExprPtr> expr = expr::parse_expression_text(text);
  if (expr.ok()) simpler(*expr, [&](const ExprPtr& part) { out.push_back(expr::print(*part)); });
  return out;
}

class Shrinker {
 public:
  explicit Shrinker(Failing failing) : failing_(std::move(failing)), matter_(matter(differs(failing_))) {}

  Failing smallest() {
    for (bool better = true; better;) {
      better = fewer(failing_.steps);
      better = fewer_events() || better;
      for (Step& step : failing_.steps) better = simplify(step) || better;
    }
    return failing_;
  }

 private:
  // Keeps what `change` did to the case if it still differs.
  template <class T>
  bool attempt(T& part, T changed) {
    std::swap(part, changed);
    std::string found = differs(failing_);
    if (!found.empty() && matter(found) == matter_) return true;
    std::swap(part, changed);
    return false;
  }

  // A query without its last `fields` has other columns, and one cut in the wrong place fails, which is another matter.
  static std::string matter(const std::string& found) {
    if (found.starts_with("answered")) return found;
    return found.starts_with("columns:") || found.starts_with("failed:") ? found.substr(0, 7) : "";
  }

  template <class T>
  bool fewer(std::vector<T>& list, size_t least = 0) {
    bool any = false;
    for (size_t i = list.size(); i-- > 0 && list.size() > least;) {
      std::vector<T> changed = list;
      changed.erase(changed.begin() + static_cast<ptrdiff_t>(i));
      any = attempt(list, std::move(changed)) || any;
    }
    return any;
  }

  bool fewer_events() {
    bool any = false;
    auto& events = failing_.events.events;
    for (size_t chunk = events.size() / 2; chunk > 0; chunk /= 2) {
      for (size_t at = 0; at + chunk <= events.size() && events.size() > chunk;) {
        auto changed = events;
        changed.erase(changed.begin() + static_cast<ptrdiff_t>(at),
                      changed.begin() + static_cast<ptrdiff_t>(at + chunk));
        if (attempt(events, std::move(changed))) {
          any = true;
        } else {
          at += chunk;
        }
      }
    }
    for (RandomEvent& event : events) {
      for (size_t c = 0; c < event.members.size(); ++c) {
        if (event.members[c].empty()) continue;
        RandomEvent changed = event;
        changed.members[c].clear();
        changed.values[c] = Value();
        any = attempt(event, std::move(changed)) || any;
      }
    }
    return any;
  }

  bool simplify(std::string& text) {
    for (const std::string& part : simpler(text)) {
      if (part != text && attempt(text, part)) return true;
    }
    return false;
  }

  bool simplify(Step& step) {
    bool any = fewer(step.aggregates, 1);
    bool span = step.kind == Step::Kind::kStats;
    for (std::string& text : step.exprs) any = (!span && simplify(text)) || any;
    for (AggregateText& a : step.aggregates) any = (!a.argument.empty() && simplify(a.argument)) || any;
    bool names = step.kind == Step::Kind::kFields || step.kind == Step::Kind::kSort ||
                 step.kind == Step::Kind::kStats || step.kind == Step::Kind::kEventstats ||
                 step.kind == Step::Kind::kStreamstats || step.kind == Step::Kind::kDedup ||
                 step.kind == Step::Kind::kTop || step.kind == Step::Kind::kRare;
    if (names) any = fewer(step.names, step.aggregates.empty() ? 1 : 0) || any;
    bool chosen = step.kind == Step::Kind::kJoin || step.kind == Step::Kind::kExpand ||
                  step.kind == Step::Kind::kTrendline || step.kind == Step::Kind::kLookup;
    any = (!chosen && fewer(step.words)) || any;
    any = (!step.inner.empty() && fewer(step.inner, 1)) || any;
    for (Step& inner : step.inner) any = simplify(inner) || any;
    return any;
  }

  Failing failing_;
  const std::string matter_;
};

std::string told(const Failing& failing) {
  std::string out = std::string(failing.face->name) + ": " + text_of(failing.steps) + "\n";
  for (size_t i = 0; i < failing.events.events.size(); ++i) {
    out += "  " + failing.events.line(i);
    if (failing.events.events[i].ends_batch) out += "  (the write ends)\n";
  }
  return out + "  " + differs(failing);
}

// ---- the test

// Without what is quoted or a number, so that like reasons count together.
std::string kind_of_reason(const std::string& why) {
  std::string out;
  char quote = 0;
  for (char c : why) {
    if (quote == 0 && (c == '"' || c == '`' || c == '[')) {
      quote = c == '[' ? ']' : c;
      out += "..";
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      out += c;
    }
  }
  return out;
}

struct Counts {
  uint64_t queries = 0;
  uint64_t compared = 0;  // with an answer of the plain evaluator
  uint64_t answers = 0;   // compared, all faces
  uint64_t differences = 0;
  std::map<std::string, uint64_t> reasons;  // why queries were not compared
};

void run_seed(uint64_t seed, uint64_t queries, uint64_t differences_max, Counts& counts) {
  Dice dice(seed);
  RandomEvents events = random_events(dice, kEventsMax);
  Table table = events.table();
  std::vector<std::unique_ptr<FaceStore>> stores;
  for (const Face& face : kFaces) stores.push_back(std::make_unique<FaceStore>(face, events));
  for (uint64_t i = 0; i < queries && counts.differences < differences_max; ++i) {
    std::vector<Step> steps = random_steps(dice, events);
    PlainAnswer want = evaluate(table, steps, stores[0]->now());
    ++counts.queries;
    bool compared = false;
    for (size_t f = 0; f < stores.size(); ++f) {
      Answer answer = compare(*stores[f], steps, want);
      compared = compared || answer.compared;
      if (f == 0 && !answer.compared) ++counts.reasons[kind_of_reason(answer.why)];
      counts.answers += answer.compared ? 1 : 0;
      if (answer.difference.empty()) continue;
      ++counts.differences;
      Failing failing{events, steps, &kFaces[f]};
      ADD_FAILURE() << "seed " << seed << ", query " << i << ": " << text_of(steps) << "\n"
                    << answer.difference << "\nsmallest: " << told(Shrinker(std::move(failing)).smallest());
      break;
    }
    counts.compared += compared ? 1 : 0;
  }
}

uint64_t environment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

void print_reasons(const Counts& counts) {
  std::vector<std::pair<uint64_t, std::string>> sorted;
  for (const auto& [reason, count] : counts.reasons) sorted.emplace_back(count, reason);
  std::sort(sorted.rbegin(), sorted.rend());
  for (const auto& [count, reason] : sorted) std::cout << count << "  " << reason << "\n";
}

TEST(Differential, TheFunctionLibraryAgreesWithAPlainEvaluationInEveryFace) {
  uint64_t queries = environment("CLEW_DIFFERENTIAL", kQueriesShort);
  uint64_t first = environment("CLEW_DIFFERENTIAL_SEED", 1);
  uint64_t differences_max = environment("CLEW_DIFFERENTIAL_SHOWN", 1);
  Counts counts;
  for (uint64_t seed = first; counts.queries < queries && counts.differences < differences_max; ++seed)
    run_seed(seed, std::min(kQueriesOfSeed, queries - counts.queries), differences_max, counts);
  std::cout << "differential: seed " << first << ", " << counts.queries << " queries in " << std::size(kFaces)
            << " faces, " << counts.compared << " with a plain answer, " << counts.answers << " answers compared, "
            << counts.differences << " differences\n";
  if (std::getenv("CLEW_DIFFERENTIAL_REASONS") != nullptr) print_reasons(counts);
  // The others depend on the order in which numbers are added.
  EXPECT_TRUE(counts.differences != 0 || counts.compared * 10 > counts.queries * 9);
}

}  // namespace
}  // namespace clew::query::testing
