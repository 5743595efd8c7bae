#include "wire/exposition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "wire/exposition_write.h"

namespace clew::wire {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<DecodedExposition> decode(std::string_view page, ExpositionFormat format = ExpositionFormat::kText,
                                 Strictness strictness = Strictness::kLenient) {
  return decode_exposition(page, {.format = format, .strictness = strictness, .millis = 1000, .extra = {}});
}

// `name{labels} value@millis`, a line each, in order.
std::string lines_of(const model::MetricBatch& batch) {
  std::vector<std::string> lines;
  for (const auto& series : batch.series()) {
    std::string text = model::to_text(batch.labels_of(series));
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      const model::Sample& sample = batch.samples()[i];
      std::string value = std::isnan(sample.value) ? "NaN" : std::to_string(sample.value);
      lines.push_back(text + " " + value + "@" + std::to_string(sample.millis));
    }
    for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
      lines.push_back(text + " histogram@" + std::to_string(batch.histograms()[i].millis));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string lenient(std::string_view page, uint64_t bad_lines = 0) {
  Result<DecodedExposition> read = decode(page);
  if (!read.ok()) return "error: " + read.error().message();
  EXPECT_EQ(read->bad_lines, bad_lines) << read->first_mistake;
  return lines_of(read->batch);
}

std::string strict_error(std::string_view page, ExpositionFormat format = ExpositionFormat::kText) {
  Result<DecodedExposition> read = decode(page, format, Strictness::kStrict);
  return read.ok() ? "none" : read.error().message();
}

constexpr ExpositionFormat kOm = ExpositionFormat::kOpenMetrics;

TEST(Exposition, ReadsSamplesLabelsAndTimes) {
  EXPECT_EQ(lenient("a 1\nb{x=\"1\",} -2.5 7\nc{ x = \"a\\\"b\\\\c\\nd\" , y=\"\" }\t+Inf\n"),
            "a 1.000000@1000\nb{x=\"1\"} -2.500000@7\nc{x=\"a\\\"b\\\\c\\nd\"} inf@1000\n");
  EXPECT_EQ(lenient("{\"my.metric\",\"a.b\"=\"c\"} 1\n"), "{\"my.metric\", \"a.b\"=\"c\"} 1.000000@1000\n");
}

TEST(Exposition, ALineThatCannotBeReadCostsThatLine) {
  EXPECT_EQ(lenient("a 1\nb{x=1} 2\n<html>\nc 3", 2), "a 1.000000@1000\nc 3.000000@1000\n");
  Result<DecodedExposition> read = decode("a 1\nb{x=1} 2\n");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->first_mistake, "line 2: the value of the label \"x\" lacks its quotes in \"b{x=1} 2\"");
  EXPECT_EQ(lenient("a 1\r\nb 2\r\n"), "a 1.000000@1000\nb 2.000000@1000\n");
}

TEST(Exposition, KeepsWhatIsSaidOfMetrics) {
  Result<DecodedExposition> read = decode("# HELP a two\\nlines \\\\ \"x\"\n# TYPE a counter\na 1\n# just a comment\n");
  ASSERT_TRUE(read.ok());
  const auto& told = read->batch.metadata().at("a");
  EXPECT_EQ(told.help, "two\nlines \\ \"x\"");
  EXPECT_EQ(told.type, model::MetricType::kCounter);
}

TEST(Exposition, BoundsOfBucketsHaveOneForm) {
  EXPECT_EQ(lenient("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2.50\"} 1\nh_bucket{le=\"+Inf\"} 1\n"
                    "# TYPE s summary\ns{quantile=\"1\"} 1\nother_bucket{le=\"1\"} 1\n"),
            "h_bucket{le=\"+Inf\"} 1.000000@1000\nh_bucket{le=\"1.0\"} 1.000000@1000\nh_bucket{le=\"2.5\"} "
            "1.000000@1000\nother_bucket{le=\"1\"} 1.000000@1000\ns{quantile=\"1.0\"} 1.000000@1000\n");
}

TEST(Exposition, OpenMetricsHasExemplarsUnitsAndBegins) {
  std::string_view page =
      "# TYPE req_seconds histogram\n# UNIT req_seconds seconds\n# HELP req_seconds \"q\\\"\n"
      "req_seconds_bucket{a=\"b\",le=\"0.5\"} 3 1.5 # {trace_id=\"x\"} 0.25 1.25\n"
      "req_seconds_bucket{a=\"b\",le=\"+Inf\"} 3 1.5\nreq_seconds_count{a=\"b\"} 3 1.5\nreq_seconds_created{a=\"b\"} "
      "1.001\n"
      "# EOF\n";
  Result<DecodedExposition> read = decode(page, kOm, Strictness::kStrict);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(lines_of(read->batch),
            "req_seconds_bucket{a=\"b\", le=\"+Inf\"} 3.000000@1500\nreq_seconds_bucket{a=\"b\", le=\"0.5\"} "
            "3.000000@1500\nreq_seconds_count{a=\"b\"} 3.000000@1500\nreq_seconds_created{a=\"b\"} 1.001000@1000\n");
  ASSERT_EQ(read->batch.exemplars().size(), 1U);
  EXPECT_EQ(read->batch.exemplars()[0].labels.get("trace_id"), "x");
  EXPECT_EQ(read->batch.exemplars()[0].value, 0.25);
  EXPECT_EQ(read->batch.exemplars()[0].millis, 1250);
  EXPECT_EQ(read->batch.starts().at(0), 1001);
  EXPECT_EQ(read->batch.metadata().at("req_seconds").unit, "seconds");
}

TEST(Exposition, OpenMetricsIsExactWhereAsked) {
  EXPECT_EQ(strict_error("a 1\n# EOF", kOm), "none");
  EXPECT_EQ(strict_error("a 1\n", kOm), "the page ends without # EOF: it may be cut");
  EXPECT_EQ(strict_error("a 1\n# EOF\nb 1\n", kOm), "line 3: something stands behind # EOF");
  EXPECT_EQ(strict_error("a 1\n\n# EOF\n", kOm), "line 2: an empty line");
  EXPECT_NE(strict_error("# TYPE a counter\na 1\n# EOF\n", kOm), "none");
  EXPECT_EQ(strict_error("# TYPE a counter\na_total 1\n# EOF\n", kOm), "none");
  EXPECT_NE(strict_error("# TYPE a counter\na_total -1\n# EOF\n", kOm), "none");
  EXPECT_NE(strict_error("# TYPE a info\na_info{v=\"1\"} 2\n# EOF\n", kOm), "none");
  EXPECT_EQ(strict_error("# TYPE a stateset\na{a=\"on\"} 1\na{a=\"off\"} 0\n# EOF\n", kOm), "none");
  EXPECT_EQ(strict_error("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 2\na_gcount 2\na_gsum 1\n# EOF\n", kOm),
            "none");
  EXPECT_NE(strict_error("# TYPE a gauge\na{b=\"1\"} 1\n# TYPE c gauge\nc 1\na{b=\"2\"} 1\n# EOF\n", kOm), "none");
  EXPECT_NE(strict_error("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n", kOm), "none");
  EXPECT_NE(strict_error("# TYPE a gauge\na 1 # {x=\"1\"} 1\n# EOF\n", kOm), "none");
  std::string longest(120, 'x');
  EXPECT_EQ(strict_error("# TYPE a counter\na_total 1 # {x=\"" + longest + "\"} 1\n# EOF\n", kOm), "none");
  EXPECT_NE(strict_error("# TYPE a counter\na_total 1 # {x=\"" + longest + "12345678\"} 1\n# EOF\n", kOm), "none");
}

TEST(Exposition, NamesForThoseWhoKnowNoUtf8) {
  using enum NameEscaping;
  EXPECT_EQ(escape_name("no:escaping_required", kValues), "no:escaping_required");
  EXPECT_EQ(escape_name("my.dotted_name", kUnderscores), "my_dotted_name");
  EXPECT_EQ(escape_name("my.dotted_name", kDots), "my_dot_dotted__name");
  EXPECT_EQ(escape_name("my.dotted_name", kValues), "U__my_2e_dotted__name");
  EXPECT_EQ(escape_name("1\u00e9", kUnderscores), "__");
  EXPECT_EQ(escape_name("1\u00e9", kValues), "U___31__e9_");
  EXPECT_EQ(name_escaping_of("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4"), kAllowUtf8);
  EXPECT_EQ(name_escaping_of("text/plain;version=0.0.4"), kUnderscores);
  std::string page;
  model::Labels labels = model::Labels::of({{"__name__", "a.b"}, {"c.d", "e"}});
  write_sample(labels, {}, 1, std::nullopt, page);
  write_sample(labels, {.names = kDots}, 1, 5, page);
  EXPECT_EQ(page, "{\"a.b\",\"c.d\"=\"e\"} 1\na_dot_b{c_dot_d=\"e\"} 1 5\n");
}

// --- the shared suites ---------------------------------------------------------------------------------------------

fs::path suites() { return fs::path("../shared/suites"); }

struct Tally {
  int passed = 0;
  std::vector<std::string> differences;
  void take(bool good, const std::string& what) {
    passed += good ? 1 : 0;
    if (!good) differences.push_back(what);
  }
  void print(const char* suite) const {
    std::printf("%s: %d passed, %zu failed\n", suite, passed, differences.size());
    for (const std::string& what : differences) std::printf("  %s\n", what.c_str());
    EXPECT_TRUE(differences.empty());
  }
};

TEST(ExpositionSuites, Expfmt) {
  fs::path corpus = suites() / "expfmt/expfmt/fuzz/corpus";
  if (!fs::exists(corpus)) GTEST_SKIP() << "no shared suites here";
  Tally tally;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    std::string name = entry.path().filename();
    std::string page = read_file(entry.path());
    bool wanted = name.find("error") == std::string::npos;
    std::string said = strict_error(page);
    tally.take((said == "none") == wanted, name + ": " + said);
    tally.take(decode(page).ok(), name + " is refused as a whole although lenient");
  }
  // The same page in two formats.
  fs::path data = suites() / "expfmt/expfmt/testdata";
  Result<DecodedExposition> text = decode(read_file(data / "text"), ExpositionFormat::kText, Strictness::kStrict);
  Result<DecodedExposition> binary =
      decode(read_file(data / "protobuf"), ExpositionFormat::kProtobuf, Strictness::kStrict);
  tally.take(text.ok(), "testdata/text");
  tally.take(binary.ok(), "testdata/protobuf");
  if (text.ok() && binary.ok()) {
    tally.take(lines_of(text->batch) == lines_of(binary->batch), "testdata/text and testdata/protobuf differ");
    tally.take(text->batch.samples_count() > 200, "testdata/text has too few samples");
    tally.take(text->batch.metadata() == binary->batch.metadata(), "testdata/text and protobuf: metadata differ");
  }
  tally.take(decode(read_file(data / "protobuf-multimessage"), ExpositionFormat::kProtobuf, Strictness::kStrict).ok(),
             "testdata/protobuf-multimessage");
  tally.print("expfmt");
}

