// clew usage: what takes how many bytes of the disk.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"table", "ndjson", "json", "csv"};

struct Asked {
  std::string url;
  std::string by = "dataset";
  std::string dataset;
  std::string format;
  RangeFlags range;
  uint64_t count = 0;
};

std::string path_of(const Asked& asked) {
  std::string path = "/clew/v1/usage?by=" + percent_encoded(asked.by);
  auto add = [&path](const char* name, const std::string& value) {
    if (!value.empty()) path += std::string("&") + name + "=" + percent_encoded(value);
  };
  add("dataset", asked.dataset);
  Json range = Json::object();
  put_range(asked.range, range);
  for (const auto& [name, value] : range.items()) add(name.c_str(), cell_text(value));
  return path;
}

// The first `count` rows, and what the others come to.
Json shortened(const Json& rows, uint64_t count) {
  if (count == 0 || !rows.is_array() || rows.size() <= count) return rows;
  Json sorted = rows;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Json& a, const Json& b) { return number_at(a, "bytes") > number_at(b, "bytes"); });
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i) out.push_back(sorted[i]);
  return out;
}

// As a person reads it.
void lay_out(Json& row) {
  const Json& share = member_at(row, "share");
  row["share"] = fmt::format("{:.1f}%", share.is_number() ? share.get<double>() * 100 : 0.0);
  uint64_t events = number_at(row, "events");
  uint64_t bytes = number_at(row, "bytes");
  row["per_event"] =
      events == 0 ? "" : fmt::format("{:.1f} B", static_cast<double>(bytes) / static_cast<double>(events));
  row["bytes"] = human_bytes(bytes);
  row["events"] = grouped(events);
  if (row.contains("service") && text_at(row, "service").empty()) row["service"] = "(none)";
}

int run(const Asked& asked) {
  Client client(asked.url);
  Result<Json> answer = client.get(path_of(asked));
  if (!answer.ok()) return fail("usage", answer.error());
  Terminal errors = terminal_of(STDERR_FILENO);
  bool table = asked.format == "table" || (asked.format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  const Json& all = member_at(*answer, "rows");
  Json rows = shortened(all, asked.count);
  std::vector<RowColumn> columns;
  for (const char* name : {"day", "dataset", "service", "field"}) {
    bool asked_for = ("," + asked.by + ",").find("," + std::string(name) + ",") != std::string::npos;
    if (asked_for) columns.push_back({name});
  }
  columns.insert(columns.end(), {{"events", true}, {"bytes", true}, {"share", true}});
  if (table) {
    for (Json& row : rows) lay_out(row);
    columns.push_back({"per_event", true});
  }
  print_list(rows, columns, asked.format);
  if (!errors.is_terminal) return 0;
  std::string text =
      fmt::format("{} events take {}, {} of it still in the journal", grouped(number_at(*answer, "events")),
                  human_bytes(number_at(*answer, "bytes")), human_bytes(number_at(*answer, "journal_bytes")));
  if (rows.size() < all.size()) text += fmt::format("; {} smaller rows are not shown", all.size() - rows.size());
  std::fprintf(stderr, "%s\n", painted(text, Color::kDim, errors).c_str());
  return 0;
}

}  // namespace

int run_usage(int argc, char** argv) {
  Asked asked;
  Flags flags("usage", "shows what takes how many bytes of the disk, most first",
              "clew usage\n"
              "clew usage --by dataset,service --since 7d\n"
              "clew usage --by field --dataset web -n 20      which fields cost most\n"
              "clew usage --by day,dataset --format csv > usage.csv");
  flags.text(asked.by, "--by", "NAMES",
             "dataset, service, field, day; several with commas, but not service with field");
  flags.text(asked.dataset, "--dataset", "NAME", "only this dataset");
  flags.number_or_unset(asked.count, "--count,-n", "N", "only the largest N rows");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

}  // namespace clew::app
