#include "app/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "geo/test_database.h"

namespace clew::app {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "DIR") return "/data";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

// "LINE message" of every mistake.
std::string mistakes(const std::string& text) {
  ServeOptions options;
  std::string out;
  for (const ConfigMistake& mistake : read_config(text, environment, options)) {
    out += fmt::format("{} {}\n", mistake.line, mistake.message);
  }
  return out;
}

TEST(Config, SetsEveryKey) {
  ServeOptions options;
  std::string text =
      "data: ${DIR}/store\nlisten: 0.0.0.0:1\notlp_grpc: '[::1]:2'\notlp_http: 3\ninsecure: yes\nmemory: 1GiB\n"
      "threads: 3\nretention:\n  hot: 7d\n  total: 2w\n  datasets:\n    web:\n      total: 9d\n      max_bytes: 5MB\n"
      "      classes:\n        debug: {when: level=debug, hot: 1d, total: 2d, max_bytes: 1MB}\n        pay: {when: "
      "a=b=c}\n"
      "query:\n  timeout: 2m\n  memory: 64MiB\n";
  EXPECT_TRUE(read_config(text, environment, options).empty()) << mistakes(text);
  EXPECT_EQ(options.data, "/data/store");
  EXPECT_EQ(options.http.text(), "0.0.0.0:1");
  EXPECT_EQ(options.otlp_grpc.text(), "[::1]:2");
  EXPECT_EQ(options.otlp_http.port, 3);
  EXPECT_TRUE(options.insecure);
  EXPECT_EQ(options.memory_bytes, 1ull << 30);
  EXPECT_EQ(options.threads, 3u);
  EXPECT_EQ(options.hot_days, 7u);
  EXPECT_EQ(options.total_days, 14u);
  EXPECT_EQ(options.dataset_retention["web"].total_days, 9u);
  EXPECT_EQ(options.dataset_retention["web"].bytes_max, 5'000'000u);
  std::vector<logstore::ClassRule> classes = {{"debug", "level", "debug", {1, 2, 1'000'000}},
                                              {"pay", "a", "b=c", {7, 9, 0}}};
  EXPECT_TRUE(class_rules(options, "web") == classes);
  EXPECT_TRUE(class_rules(options, "other").empty());
  EXPECT_EQ(options.query_millis_max, 120'000u);
  EXPECT_EQ(options.query_memory_bytes_max, 64ull << 20);
}

TEST(Config, SourcesHaveNamesAndListsOfFiles) {
  ServeOptions options;
  std::string text =
      "agent:\n  servers: [http://a:4320, https://b]\n  mirror: yes\n  dir: /q\n  queue: 64MiB\n  listen: :9\n"
      "sources:\n  app:\n    files:\n      - /var/log/app/*.log\n      - ${DIR}/x\n    exclude: '*.tmp'\n    dataset: "
      "shop\n"
      "    format: logfmt\n    zone: Asia/Ho_Chi_Minh\n    start: end\n  web: {files: /w}\n";
  EXPECT_TRUE(read_config(text, environment, options).empty()) << mistakes(text);
  EXPECT_EQ(options.agent.servers, (std::vector<std::string>{"http://a:4320", "https://b"}));
  EXPECT_TRUE(options.agent.mirror);
  EXPECT_EQ(options.agent.dir, "/q");
  EXPECT_EQ(options.agent.queue_bytes, 64u << 20);
  EXPECT_EQ(options.agent.listen->port, 9);
  const SourceOptions& app = options.agent.sources["app"];
  EXPECT_EQ(app.files, (std::vector<std::string>{"/var/log/app/*.log", "/data/x"}));
  EXPECT_EQ(app.exclude, std::vector<std::string>{"*.tmp"});
  EXPECT_EQ(app.dataset, "shop");
  EXPECT_EQ(app.format, "logfmt");
  EXPECT_EQ(app.zone, "Asia/Ho_Chi_Minh");
  EXPECT_TRUE(app.from_end);
  EXPECT_EQ(options.agent.sources["web"].files, std::vector<std::string>{"/w"});

  EXPECT_EQ(mistakes("sources:\n  app: {dataset: x}\n"),
            "0 sources.app lacks files: write files: /var/log/app/*.log\n");
  EXPECT_EQ(mistakes("sources:\n  app:\n    files: [a, [b]]\n"), "3 sources.app.files: expected a list\n");
  EXPECT_EQ(mistakes("sources:\n  app: {files: a, zone: Mars}\n"),
            "2 sources.app.zone: \"Mars\" is no time zone: write Asia/Ho_Chi_Minh, +07:00 or UTC\n");
  EXPECT_EQ(mistakes("agent: {servers: localhost}\n"),
            "1 agent.servers: \"localhost\" is no URL: write http://127.0.0.1:4320\n");
  EXPECT_EQ(mistakes("sources: {a: {files: b, start: now}}\n"),
            "1 sources.a.start: \"now\" is no place: write begin or end\n");
}

TEST(Config, Redaction) {
  ServeOptions options;
  std::string text =
      "redact:\n  default: off\n  datasets:\n    web: on\n    raw.text: off\n  rules:\n    emp:\n      regex: "
      "'E-[0-9]+'\n"
      "      replacement: '[e]'\n    other:\n      regex: 'x(y+)'\n";
  EXPECT_TRUE(read_config(text, environment, options).empty()) << mistakes(text);
  EXPECT_FALSE(options.redaction.on);
  EXPECT_EQ(options.redaction.datasets, (std::map<std::string, bool>{{"raw.text", false}, {"web", true}}));
  EXPECT_EQ(options.redaction.own,
            (std::vector<process::OwnRedaction>{{"emp", "E-[0-9]+", "[e]"}, {"other", "x(y+)", ""}}));
  EXPECT_EQ(mistakes("redact: {default: maybe}\n"), "1 redact.default: \"maybe\" is no on or off\n");
  EXPECT_EQ(mistakes("redact:\n  rules:\n    a:\n      regex: 'a('\n"),
            "4 redact.rules.a.regex: \"a(\" is no regex: missing ): a(\n");
  EXPECT_EQ(mistakes("redact:\n  rules:\n    a:\n      regex: 'a*'\n"),
            "4 redact.rules.a.regex: \"a*\" matches the empty text: make it ask for something\n");
  EXPECT_EQ(mistakes("redact:\n  rules:\n    a:\n      regex: b\n      replacement: abc\n"),
            "5 redact.rules.a.replacement: \"b\" matches its own replacement \"abc\"\n");
  EXPECT_EQ(mistakes("redact:\n  rules:\n    a:\n      replacement: abc\n"),
            "0 redact.rules.a lacks regex: write regex: 'EMP-[0-9]+'\n");
  EXPECT_EQ(mistakes("redact:\n  dataset:\n    a: off\n"), "2 no key redact.dataset; did you mean datasets?\n");
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  EXPECT_EQ(mistakes(""), "");
  EXPECT_EQ(mistakes("retention:\nquery:\n"), "");
}

TEST(Config, NamesTheLineAndWhatWasMeant) {
  EXPECT_EQ(mistakes("data: x\nlisen: 1\n"), "2 no key lisen; did you mean listen?\n");
  EXPECT_EQ(mistakes("retention:\n  totl: 3d\n"), "2 no key retention.totl; did you mean total?\n");
  EXPECT_EQ(mistakes("query:\n  zzzzzzzzz: 3\n"),
            "2 no key query.zzzzzzzzz; known here: groups, memory, rows, timeout\n");
  EXPECT_EQ(mistakes("memory: much\n"), "1 memory: \"much\" is no size: write 512MiB, 2GB or 4096\n");
  EXPECT_EQ(mistakes("\nretention: {hot: 5}\n"), "2 retention.hot: \"5\" is no duration: write 30d or 4w\n");
  EXPECT_EQ(mistakes("retention: {hot: 5h}\n"),
            "1 retention.hot: \"5h\" is no whole number of days: write 30d or 4w\n");
  EXPECT_EQ(mistakes("insecure: maybe\n"), "1 insecure: \"maybe\" is no yes or no\n");
  EXPECT_EQ(mistakes("threads: 1025\n"), "1 threads: 1025 is more than 1024\n");
  EXPECT_EQ(mistakes("data: [a]\n"), "1 data: expected a text\n");
  EXPECT_EQ(mistakes("retention: 3d\n"), "1 retention: expected keys and values\n");
  EXPECT_EQ(mistakes("data: a\ndata: b\n"), "2 data stands here twice\n");
  EXPECT_EQ(mistakes("data: ${NOPE}\n"),
            "1 data: the environment variable NOPE is not set: set it, or write ${NOPE:-default}\n");
  EXPECT_EQ(mistakes("retention: {hot: 9d, total: 8d}\n"),
            "0 retention.hot is 9d, more than retention.total with 8d\n");
  const std::string web = "retention:\n  datasets:\n    web:\n      classes:\n        ";
  EXPECT_EQ(mistakes(web + "debug: {when: level}\n"),
            "5 retention.datasets.web.classes.debug.when: \"level\" is no condition: write level=debug\n"
            "0 retention.datasets.web.classes.debug lacks when: write when: level=debug\n");
  EXPECT_EQ(mistakes(web + "default: {when: level=debug}\n"),
            "0 retention.datasets.web: retention class \"default\": a name has 1 to 64 letters, digits, _ and -, and "
            "is not "
            "\"default\"\n");
  EXPECT_EQ(mistakes("data: [a\n").substr(0, 10), "2 no YAML:");
}

TEST(Config, TellsAllMistakesAtOnce) {
  std::string all = mistakes("thread: 1\nmemry: 2\ninsecure: z\n");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 3) << all;
}

