// Rows for tests: random batches of every kind of column, and a plain reading of them to compare with.
#pragma once

#include <map>
#include <random>
#include <string>

#include "columnar/row_source.h"
#include "model/batch.h"
#include "model/json_text.h"
#include "model/rest.h"

namespace clew::columnar::testing {

constexpr int64_t kStart = 1'763'719'200'000'000'000;  // 2025-11-21T10:00:00Z

// Canonical text of a value: its kind and its JSON text.
inline std::string text_of(const model::RestField& field) {
  std::string out = std::to_string(static_cast<int>(field.kind)) + ":";
  model::append_json_value(field, out);
  return out;
}

// Each row as name -> text.
using Rows = std::vector<std::map<std::string, std::string>>;

inline Rows rows_of(const model::Batch& batch) {
  Rows rows(batch.rows());
  for (const auto& column : batch.columns()) {
    size_t at_int = 0, at_scale = 0, at_text = 0;
    for (const model::KindRun& run : column->runs()) {
      for (uint32_t row = run.row; row < run.row + run.count; ++row) {
        model::RestField field;
        field.kind = run.kind;
        if (model::kind_has_int(run.kind)) field.lane = column->ints()[at_int++];
        if (run.kind == model::Kind::kDecimal) field.scale = column->scales()[at_scale++];
        if (model::kind_has_text(run.kind)) field.text = column->text_at(at_text++);
        rows[row][column->name()] = text_of(field);
      }
    }
  }
  return rows;
}

inline std::string hex(std::mt19937_64& rng, int digits) {
  std::string s;
  for (int i = 0; i < digits; ++i) s.push_back("0123456789abcdef"[rng() % 16]);
  return s;
}

// Adds any value; each column has a taste of its own.
inline void add_some(model::Column& column, uint32_t row, uint64_t taste, std::mt19937_64& rng) {
  switch (taste % 16) {
    case 0: column.add_int(row, static_cast<int64_t>(rng() % 1000)); break;
    case 1: column.add_decimal(row, static_cast<int64_t>(rng() % 100000), 2); break;
    case 2: column.add_string(row, std::array<const char*, 4>{"GET", "PUT", "POST", ""}[rng() % 4]); break;
    case 3:
      column.add_string(row,
                        "order " + std::to_string(rng() % 100000) + " took " + std::to_string(rng() % 900) + " ms");
      break;
    case 4: column.add_string(row, hex(rng, 32)); break;
    case 5: column.add_string(row, "10.0." + std::to_string(rng() % 256) + "." + std::to_string(rng() % 256)); break;
    case 6: column.add_bool(row, rng() % 2); break;
    case 7: column.add_float(row, static_cast<double>(rng() % 1000) * 1e300); break;
    case 8: column.add_text(row, model::Kind::kArray, "[1,\"a\",null]"); break;
    case 9:
      column.add_number(row,
                        std::array<const char*, 5>{"1.50e3", "-0", "18446744073709551615", "1", "2.500"}[rng() % 5]);
      break;
    case 10: column.add_null(row); break;
    case 11: column.add_text(row, model::Kind::kBytes, hex(rng, static_cast<int>(rng() % 9))); break;
    case 12: column.add_time(row, kStart + static_cast<int64_t>(rng() % 1000)); break;
    case 13:
      column.add_string(row,
                        hex(rng, 8) + "-" + hex(rng, 4) + "-" + hex(rng, 4) + "-" + hex(rng, 4) + "-" + hex(rng, 12));
      break;
    case 14: column.add_empty_object(row); break;
    default: add_some(column, row, rng(), rng);
  }
}

// `rows` rows with a column of each taste, some of them with holes or of mixed kinds.
inline model::Batch random_batch(uint64_t seed, uint32_t rows, int64_t start = kStart) {
  std::mt19937_64 rng(seed);
  model::Batch batch("logs");
  constexpr std::array<const char*, 5> kServices = {"cart", "pay", "web", "auth", "ship"};
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, start + static_cast<int64_t>(i) * 1'000'000);
    batch.column("service.name")->add_string(row, kServices[rng() % kServices.size()]);
    batch.column("level")->add_string(row, rng() % 10 == 0 ? "ERROR" : "info");
    for (uint64_t taste = 0; taste < 24; ++taste) {
      if (taste % 3 == 1 && rng() % 10 == 0) continue;
      if (taste >= 20 && rng() % 200 != 0) continue;
      add_some(*batch.column("f" + std::to_string(taste)), row, taste, rng);
    }
    if (rng() % 7 == 0) {
      std::string rest;
      model::append_rest({.name = "rare" + std::to_string(rng() % 50),
                          .kind = model::Kind::kInt,
                          .scale = 0,
                          .lane = static_cast<int64_t>(rng() % 9),
                          .text = {}},
                         rest);
      batch.column("_rest")->add_string(row, rest);
    }
    batch.end_row();
  }
  return batch;
}

inline std::vector<CommitRange> commits_for(uint64_t first_seq, uint32_t rows) {
  return {{Seq(first_seq), rows, {"test", first_seq}, UnixNanos(kStart), 0, rows}};
}

}  // namespace clew::columnar::testing
