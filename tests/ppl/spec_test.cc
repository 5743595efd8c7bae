// Runs every spec file in many faces: the answers must not depend on how rows lie, how many workers there are, or how
// clever the plan is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "expr/print.h"
#include "ppl_store.h"
#include "query/ppl/query.h"
#include "spec.h"

namespace clew::query::testing {
namespace {

struct Face {
  std::string name;
  bool flush = false;
  bool merge = false;
  bool reopen = false;
  bool optimise = true;
  uint32_t workers = 1;
  uint32_t block_rows = 4096;
  uint32_t row_group_rows = 65536;
};

std::vector<Face> faces() {
  return {
      {.name = "fresh"},
      {.name = "flushed", .flush = true},
      {.name = "merged", .flush = true, .merge = true},
      {.name = "reopened", .reopen = true},
      {.name = "flushed_reopened", .flush = true, .reopen = true},
      {.name = "blocks_of_3", .block_rows = 3},
      {.name = "groups_of_3", .flush = true, .merge = true, .row_group_rows = 3},
      {.name = "four_workers", .flush = true, .workers = 4, .row_group_rows = 3},
      {.name = "plain_plan", .flush = true, .optimise = false},
      {.name = "plain_plan_blocks_of_3", .optimise = false, .block_rows = 3},
  };
}

std::string cell(const model::Value& value) {
  if (value.is_null()) return "-";
  std::string text = expr::print_value(value);
  return text.empty() ? "''" : text;
}

// The query printed from its tree and parsed again prints the same.
std::string printed(const std::string& text) {
  expr::TokenStream tokens(text);
  Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
  return query.ok() ? ppl::print(**query) : "";
}

class SpecRun {
 public:
  SpecRun(const Face& face, bool update) : face_(face), update_(update), store_(face.row_group_rows) {
    EngineOptions options;
    options.workers = face.workers;
    options.block_rows = face.block_rows;
    store_.set_engine_options(options);
  }

  void run(std::vector<SpecItem>& items) {
    for (SpecItem& item : items) {
      SCOPED_TRACE("line " + std::to_string(item.line) + ": " + item.text);
      if (item.kind == SpecItem::Kind::kFeed) feed(item);
      if (item.kind == SpecItem::Kind::kAsk) ask(item);
      if (item.kind == SpecItem::Kind::kDeny) deny(item);
    }
  }

 private:
  void feed(const SpecItem& item) {
    std::string lines;
    for (const std::string& line : item.lines) lines += with_times(line) + "\n";
    Status status = store_.feed(item.text.empty() ? "logs" : item.text, lines);
    ASSERT_TRUE(status.ok()) << status.error().message();
    store_.clock().advance(1'000'000);
    if (face_.flush) {
      ASSERT_TRUE(store_.flush().ok());
    }
    if (face_.merge) {
      ASSERT_TRUE(store_.merge().ok());
    }
    if (face_.reopen) {
      ASSERT_TRUE(store_.reopen().ok());
    }
  }

  Outcome ask_text(const std::string& text, Rows& rows) {
    Request request;
    request.text = text;
    request.optimise = face_.optimise;
    return store_.ask(request, rows);
  }

  std::vector<std::vector<std::string>> table(const Rows& rows) {
    std::vector<std::vector<std::string>> out(1);
    for (const OutputColumn& column : rows.schema) out[0].push_back(column.name);
    for (const auto& row : rows.rows_seen) {
      std::vector<std::string> cells;
      for (const model::Value& value : row) cells.push_back(cell(value));
      out.push_back(std::move(cells));
    }
    return out;
  }

  void ask(SpecItem& item) {
    Rows rows;
    Outcome outcome = ask_text(item.text, rows);
    ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
    std::vector<std::vector<std::string>> have = table(rows);
    if (update_) {
      item.lines = table_of(have);
      return;
    }
    std::vector<std::vector<std::string>> want;
    for (const std::string& line : item.lines) want.push_back(cells_of(line));
    EXPECT_EQ(table_of(have), table_of(want));
    std::string again = printed(item.text);
    EXPECT_EQ(printed(again), again);
    Rows reprinted;
    Outcome second = ask_text(again, reprinted);
    ASSERT_FALSE(second.failure) << again << ": " << second.failure->reason;
    EXPECT_EQ(table(reprinted), have) << again;
  }

  void deny(SpecItem& item) {
    Rows rows;
    Outcome outcome = ask_text(item.text, rows);
    ASSERT_TRUE(outcome.failure) << "no failure";
    std::string place = std::to_string(outcome.failure->line) + ":" + std::to_string(outcome.failure->column);
    if (update_) {
      item.lines = {place + " " + outcome.failure->reason};
      return;
    }
    ASSERT_EQ(item.lines.size(), 1u);
    size_t blank = item.lines[0].find(' ');
    EXPECT_EQ(place, item.lines[0].substr(0, blank)) << outcome.failure->reason;
    EXPECT_NE(outcome.failure->reason.find(item.lines[0].substr(blank + 1)), std::string::npos)
        << outcome.failure->reason;
  }

  const Face face_;
  const bool update_;
  PplStore store_;
};

std::vector<std::string> spec_files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator("tests/ppl")) {
    if (entry.path().extension() == ".ct") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Spec, EveryFileInEveryFace) {
  bool update = std::getenv("CLEW_UPDATE") != nullptr;
  std::vector<std::string> files = spec_files();
  ASSERT_FALSE(files.empty());
  for (const std::string& path : files) {
    Result<std::vector<SpecItem>> items = read_spec(path);
    ASSERT_TRUE(items.ok()) << items.error().message();
    for (const Face& face : faces()) {
      SCOPED_TRACE(path + ", face " + face.name);
      SpecRun(face, update && face.name == "fresh").run(*items);
      if (update && face.name == "fresh") {
        ASSERT_TRUE(write_spec(path, *items).ok());
      }
    }
  }
}

}  // namespace
}  // namespace clew::query::testing