TEST(Config, TakesValuesFromTheEnvironment) {
  ServeOptions options;
  EXPECT_TRUE(read_config("data: a${NOPE:-b}${EMPTY:-c}$${d}\n", environment, options).empty());
  EXPECT_EQ(options.data, "abc${d}");
}

TEST(Config, FilesOfPlacesAreOpened) {
  std::string path = testing::TempDir() + "/config_test_city.mmdb";
  std::ofstream(path) << geo::testing::city_database();
  ServeOptions options;
  EXPECT_TRUE(
      read_config("geoip:\n  path: " + path + "\n  sources: {office: " + path + "}\n", environment, options).empty());
  EXPECT_EQ(options.geo_files, (std::map<std::string, std::string>{{"city", path}, {"office", path}}));
  std::string missing = mistakes("geoip:\n  path: /nowhere/city.mmdb\n");
  EXPECT_TRUE(missing.starts_with("2 geoip.path: /nowhere/city.mmdb: ")) << missing;
  std::ofstream(path) << geo::testing::city_database().substr(0, 100);
  std::string damaged = mistakes("geoip:\n  sources:\n    office: " + path + "\n");
  EXPECT_TRUE(damaged.starts_with("3 geoip.sources.office: " + path + ": damaged")) << damaged;
}

TEST(Config, ListenersOfSamples) {
  EXPECT_EQ(mistakes("sources:\n  a:\n    type: statsd\n    listen: 127.0.0.1:0\n    flush: 5s\n    buckets: [0.1, 1]\n"
                     "    mappings: ['a.* => b{c=\"$1\"}']\n    labels: {env: x}\n"),
            "");
  EXPECT_EQ(mistakes("sources:\n  a:\n    type: statsd\n    listen: 127.0.0.1:0\n    buckets: [1, 0.5]\n"),
            "5 sources.a.buckets: \"0.5\" is no bound of a bucket: it must be above the one before\n");
  EXPECT_EQ(mistakes("sources:\n  a:\n    type: syslog\n    listen: 127.0.0.1:0\n    flush: 5s\n"),
            "0 sources.a: a source of type syslog has no flush\n");
  EXPECT_EQ(mistakes("sources:\n  a:\n    type: influx\n    listen: 127.0.0.1:0\n    mappings: ['a.* => b']\n"),
            "0 sources.a: a source of type influx has no mappings\n");
  std::string wrong =
      mistakes("sources:\n  a:\n    type: graphite\n    listen: 127.0.0.1:0\n    mappings: ['a => b{c=\"$1\"}']\n");
  EXPECT_NE(wrong.find("$1 with 0 stars"), std::string::npos) << wrong;
  EXPECT_EQ(mistakes("otlp:\n  metrics:\n    names: pretty\n").substr(0, 22), "3 otlp.metrics.names: ");
}

TEST(Config, ThePageHoldsTheTable) {
  std::ifstream file("docs/operate/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const ConfigKey& key : config_keys()) {
    std::string row = fmt::format("| `{}` | {} | {} | {} |", key.path, key.kind, key.otherwise, key.help);
    EXPECT_NE(page.str().find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace clew::app
