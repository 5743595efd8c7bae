#include "scrape/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "scrape/target.h"

namespace clew::scrape {
namespace {

namespace fs = std::filesystem;

std::string lines(const std::vector<Notice>& notices) {
  std::string out;
  for (const Notice& notice : notices) out += std::to_string(notice.line) + ": " + notice.message + "\n";
  return out;
}

// Most of what Prometheus' documentation shows for a job.
constexpr const char* kFull = R"(
global:
  scrape_interval: 30s
  evaluation_interval: 30s
  body_size_limit: 15MB
  sample_limit: 1500
  external_labels: {monitor: codelab}
rule_files: [first.rules]
scrape_configs:
  - job_name: prometheus
    honor_labels: true
    scrape_protocols: [PrometheusText0.0.4]
    relabel_configs:
      - source_labels: [job, __meta_dns_name]
        regex: (.*)some-[regex]
        target_label: job
        replacement: foo-${1}
      - {source_labels: [abc], target_label: cde}
      - {replacement: static, target_label: abc}
      - {regex: "x", action: labeldrop}
    bearer_token_file: token
    file_sd_configs:
      - files: [foo/*.slow.json, /single/file.yml]
        refresh_interval: 10m
    static_configs:
      - targets: ['localhost:9090', 'localhost:9191']
        labels: {my: label, your: label}
  - job_name: service-x
    basic_auth: {username: admin_name, password: "multi\nline"}
    scrape_interval: 50s
    scrape_timeout: 5s
    body_size_limit: 10MB
    metrics_path: /my_path
    scheme: https
    params: {module: [http_2xx]}
    tls_config: {insecure_skip_verify: true, server_name: x}
    dns_sd_configs:
      - {refresh_interval: 15s, names: [first.dns.address.com]}
      - {names: [a.b], type: A, port: 80}
    metric_relabel_configs: [{source_labels: [__name__], regex: expensive_metric.*, action: drop}]
    consul_sd_configs: [{server: 'localhost:1234'}]
  - job_name: service-kubernetes
    kubernetes_sd_configs:
      - role: endpoints
        api_server: 'https://localhost:1234'
        namespaces: {names: [default]}
        basic_auth: {username: myusername, password: mysecret}
  - job_name: http
    http_sd_configs: [{url: 'http://example.com/prometheus'}]
)";

TEST(ScrapeConfigFile, IsReadAsPrometheusReadsIt) {
  ReadConfig read = read_config(kFull, "/etc/prometheus/prometheus.yml");
  EXPECT_EQ(lines(read.mistakes), "");
  ASSERT_EQ(read.config.scrapes.size(), 4U);
  const ScrapeConfig& first = read.config.scrapes[0];
  EXPECT_EQ(first.interval_millis, 30'000);
  EXPECT_EQ(first.timeout_millis, 10'000);
  EXPECT_EQ(first.sample_limit, 1500U);
  EXPECT_EQ(first.body_bytes_max, 15U << 20);
  EXPECT_TRUE(first.honor_labels);
  EXPECT_EQ(first.access.credentials_file, "/etc/prometheus/token");
  EXPECT_EQ(first.relabel.size(), 4U);
  ASSERT_EQ(first.discoveries.size(), 2U);
  EXPECT_EQ(first.discoveries[0].files[0], "/etc/prometheus/foo/*.slow.json");
  EXPECT_EQ(first.discoveries[1].groups[0].targets.size(), 2U);
  EXPECT_EQ(accept_header(first), "text/plain;version=0.0.4;q=0.9,*/*;q=0.1");
  const ScrapeConfig& second = read.config.scrapes[1];
  EXPECT_EQ(second.timeout_millis, 5'000);
  EXPECT_EQ(second.discoveries[0].record_type, "SRV");
  EXPECT_EQ(second.discoveries[1].port, 80);
  EXPECT_EQ(read.config.scrapes[2].discoveries[0].role, "endpoints");
  // What has no effect is told, with its line.
  EXPECT_EQ(lines(read.told),
            "4: global: evaluation_interval has no effect here: rules have their own\n"
            "3: global: external_labels are for those who send on; they are not stored\n"
            "8: the file: rule_files has no effect here: name them in rules.files of clew's own configuration\n"
            "41: scrape_configs: consul_sd_configs has no effect here: such targets are not found\n");
}

std::string mistakes(const std::string& job) {
  return lines(read_config("scrape_configs:\n- job_name: a\n" + job, "").mistakes);
}

TEST(ScrapeConfigFile, MistakesAreNamedByLine) {
  EXPECT_EQ(mistakes("  scrape_intervall: 1s\n"), "3: scrape_configs: no key scrape_intervall\n");
  EXPECT_EQ(mistakes("  scrape_interval: soon\n"), "3: scrape_interval: \"soon\" is no duration: write 15s\n");
  EXPECT_EQ(mistakes("  scrape_interval: 1s\n  scrape_timeout: 2s\n"),
            "2: job \"a\": scrape_timeout is greater than scrape_interval\n");
  EXPECT_EQ(mistakes("- job_name: a\n"), "3: job \"a\" stands here twice\n");
  EXPECT_EQ(mistakes("  relabel_configs: [{action: fly}]\n"), "3: relabel_configs: no action \"fly\"\n");
  EXPECT_EQ(mistakes("  static_configs: [{targets: ['http://a/b']}]\n"),
            "2: job \"a\": a target is none: \"http://a/b\" is no address: write HOST:PORT\n");
  EXPECT_EQ(mistakes("  relabel_configs: [{target_label: __address__, replacement: 'x:1'}]\n"
                     "  static_configs: [{targets: ['http://a/b']}]\n"),
            "");
  EXPECT_EQ(lines(read_config("scrape_configs: [", "").mistakes).substr(0, 11), "1: no YAML:");
}

TEST(ScrapeConfigFile, DurationsAndSizes) {
  EXPECT_EQ(parse_duration("1m30s"), 90'000);
  EXPECT_EQ(parse_duration("500ms"), 500);
  EXPECT_EQ(parse_duration("1h"), 3'600'000);
  EXPECT_EQ(parse_duration("5"), std::nullopt);
  EXPECT_EQ(parse_bytes("10MB"), 10U << 20);
  EXPECT_EQ(parse_bytes("1KiB"), 1024U);
  EXPECT_EQ(parse_bytes("x"), std::nullopt);
}

// Those of Prometheus' own tests that are about scraping.
TEST(ScrapeConfigFile, PrometheusExamples) {
  fs::path dir = "../shared/suites/prometheus-text-and-rules/cmd/promtool/testdata";
  if (!fs::exists(dir)) GTEST_SKIP() << "no shared suites here";
  int passed = 0, failed = 0;
  for (const auto& entry : fs::directory_iterator(dir)) {
    std::string name = entry.path().filename();
    bool config = name.starts_with("prometheus-config") || name.starts_with("authorization_credentials_file") ||
                  name.starts_with("url_in_scrape") || name.starts_with("prometheus-aws") ||
                  name.starts_with("config_with_");
    // These are bad for files that are not there, which are looked for when they are needed; or a file of rules.
    bool elsewhere = name.starts_with("authorization_credentials_file.bad") || name == "config_with_tls_files.yml" ||
                     name == "prometheus-config.rules.good.yml";
    if (!config || elsewhere) continue;
    std::ifstream in(entry.path());
    std::string text(std::istreambuf_iterator<char>(in), {});
    ReadConfig read = read_config(text, entry.path());
    bool good = name.find(".bad") == std::string::npos;
    bool target_told = lines(read.told).find("a target is none") != std::string::npos;
    bool clean = read.mistakes.empty() && !target_told;
    (clean == good ? passed : failed) += 1;
    EXPECT_EQ(clean, good) << name << ": " << lines(read.mistakes) << lines(read.told);
  }
  std::printf("prometheus-text-and-rules (scrape configurations): %d passed, %d failed\n", passed, failed);
  EXPECT_GT(passed, 5);
}

TEST(ScrapeTarget, LabelsMakeItsUrl) {
  ReadConfig read = read_config(R"(
scrape_configs:
  - job_name: probes
    metrics_path: /probe
    params: {module: [http_2xx], target: [none]}
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: 'blackbox:9115'}
      - {source_labels: [drop], regex: 'yes', action: drop}
      - {source_labels: [quick], regex: 'yes', target_label: __scrape_interval__, replacement: 5s}
      - {source_labels: [quick], regex: 'yes', target_label: __scrape_timeout__, replacement: 1s}
)",
                                "");
  ASSERT_EQ(lines(read.mistakes), "");
  const ScrapeConfig& config = read.config.scrapes[0];
  auto target = identify(config, {{"__address__", "http://a/b c"}, {"team", "x"}, {"__meta_y", "z"}});
  ASSERT_TRUE(target.ok() && target->has_value());
  EXPECT_EQ((*target)->url, "http://blackbox:9115/probe?module=http_2xx&target=http%3A%2F%2Fa%2Fb%20c");
  EXPECT_EQ(model::to_text((*target)->labels), "{instance=\"http://a/b c\", job=\"probes\", team=\"x\"}");
  EXPECT_EQ((*target)->interval_millis, 15'000);
  auto quick = identify(config, {{"__address__", "a:1"}, {"quick", "yes"}});
  ASSERT_TRUE(quick.ok() && quick->has_value());
  EXPECT_EQ((*quick)->interval_millis, 5'000);
  EXPECT_EQ((*quick)->timeout_millis, 1'000);
  auto dropped = identify(config, {{"__address__", "a:1"}, {"drop", "yes"}});
  ASSERT_TRUE(dropped.ok());
  EXPECT_FALSE(dropped->has_value());
}

}  // namespace
}  // namespace clew::scrape
