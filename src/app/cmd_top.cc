// clew top: the most frequent values of a field, and the heaviest values by fields or labels over the last time.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"table", "ndjson", "json", "csv"};

struct Top {
  std::string url;
  std::vector<std::string> words;
  std::string list;  // a standing one
  std::string format;
  RangeFlags range;
  uint64_t count = 10;

  bool is_table() const { return format == "table" || (format.empty() && terminal_of(STDOUT_FILENO).is_terminal); }
  // "10 by endpoint last 5m"; else FIELD [QUERY].
  bool asks_by() const { return std::find(words.begin(), words.end(), "by") != words.end(); }
};

std::string percent(const Json& share) {
  return fmt::format("{:.1f}%", share.is_number() ? share.get<double>() * 100 : 0.0);
}

void note(const std::string& text) {
  Terminal errors = terminal_of(STDERR_FILENO);
  if (errors.is_terminal) std::fprintf(stderr, "%s\n", painted(text, Color::kDim, errors).c_str());
}

void note_facet(const Json& answer, const Json& facet) {
  note(fmt::format("{} of {} events have {}, with {} different values", grouped(number_at(facet, "events")),
                   grouped(number_at(answer, "events")), text_at(facet, "field"), grouped(number_at(facet, "values"))));
  const Json& numbers = member_at(facet, "numbers");
  if (!numbers.is_object()) return;
  std::string text;
  for (const auto& [name, value] : numbers.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, cell_text(value));
  note(text);
}

int show_values(const Top& asked) {
  const std::string& field = asked.words[0];
  std::string query = asked.words.size() > 1 ? asked.words[1] : "";
  Json body = {{"query", query}, {"fields", Json::array({field})}, {"top", asked.count}};
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "top", "/clew/v1/facets", body);
  if (!answer) return 1;
  const Json& facets = member_at(*answer, "facets");
  if (!facets.is_array() || facets.empty()) return fail("top", Error(Code::kCorrupt, "an answer without a facet"));
  const Json& facet = facets[0];
  if (std::string problem = text_at(facet, "problem"); !problem.empty()) {
    return fail("top", Error(Code::kLimit, problem + ": ask `clew top by " + field + "`, which has no such limit"));
  }
  if (number_at(facet, "events") == 0) {
    return fail("top", Error(Code::kNotFound, fmt::format("none of {} events has a field {}: see clew fields",
                                                          grouped(number_at(*answer, "events")), field)));
  }
  Json list = member_at(facet, "top");
  if (asked.is_table()) {
    for (Json& one : list) one["share"] = percent(member_at(one, "share"));
  }
  print_list(list, {{"events", true}, {"share", true}, {"value"}}, asked.format);
  note_facet(*answer, facet);
  return 0;
}

// --- by --------------------------------------------------------------------------------------------------------------

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string number_text(const Json& number) {
  if (number.is_number_integer()) return grouped(number.get<uint64_t>());
  return number.is_number() ? fmt::format("{:.6g}", number.get<double>()) : cell_text(number);
}

std::string worth_of(const Json& answer) {
  if (text_at(answer, "answer") == "exact") return "exact";
  if (text_at(answer, "answer") == "damaged") {
    return fmt::format("damaged: {} events could not be read", grouped(number_at(answer, "damaged_rows")));
  }
  return fmt::format("not exact: each may be too great by its error, and what is not kept comes to at most {}",
                     number_text(member_at(answer, "bound")));
}

void note_answer(const Json& answer) {
  std::string text = worth_of(answer);
  if (member_at(answer, "events").is_number()) {
    text += fmt::format("; {} events with {}{} different values", grouped(number_at(answer, "events")),
                        text_at(answer, "answer") == "bounded" ? "at least " : "", grouped(number_at(answer, "keys")));
  }
  if (number_at(answer, "without") > 0) text += fmt::format("; {} lack one", grouped(number_at(answer, "without")));
  // What the numbers are worth is said in any case.
  std::fprintf(stderr, "%s\n", painted(text, Color::kDim, terminal_of(STDERR_FILENO)).c_str());
}

int print_answer(const Top& asked, const Json& answer) {
  bool exact = text_at(answer, "answer") == "exact";
  Json list = Json::array();
  for (const Json& row : member_at(answer, "rows")) {
    Json one = {{"sum", asked.is_table() ? Json(number_text(member_at(row, "sum"))) : member_at(row, "sum")},
                {"error", asked.is_table() ? Json(number_text(member_at(row, "error"))) : member_at(row, "error")},
                {"share", asked.is_table() ? Json(percent(member_at(row, "share"))) : member_at(row, "share")}};
    for (const auto& [name, value] : member_at(row, "values").items()) one[name] = value;
    list.push_back(std::move(one));
  }
  std::vector<RowColumn> columns = {{"sum", true}};
  if (!exact || !asked.is_table()) columns.push_back({"error", true});
  columns.push_back({"share", true});
  for (const Json& name : member_at(answer, "by")) columns.push_back({cell_text(name)});
  print_list(list, columns, asked.format);
  note_answer(answer);
  return 0;
}

int show_by(const Top& asked) {
  Json body = {{"ask", joined(asked.words)}};
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "top", "/clew/v1/top", body);
  return answer ? print_answer(asked, *answer) : 1;
}

int show_list(const Top& asked) {
  Client client(asked.url);
  Result<Json> answer = client.get("/clew/v1/top/lists/" + percent_encoded(asked.list));
  return answer.ok() ? print_answer(asked, *answer) : fail("top", answer.error());
}

}  // namespace

int run_top(int argc, char** argv) {
  Top asked;
  Flags flags("top", "shows the most frequent values of a field, or what is heaviest by fields",
              "clew top level\n"
              "clew top url.path 'source=web status=404' -n 20 --since 1d\n"
              "clew top duration_ms 'service.name=cart'     of numbers, also least, most, mean and percentiles\n"
              "clew top 10 by endpoint last 5m\n"
              "clew top 10 by service.name where level=error last 1h\n"
              "clew top 5 'sum(bytes)' by url.path, host.name in web last 1d\n"
              "clew top 10 by handler of http_requests_total last 5m     of a metric, by its labels\n"
              "clew top --list endpoints                                 one of topk.lists");
  flags.arguments(asked.words, "WORDS",
                  "FIELD [QUERY], or [N] [sum(FIELD)] by FIELD.. [of METRIC] [in DATASET..] "
                  "[where CONDITION] [last TIME]",
                  false);
  flags.text(asked.list, "--list", "NAME", "a standing list, as topk.lists has it");
  flags.number(asked.count, "--count,-n", "N", "values to show");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (!asked.list.empty()) return show_list(asked);
  if (asked.words.empty()) {
    std::fprintf(stderr, "clew top: of which field? `clew top level`, or `clew top 10 by endpoint last 5m`\n");
    return 2;
  }
  if (asked.asks_by()) return show_by(asked);
  if (asked.words.size() > 2) {
    return fail("top", Error(Code::kInvalid, "it takes FIELD and QUERY, or words with `by`: put a query in quotes"));
  }
  return show_values(asked);
}

}  // namespace clew::app
