// clew tree and clew trace: one request, from whatever of it is in hand.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/trace_view.h"

namespace clew::app {
namespace {

constexpr size_t kDifferencesShown = 20;  // without --all

const std::vector<std::string>& format_names() {
  static const std::vector<std::string> kNames = {"tree", "waterfall", "ndjson", "json"};
  return kNames;
}

struct Asked {
  std::vector<std::string> words;  // of the reference; none or "-": standard input
  std::string url;
  std::string format;
  bool all = false;
  bool no_lines = false;
  bool attributes = false;
  bool raw_times = false;
  std::string beside;  // another request to compare with
  bool typical = false;
};

std::string reference_of(const Asked& asked) {
  bool from_input = asked.words.empty() || (asked.words.size() == 1 && asked.words[0] == "-");
  if (from_input) return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  std::string text;
  for (const std::string& word : asked.words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string path_text(const Json& row) {
  const Json& path = member_at(row, "path");
  if (!path.is_array() || path.empty()) return {};
  return std::string(2 * (path.size() - 1), ' ') + without_controls(cell_text(path.back()));
}

double real_at(const Json& json, const char* name) {
  const Json& member = member_at(json, name);
  return member.is_number() ? member.get<double>() : 0;
}

// What the request does that others like it do not, or the other way round.
std::string unusual_text(const Json& answer, const char* kind, const char* title) {
  std::string out;
  for (const Json& row : member_at(answer, "paths")) {
    if (text_at(row, "unusual") != kind) continue;
    const Json& path = member_at(row, "path");
    if (out.empty()) out = std::string(title) + "\n";
    out += fmt::format("{:>6} of {} have it   {}\n", grouped(number_at(row, "requests")),
                       grouped(number_at(answer, "requests")), without_controls(cell_text(path.back())));
  }
  return out;
}

std::string typical_text(const Json& answer) {
  std::string out = fmt::format(
      "{} like it ({}: {}): median {}, p95 {}; this one took {}, longer than {:.0f} % of them\n",
      grouped(number_at(answer, "requests")), without_controls(text_at(answer, "service")),
      without_controls(text_at(answer, "operation")), human_millis(real_at(answer, "duration_median_ms")),
      human_millis(real_at(answer, "duration_p95_ms")),
      human_millis(real_at(member_at(answer, "trace"), "duration_ms")), real_at(answer, "slower_than") * 100);
  return out + unusual_text(answer, "only_here", "only here:") + unusual_text(answer, "missing_here", "missing here:");
}

// Where this request spent more time of its own than another, or than is typical.
std::string differences_text(const Json& answer, const Asked& asked) {
  bool typical = asked.typical;
  std::string out;
  if (typical) {
    out = typical_text(answer);
  } else {
    const Json& a = member_at(answer, "a");
    const Json& b = member_at(answer, "b");
    out = fmt::format("a {}  {}\nb {}  {}\n", text_at(a, "trace_id"), human_millis(real_at(a, "duration_ms")),
                      text_at(b, "trace_id"), human_millis(real_at(b, "duration_ms")));
  }
  out += fmt::format("{:>12} {:>12} {:>12}  own time of\n", typical ? "typical" : "a", typical ? "here" : "b",
                     "difference");
  size_t shown = 0;
  for (const Json& row : member_at(answer, "paths")) {
    // A step that neither has, or that is told above, says nothing here.
    if (typical && (!text_at(row, "unusual").empty() || number_at(member_at(row, "here"), "steps") == 0)) continue;
    if (++shown > kDifferencesShown && !asked.all) continue;
    double before = typical ? real_at(row, "self_median_ms") : real_at(member_at(row, "a"), "self_ms");
    double after = real_at(member_at(row, typical ? "here" : "b"), "self_ms");
    out += fmt::format("{:>12} {:>12} {:>+9.1f} ms  {}\n", human_millis(before), human_millis(after), after - before,
                       path_text(row));
  }
  if (shown > kDifferencesShown && !asked.all) out += fmt::format("{} more: --all\n", shown - kDifferencesShown);
  return out;
}

int show_differences(const char* command, const Asked& asked) {
  Client client(asked.url);
  std::string reference = percent_encoded(reference_of(asked));
  std::string path = asked.typical ? "/clew/v1/traces/typical?of=" + reference
                                   : "/clew/v1/traces/compare?a=" + percent_encoded(asked.beside) + "&b=" + reference;
  Result<Json> answer = client.get(path);
  if (!answer.ok()) return fail(command, answer.error());
  bool text = terminal_of(STDOUT_FILENO).is_terminal ? asked.format.empty()
                                                     : asked.format == "waterfall" || asked.format == "tree";
  std::string out =
      text ? differences_text(*answer, asked) : answer->dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}

int show(const char* command, const Asked& asked, const std::string& on_terminal) {
  Terminal out = terminal_of(STDOUT_FILENO);
  std::string format = !asked.format.empty() ? asked.format : out.is_terminal ? on_terminal : "ndjson";
  Client client(asked.url);
  Json body = {{"of", reference_of(asked)}, {"attributes", asked.attributes}, {"raw_times", asked.raw_times}};
  Result<Json> trace = client.post("/clew/v1/traces", body);
  if (!trace.ok()) return fail(command, trace.error());
  std::string text;
  if (format == "tree")
    text = tree_text(*trace, {.all = asked.all, .lines = !asked.no_lines}, out);
  else if (format == "waterfall")
    text = waterfall_text(*trace, out);
  else if (format == "json")
    text = trace->dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  else
    text = trace_ndjson(*trace);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int run(const char* command, const char* summary, const char* examples, const char* on_terminal, int argc,
        char** argv) {
  Asked asked;
  Flags flags(command, summary, examples);
  flags.arguments(asked.words, "WHAT",
                  "a trace, request, task or span id, an event's _id, or a line; else standard input", false);
  std::string default_text = std::string("default: ") + on_terminal + " on a terminal, else ndjson";
  flags.choice(asked.format, "--format", format_names(), default_text);
  flags.yes(asked.all, "--all", "tree: also tries that folded, and each of many equal steps; differences: each");
  flags.yes(asked.no_lines, "--no-lines", "tree: steps only");
  flags.yes(asked.attributes, "--attributes", "json and ndjson: all fields of steps and lines");
  flags.yes(asked.raw_times, "--raw-times", "leave differences between hosts' clocks in");
  flags.text(asked.beside, "--compare", "WHAT", "beside this other request: where the time went");
  flags.yes(asked.typical, "--typical", "beside the newest requests that begin with the same operation");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (asked.typical || !asked.beside.empty()) return show_differences(command, asked);
  return show(command, asked, on_terminal);
}

}  // namespace

int run_tree(int argc, char** argv) {
  return run("tree", "the whole request as a tree: what was tried, what came of it, every line under its step",
             "clew tree 4bf92f3577b34da6a3ce929d0e0e4736\n"
             "clew tree req-7f3a\n"
             "clew tree 'ERROR payment failed amount=120'         from a line, as it was printed\n"
             "clew query 'level=error | head 1' --raw | clew tree",
             "tree", argc, argv);
}

int run_trace(int argc, char** argv) {
  return run("trace", "the whole request over time: a bar per step, the critical path, what took longest",
             "clew trace 4bf92f3577b34da6a3ce929d0e0e4736\n"
             "clew trace req-7f3a --format json",
             "waterfall", argc, argv);
}

}  // namespace clew::app
