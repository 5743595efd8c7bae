// clew context: the events before and after one, found by its _id or by its line.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "app/client.h"
#include "app/command.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"lines", "ndjson", "json"};
constexpr uint64_t kUnset = UINT64_MAX;
constexpr uint64_t kRowsDefault = 10;
constexpr uint32_t kLevelCells = 6;
constexpr uint32_t kServiceCellsMax = 24;

struct Asked {
  std::vector<std::string> words;  // of the event's name; none or "-": standard input
  std::string url;
  std::string by;
  std::string dataset;
  std::string query;
  std::string format;
  RangeFlags range;
  uint64_t both = kUnset;
  uint64_t before = kUnset;
  uint64_t after = kUnset;
};

std::string name_of(const Asked& asked) {
  bool from_input = asked.words.empty() || (asked.words.size() == 1 && asked.words[0] == "-");
  if (from_input) return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  std::string text;
  for (const std::string& word : asked.words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Color color_of_level(const std::string& level) {
  if (level.empty()) return Color::kNone;
  char first = static_cast<char>(level[0] | 0x20);
  if (first == 'e' || first == 'f' || first == 'c') return Color::kRed;
  return first == 'w' ? Color::kYellow : Color::kNone;
}

// 2026-11-20T10:00:00.123Z -> 10:00:00.123
std::string clock_of(const std::string& time) {
  size_t begin = time.find('T');
  if (begin == std::string::npos) return time;
  std::string clock = time.substr(begin + 1);
  if (clock.ends_with('Z')) clock.pop_back();
  return clock;
}

std::string day_of(const std::string& time) { return time.substr(0, time.find('T')); }

class LinesText {
 public:
  LinesText(const Json& answer, const Terminal& out) : rows_(member_at(answer, "rows")), out_(out) {
    for (const Json& row : rows_) {
      service_cells_ = std::max(service_cells_, cells_of(origin_of(row)));
      clock_cells_ = std::max(clock_cells_, cells_of(clock_of(text_at(row, "@timestamp"))));
    }
    service_cells_ = std::min(service_cells_, kServiceCellsMax);
  }

  std::string text() {
    std::string text;
    for (const Json& row : rows_) {
      std::string day = day_of(text_at(row, "@timestamp"));
      if (day != day_) text += painted(day, Color::kDim, out_) + "\n";
      day_ = day;
      text += line_of(row) + "\n";
    }
    return text;
  }

 private:
  // The service, or where none is told the host.
  static std::string origin_of(const Json& row) {
    std::string service = cell_text(member_at(row, "service"));
    return without_controls(service.empty() ? cell_text(member_at(row, "host")) : service);
  }

  static std::string message_of(const Json& row) {
    const Json& message = member_at(row, "message");
    if (!message.is_null()) return without_controls(cell_text(message));
    return without_controls(member_at(row, "fields").dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  std::string line_of(const Json& row) const {
    const Json& mark = member_at(row, "this");
    bool is_this = mark.is_boolean() && mark.get<bool>();
    std::string level = without_controls(cell_text(member_at(row, "level")));
    std::string head = fmt::format("{} {} ", is_this ? ">" : " ",
                                   fit(clock_of(text_at(row, "@timestamp")), clock_cells_, Align::kLeft));
    uint32_t used = cells_of(head) + kLevelCells + 1;
    std::string origin;
    if (service_cells_ > 0) {
      origin = fit(origin_of(row), service_cells_, Align::kLeft) + "  ";
      used += service_cells_ + 2;
    }
    std::string message = message_of(row);
    bool cut = out_.width > used && cells_of(message) > out_.width - used;
    if (cut) message = fit(message, out_.width - used, Align::kLeft);
    return head + painted(fit(level, kLevelCells, Align::kLeft), color_of_level(level), out_) + " " + origin +
           (is_this ? painted(message, Color::kBold, out_) : message);
  }

  const Json& rows_;
  const Terminal& out_;
  uint32_t service_cells_ = 0;
  uint32_t clock_cells_ = 0;
  std::string day_;
};

std::string same_text(const Json& answer) {
  std::string out;
  for (const auto& [field, value] : member_at(answer, "same").items()) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", field, without_controls(cell_text(value)));
  }
  return out.empty() ? "its dataset" : out;
}

void show_notes(const Json& answer) {
  Terminal errors = terminal_of(STDERR_FILENO);
  const Json& rows = member_at(answer, "rows");
  uint64_t at = number_at(answer, "at");
  std::string worth = text_at(answer, "answer");
  if (worth.starts_with("cut")) {
    std::fprintf(stderr, "warning: there may be more: the time was over (%s): raise --timeout of the server\n",
                 worth.c_str());
  } else if (worth.starts_with("damaged")) {
    std::fprintf(stderr, "warning: damaged rows are left out (%s): run clew verify on the store\n", worth.c_str());
  }
  if (!errors.is_terminal || !rows.is_array() || rows.empty()) return;
  uint64_t after = rows.size() - 1 - at;
  auto more = [&](const char* name) {
    const Json& flag = member_at(answer, name);
    return flag.is_boolean() && flag.get<bool>();
  };
  std::string text =
      fmt::format("{} before{}, {} after{}, of {}; this one is {}", at, more("more_before") ? "" : " (the first)",
                  after, more("more_after") ? "" : " (the last)", same_text(answer),
                  at < rows.size() ? without_controls(text_at(rows[at], "_id")) : "");
  std::fprintf(stderr, "%s\n", painted(text, Color::kDim, errors).c_str());
}

int run(const Asked& asked) {
  Terminal out = terminal_of(STDOUT_FILENO);
  std::string format = !asked.format.empty() ? asked.format : out.is_terminal ? "lines" : "ndjson";
  uint64_t both = asked.both == kUnset ? kRowsDefault : asked.both;
  Json body = {{"of", name_of(asked)},
               {"before", asked.before == kUnset ? both : asked.before},
               {"after", asked.after == kUnset ? both : asked.after}};
  if (!asked.by.empty()) body["by"] = asked.by;
  if (!asked.dataset.empty()) body["dataset"] = asked.dataset;
  if (!asked.query.empty()) body["query"] = asked.query;
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "context", "/clew/v1/context", body);
  if (!answer) return 1;
  std::string text;
  if (format == "lines") {
    text = LinesText(*answer, out).text();
  } else if (format == "json") {
    text = answer->dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  } else {
    for (const Json& row : member_at(*answer, "rows")) {
      text += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  show_notes(*answer);
  return 0;
}

}  // namespace

int run_context(int argc, char** argv) {
  Asked asked;
  Flags flags("context", "shows the events before and after one, in order, that one marked with >",
              "clew context 'agent-1:300:17'                             from an _id: clew query --ids shows them\n"
              "clew context 'ERROR payment failed amount=120' -C 30      from a line, as it was printed\n"
              "clew context 'agent-1:300:17' --by host -B 50 -A 5        all that its host logged\n"
              "clew context 'agent-1:300:17' --by trace,service\n"
              "clew query 'level=error | head 1' --raw | clew context");
  flags.arguments(asked.words, "WHAT", "an event's _id, or its line; else standard input", false);
  flags.text(asked.by, "--by", "NAMES",
             "what they have in common: host, file, service, thread, trace, dataset, or any field; several with commas "
             "(default: its file or service, and its host)");
  flags.number_or_unset(asked.both, "--context,-C", "N", "so many before and after (default 10)");
  flags.number_or_unset(asked.before, "--before,-B", "N", "so many before");
  flags.number_or_unset(asked.after, "--after,-A", "N", "so many after");
  flags.text(asked.query, "--only", "QUERY", "only events around it that this search finds: 'level>=warn'");
  flags.text(asked.dataset, "--dataset", "NAME", "where the event is, when its name is not enough");
  flags.choice(asked.format, "--format", kFormats, "default: lines on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

}  // namespace clew::app
