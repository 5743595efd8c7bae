// A small answer kept whole, and how parts of explore/ ask for one.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "query/engine.h"

namespace clew::explore {

// Who asks, about which events. `query` is any PPL; explore looks at the events that it reads.
struct Question {
  std::string query = {};
  contract::Access access = {};
  contract::TimeRange range = {};
  query::Limits limits = {};
  std::stop_token stop = {};
};

// What an answer is worth and what it cost, summed over the queries that made it.
struct Cost {
  query::Exactness exactness;
  query::QueryStats stats;
  void add(const query::Outcome& outcome);
};

template <class T>
using Answer = std::variant<T, query::Failure>;

// Rows as values, for answers of at most some ten thousand rows.
class Table final : public query::Receiver {
 public:
  Status begin(const std::vector<query::OutputColumn>& schema) override;
  Status rows(const query::RowBatch& batch) override;

  const std::vector<query::OutputColumn>& schema() const { return schema_; }
  size_t rows_count() const { return rows_.size(); }
  const model::Value& at(size_t row, size_t column) const { return rows_[row][column]; }
  // Of the first row; null when there is none.
  const model::Value& only(size_t column) const;

 private:
  std::vector<query::OutputColumn> schema_;
  std::vector<std::vector<model::Value>> rows_;
};

// Numbers of answers; 0 for anything else.
uint64_t count_of(const model::Value& value);

// Runs `text` for the question's caller, range and limits into `receiver`; adds what it cost.
std::optional<query::Failure> run(query::Engine& engine, const Question& question, const std::string& text,
                                  query::Receiver& receiver, Cost& cost);

}  // namespace clew::explore
