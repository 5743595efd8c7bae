// The examples of docs/language: every ```ppl block is asked over the example data, and its answer is the ```text block
// behind it. CLEW_UPDATE=1 writes the answers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "expr/functions.h"
#include "expr/print.h"
#include "ppl_store.h"
#include "query/ppl/command.h"
#include "spec.h"

namespace clew::query::testing {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

std::string cell(const model::Value& value) {
  if (value.is_null()) return "-";
  std::string text = expr::print_value(value);
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) text.replace(at, 1, "\\n");
  return text.empty() ? "''" : text;
}

class ExampleRun {
 public:
  explicit ExampleRun(bool update) : update_(update) {
    CHECK(store_.feed("shop", contents("docs/language/example.ndjson")).ok());
    CHECK(store_.feed("users", contents("docs/language/example_users.ndjson")).ok());
  }

  // The page with its answers as they are.
  std::string run(const std::string& page) {
    std::string out;
    std::istringstream lines(page);
    std::string line;
    while (std::getline(lines, line)) {
      out += line + "\n";
      if (line != "```ppl") continue;
      std::string query = take_block(lines, out);
      std::string answer = ask(query);
      std::string want = take_answer(lines);
      if (!update_) {
        EXPECT_EQ(answer, want) << query;
      }
      out += "```text\n" + answer + "```\n";
      ++examples;
    }
    return out;
  }

  int examples = 0;

 private:
  static std::string take_block(std::istringstream& lines, std::string& out) {
    std::string query;
    std::string line;
    while (std::getline(lines, line) && line != "```") {
      query += (query.empty() ? "" : "\n") + line;
      out += line + "\n";
    }
    out += "```\n";
    return query;
  }

  // A block right behind; empty when there is none.
  static std::string take_answer(std::istringstream& lines) {
    std::streampos before = lines.tellg();
    std::string line;
    std::string answer;
    if (!std::getline(lines, line) || line != "```text") {
      lines.clear();
      lines.seekg(before);
      return answer;
    }
    while (std::getline(lines, line) && line != "```") answer += line + "\n";
    return answer;
  }

  std::string ask(const std::string& query) {
    Request request;
    request.text = query;
    Rows rows;
    Outcome outcome = store_.ask(request, rows);
    if (outcome.failure) {
      ADD_FAILURE() << query << ": " << outcome.failure->reason;
      return "error: " + outcome.failure->reason + "\n";
    }
    std::vector<std::vector<std::string>> table(1);
    for (const OutputColumn& column : rows.schema) table[0].push_back(column.name);
    for (const auto& row : rows.rows_seen) {
      table.emplace_back();
      for (const model::Value& value : row) table.back().push_back(cell(value));
    }
    std::string out;
    for (const std::string& line : table_of(table)) out += line + "\n";
    return out;
  }

  const bool update_;
  PplStore store_;
};

TEST(Docs, EveryExampleAnswersAsWritten) {
  bool update = std::getenv("CLEW_UPDATE") != nullptr;
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("docs/language")) {
    if (entry.path().extension() != ".md") continue;
    SCOPED_TRACE(entry.path().string());
    std::string page = contents(entry.path().string());
    ExampleRun run(update);
    std::string made = run.run(page);
    examples += run.examples;
    if (update && made != page) std::ofstream(entry.path()) << made;
  }
  EXPECT_GE(examples, 50);
}

TEST(Docs, EveryCommandHasASection) {
  std::string page = contents("docs/language/commands.md");
  for (const ppl::CommandDef& def : ppl::all_commands()) {
    std::string name(def.name);
    bool named = page.find("## " + name + "\n") != std::string::npos || page.find("`" + name) != std::string::npos;
    EXPECT_TRUE(named) << name;
  }
}

TEST(Docs, EveryFunctionIsNamed) {
  std::string page = contents("docs/language/expressions.md") + contents("docs/language/functions.md");
  for (std::string_view name : expr::function_names()) {
    EXPECT_NE(page.find(std::string(name)), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace clew::query::testing
