// The steps of the plain evaluator, one after another over one table. plain_rows.cc: what looks at a row, or at rows
// beside each other; plain_groups.cc: what looks at groups of rows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plain_table.h"

namespace clew::query::testing {

using PlainValues = std::vector<model::Value>;  // of a row, or of a column

struct PlainLess {
  bool operator()(const PlainValues& a, const PlainValues& b) const {
    for (size_t i = 0; i < a.size(); ++i) {
      int order = plain_order(a[i], b[i]);
      if (order != 0) return order < 0;
    }
    return false;
  }
};

bool has(const Step& step, std::string_view word);

// Threads: one. Lifetime: `events` outlives it.
class PlainRun {
 public:
  PlainRun(const Table& events, int64_t now) : events_(events), table_(events), now_(now) {}

  bool all(const std::vector<Step>& steps);  // false: why() tells
  Table& table() { return table_; }
  const std::string& why() const { return why_; }
  bool refuses() const { return refuses_; }  // PlainAnswer::refuses

 private:
  struct Groups {
    std::vector<PlainValues> keys;          // in order
    std::vector<std::vector<size_t>> rows;  // of each group
  };

  bool apply(const Step& step);
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }
  bool refuse(std::string why) {
    refuses_ = true;
    return fail(std::move(why));
  }

  // Values of an expression, row by row, and its type.
  struct Computed {
    PlainValues values;
    model::Type type = model::Type::kMixed;
    double slack = 0;
  };
  std::optional<Computed> computed(const std::string& text);
  std::optional<size_t> column(const std::string& name);
  // Of keys: their values have to be exact.
  std::optional<std::vector<size_t>> columns(const std::vector<std::string>& names);
  static PlainValues key_of(const PlainValues& row, const std::vector<size_t>& columns);
  void set_column(const std::string& name, Computed column);
  std::optional<Table> other(const Step& step);

  bool where(const Step& step);
  bool eval(const Step& step);
  bool keep(const std::vector<std::string>& names);
  bool drop(const Step& step);
  bool sort(const Step& step);
  bool head(const Step& step);
  bool dedup(const Step& step);
  bool fillnull(const Step& step);
  bool rename(const Step& step);
  void add_rows(const Table& below);
  bool append(const Step& step);
  bool join(const Step& step);
  bool in(const Step& step);

  bool expand(const Step& step);
  bool trendline(const Step& step);
  bool lookup(const Step& step);
  bool appendpipe(const Step& step);

  bool bin(const Step& step);
  bool parse(const Step& step);
  bool regex(const Step& step);
  bool replace(const Step& step);

  bool stats(const Step& step);
  bool series(const Step& step);
  bool eventstats(const Step& step);
  bool streamstats(const Step& step);
  bool top(const Step& step);
  static Groups grouped(const std::vector<PlainValues>& keys);
  // The arguments of the aggregates, row by row, and room for their results with names and types.
  struct Calls {
    std::vector<PlainValues> arguments;
    Table results;
  };
  std::optional<Calls> calls(const Step& step);
  std::optional<std::map<PlainValues, double, PlainLess>> greatness(const Step& step, Calls& calls,
                                                                    const std::vector<PlainValues>& keys);
  bool fold_series(const Step& step, Calls& calls, std::vector<PlainValues>& keys);
  std::optional<PlainValues> aggregate(const Step& step, Calls& calls, const std::vector<size_t>& rows);
  std::optional<std::vector<PlainValues>> keys_of_rows(const Step& step);
  void add_results(const Calls& calls);

  const Table& events_;
  Table table_;
  int64_t now_;
  std::string why_;
  bool refuses_ = false;
};

}  // namespace clew::query::testing