TEST(ExpositionSuites, PrometheusText) {
  fs::path dir = suites() / "prometheus-text-and-rules";
  if (!fs::exists(dir)) GTEST_SKIP() << "no shared suites here";
  struct Case {
    const char* path;
    ExpositionFormat format;
    size_t samples;
  };
  const Case cases[] = {
      {"model/textparse/testdata/alltypes.5mfs.om.txt", kOm, 0},
      {"model/textparse/testdata/1histogram.om.txt", kOm, 0},
      {"model/textparse/testdata/alltypes.237mfs.prom.txt", ExpositionFormat::kText, 0},
      {"model/textparse/testdata/alltypes.237mfs.nometa.prom.txt", ExpositionFormat::kText, 0},
      {"cmd/promtool/testdata/metrics-test.prom", ExpositionFormat::kText, 0},
      {"cmd/promtool/testdata/dump-openmetrics-test.prom", kOm, 10},
      {"cmd/promtool/testdata/dump-openmetrics-roundtrip-test.prom", kOm, 0},
  };
  Tally tally;
  for (const Case& one : cases) {
    std::string page = read_file(dir / one.path);
    size_t lines = 0;
    for (size_t at = 0; at < page.size();) {
      size_t end = std::min(page.find('\n', at), page.size());
      lines += end > at && page[at] != '#' ? 1 : 0;
      at = end + 1;
    }
    for (Strictness strictness : {Strictness::kStrict, Strictness::kLenient}) {
      Result<DecodedExposition> read = decode(page, one.format, strictness);
      std::string name = std::string(one.path) + (strictness == Strictness::kStrict ? " strict: " : " lenient: ");
      bool whole = read.ok() && read->bad_lines == 0 && read->batch.samples_count() == lines;
      tally.take(whole, name + (read.ok() ? std::to_string(read->batch.samples_count()) + " of " +
                                                std::to_string(lines) + " samples; " + read->first_mistake
                                          : read.error().message()));
    }
  }
  tally.print("prometheus-text-and-rules (expositions)");
}

TEST(ExpositionSuites, UsersPagesAreReadAsTheyAre) {
  fs::path dir = suites() / "user-formats";
  if (!fs::exists(dir)) GTEST_SKIP() << "no shared suites here";
  EXPECT_EQ(lenient(read_file(dir / "metrics_page.txt")),
            "order_processing_time_ms_p50 100.147247@1000\norder_processing_time_ms_p99 100.221395@1000\n"
            "orders_processed 5.000000@1000\nrevenue 350.000000@1000\n");
  Result<DecodedExposition> flask = decode(read_file(dir / "flask_metrics.txt"));
  ASSERT_TRUE(flask.ok());
  EXPECT_EQ(flask->bad_lines, 0U);
  EXPECT_EQ(flask->batch.samples_count(), 9U);
}

}  // namespace
}  // namespace clew::wire
