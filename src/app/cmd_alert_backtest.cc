// clew alert backtest: when a rule would have fired on what a server has stored.
#include <fmt/format.h>

#include <cstdio>

#include "alert/backtest.h"
#include "alert/rules.h"
#include "app/client.h"
#include "app/cmd_alert.h"
#include "app/flags.h"
#include "app/terminal.h"
#include "model/json_text.h"
#include "os/clock.h"
#include "query/promql/duration.h"
#include "text/time_format.h"

namespace clew::app {
namespace {

namespace promql = query::promql;
using Points = std::vector<std::pair<int64_t, double>>;
using Matrix = std::vector<std::pair<model::Labels, Points>>;

struct Asked {
  std::string url;
  std::string name;
  std::string file;
  std::string wait;
  std::string keep;
  std::string step;
  std::string from = "now-7d";
  std::string to = "now";
};

// "now", "now-7d", RFC 3339, seconds since 1970. Milliseconds.
Result<int64_t> time_of(const char* flag, const std::string& text, int64_t now) {
  if (text == "now") return now;
  if (text.starts_with("now-")) {
    std::optional<int64_t> back = promql::parse_duration(std::string_view(text).substr(4));
    if (back) return now - *back;
  }
  text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {});
  if (time && !time->out_of_range) return time->unix_nanos / 1'000'000;
  return Error(Code::kInvalid,
               fmt::format("{}: {} is no time: write now-7d or 2026-11-20T10:00:00Z", flag, clew::quoted(text)));
}

Result<int64_t> duration_of(const char* flag, const std::string& text, int64_t otherwise) {
  if (text.empty()) return otherwise;
  std::optional<int64_t> millis = promql::parse_duration(text);
  if (millis) return *millis;
  return Error(Code::kInvalid, fmt::format("{}: {} is no duration: write 30s, 5m or 1h", flag, clew::quoted(text)));
}

struct Wanted {
  alert::Rule rule;
  int64_t step_millis = 60'000;
};

// The alert of a file, or an expression of the command line.
Result<Wanted> wanted_of(const Asked& asked) {
  Wanted wanted;
  if (!asked.file.empty()) {
    std::unique_ptr<os::Disk> disk = os::make_real_disk();
    std::vector<alert::RuleGroup> groups = CLEW_TRY(alert::load_rule_files(*disk, {asked.file}, {}));
    std::string known;
    for (const alert::RuleGroup& group : groups) {
      for (const alert::Rule& rule : group.rules) {
        if (rule.kind != alert::RuleKind::kAlert) continue;
        known += (known.empty() ? "" : ", ") + rule.name;
        if (rule.name != asked.name) continue;
        wanted.rule = rule;
        wanted.step_millis = group.interval_millis.value_or(wanted.step_millis);
      }
    }
    if (wanted.rule.name.empty()) {
      return Error(Code::kNotFound,
                   fmt::format("{} has no alert {}; it has: {}", asked.file, clew::quoted(asked.name), known));
    }
  } else {
    wanted.rule.kind = alert::RuleKind::kAlert;
    wanted.rule.name = wanted.rule.expr = asked.name;
    CLEW_TRY(promql::parse(asked.name, alert::rule_parse_options()));
  }
  wanted.rule.for_millis = CLEW_TRY(duration_of("--for", asked.wait, wanted.rule.for_millis));
  wanted.rule.keep_firing_millis =
      CLEW_TRY(duration_of("--keep-firing-for", asked.keep, wanted.rule.keep_firing_millis));
  wanted.step_millis = CLEW_TRY(duration_of("--step", asked.step, wanted.step_millis));
  if (wanted.step_millis < 1) return Error(Code::kInvalid, "--step: 0 is no step");
  return wanted;
}

std::string seconds_text(int64_t millis) { return fmt::format("{}.{:03}", millis / 1000, millis % 1000); }

// One question of the server's query_range.
Result<Matrix> ask(Client& client, const std::string& expr, int64_t from, int64_t to, int64_t step) {
  std::string path = "/api/v1/query_range?query=" + percent_encoded(expr) + "&start=" + seconds_text(from) +
                     "&end=" + seconds_text(to) + "&step=" + seconds_text(step);
  Json answer = CLEW_TRY(client.get(path));
  Matrix out;
  for (const Json& one : member_at(member_at(answer, "data"), "result")) {
    model::LabelsBuilder labels;
    for (const auto& [name, value] : member_at(one, "metric").items()) {
      if (value.is_string()) labels.set(name, value.get<std::string>());
    }
    Points points;
    for (const Json& point : member_at(one, "values")) {
      if (!point.is_array() || point.size() != 2) return Error(Code::kCorrupt, "the answer is no range of samples");
      std::optional<double> value = promql::parse_number(point[1].is_string() ? point[1].get<std::string>() : "");
      auto millis = static_cast<int64_t>(point[0].get<double>() * 1000 + 0.5);
      points.emplace_back(millis, value.value_or(0));
    }
    out.emplace_back(labels.build(), std::move(points));
  }
  return out;
}

std::string time_text(int64_t millis) {
  std::string out;
  model::append_rfc3339(millis / 1000 * 1'000'000'000, out);
  return out;
}

void print(const Wanted& wanted, const alert::BacktestResult& result, double seconds) {
  int64_t firing = 0;
  for (const alert::Firing& one : result.firings) {
    firing += one.to_millis - one.from_millis;
    std::printf("%s  for %-10s %s value %s%s\n", time_text(one.from_millis).c_str(),
                promql::duration_text(one.to_millis - one.from_millis).c_str(), to_text(one.labels).c_str(),
                promql::number_text(one.value).c_str(), one.open ? "  (fires still)" : "");
  }
  std::printf(
      "%s\n",
      fmt::format("{} would have fired {} times, {} in all; {} times it was pending only. {} steps of {} in {:.2f} s",
                  wanted.rule.name, result.firings.size(), promql::duration_text(firing), result.pending_only,
                  grouped(result.steps), promql::duration_text(wanted.step_millis), seconds)
          .c_str());
}

}  // namespace

int run_alert_backtest(int argc, char** argv) {
  Asked asked;
  Flags flags("alert backtest", "says when a rule would have fired on stored samples",
              "clew alert backtest --rules web.yml ManyErrors --from now-7d\n"
              "clew alert backtest 'cpu_usage > 80' --for 5m --from 2026-11-20T00:00:00Z --to 2026-11-27T00:00:00Z");
  flags.argument(asked.name, "RULE", "an alert of --rules, or an expression", true);
  flags.text(asked.file, "--rules", "FILE", "the file of rules that has it");
  flags.text(asked.wait, "--for", "DURATION", "how long the condition has to hold, instead of what the rule says");
  flags.text(asked.keep, "--keep-firing-for", "DURATION", "how long it fires on, instead of what the rule says");
  flags.text(asked.step, "--step", "DURATION", "how often it is evaluated (default the group's interval, 1m)");
  flags.text(asked.from, "--from", "TIME", "now-7d, 2026-11-20T10:00:00Z or seconds since 1970");
  flags.text(asked.to, "--to", "TIME", "in the same forms");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Result<Wanted> wanted = wanted_of(asked);
  if (!wanted.ok()) return fail("alert backtest", wanted.error());
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  int64_t now = clock->now().get() / 1'000'000;
  Result<int64_t> from = time_of("--from", asked.from, now);
  Result<int64_t> to = time_of("--to", asked.to, now);
  if (!from.ok()) return fail("alert backtest", from.error());
  if (!to.ok()) return fail("alert backtest", to.error());
  if (*to < *from) return fail("alert backtest", Error(Code::kInvalid, "--to is before --from"));
  Client client(asked.url);
  uint64_t begun = clock->monotonic_ns();
  Result<alert::BacktestResult> result =
      alert::backtest(wanted->rule, {*from, *to, wanted->step_millis},
                      [&client](const std::string& expr, int64_t begin, int64_t end, int64_t step) {
                        return ask(client, expr, begin, end, step);
                      });
  if (!result.ok()) return fail("alert backtest", result.error());
  print(*wanted, *result, static_cast<double>(clock->monotonic_ns() - begun) / 1e9);
  return 0;
}

}  // namespace clew::app
