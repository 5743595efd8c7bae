// Lines through pipelines of every parser, and expressions. Oracles: no event is lost but by a rule that counts it;
// what the matcher finds of a text is what RE2 finds.
#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/metrics.h"
#include "os/clock.h"
#include "pipeline/pipeline.h"
#include "text/matcher.h"

namespace {

constexpr std::string_view kPipelines[] = {
    "- grok: {patterns: ['%{COMBINEDAPACHELOG}', '%{SYSLOGLINE}', '%{DATA:a} %{QS:b}', '%{URI:u}']}",
    "- regex: {pattern: '(?<a>[a-z]+)[^a-z]+(?<b>.*?)(?<c>\\w+)$'}",
    "- dissect: {pattern: '%{a->} %{+b/2} [%{+b/1}] %{?x}:%{*k}=%{&k} %{n|int}'}",
    "- kv: {}\n- drop: ['a*']\n- eval: {n: 'length(message)'}",
    "- csv: {columns: [a, '-', b]}\n- convert: {a: int, b: bool}",
    "- json: {field: message}\n- flatten: {field: a}\n- hash_blobs: {over: 8}",
    "- plain: {}\n- level: {field: level, optional: yes}\n- timestamp: {field: message, formats: ['%Y-%m-%d %H:%M:%S', "
    "auto]}",
    "- access: {}\n- user_agent: {}\n- redact: {}",
    "- syslog: {}\n- split: {field: message, by: ' '}",
    "- w3c: {}\n- replace: {field: message, regex: '[0-9]', with: 'N'}",
    "- zeek: {}\n- keep: [message]",
    "- mysql_slow: {}",
    "- postgres_csv: {}",
    "- deduplicate: [message]\n- sample: {keep: 0.5}\n- rate_limit: {events: 3}",
    "- logfmt: {}\n- where: 'a > 1'\n- route: [{when: 'b = 1', dataset: '{c}'}]",
};

class FixedClock final : public clew::os::Clock {
 public:
  clew::UnixNanos now() const override { return clew::UnixNanos(1'796'040'000'000'000'000); }
  uint64_t monotonic_ns() const override { return 1'000'000'000; }
};

void check_pipeline(std::string_view steps, std::string_view text) {
  using namespace clew;
  FixedClock clock;
  base::Registry metrics;
  pipeline::Surroundings around;
  around.clock = &clock;
  around.metrics = &metrics;
  yaml::Mistakes mistakes;
  pipeline::PipelinePtr made =
      pipeline::Pipeline::make("p", yaml::parse_yaml(std::string(steps), mistakes), around, mistakes);
  CHECK(made != nullptr, steps, mistakes.empty() ? std::string() : mistakes[0].message);
  model::Batch batch;
  process::LineParser parser(process::Format::kRaw, process::Expect::kOnly);
  parser.attach(batch, {.arrival = clock.now(), .dataset = "logs", .zone = {}});
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    parser.parse_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (batch.rows() == 0) return;
  uint64_t in = batch.rows();
  uint64_t gone = 0;
  pipeline::Runner runner(made);
  uint64_t out = 0;
  auto watch = [&](size_t, pipeline::Rows&, const pipeline::StepCounts& counts) {
    gone += counts.dropped + counts.merged;
  };
  int64_t weights = 0;
  bool weighed = false;
  for (const model::Batch* one : runner.run(batch, watch)) {
    out += one->rows();
    const model::Column* weight = one->find("_weight");
    for (size_t i = 0; weight != nullptr && i < weight->ints().size(); ++i) weights += weight->ints()[i];
    weighed = weighed || weight != nullptr;
    const model::Column* time = one->find(model::kTimeField);
    CHECK(time != nullptr && time->values_count() == one->rows());
  }
  CHECK(out + gone == in, steps);
  if (weighed) CHECK(weights == static_cast<int64_t>(in), steps);
}

void check_matcher(std::string_view pattern, std::string_view text) {
  using clew::text::Matcher;
  clew::Result<std::unique_ptr<const Matcher>> matcher = Matcher::compile(pattern);
  if (!matcher.ok() || (*matcher)->beyond_re2()) return;
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  re2::RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex.ok()) return;
  Matcher::Work work;
  Matcher::Found found = (*matcher)->search(text, work);
  if (found == Matcher::Found::kTooCostly) return;
  re2::StringPiece whole;
  bool there = regex.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, &whole, 1);
  CHECK(there == (found == Matcher::Found::kYes), std::string(pattern), std::string(text));
}

}  // namespace

// The first byte says which pipeline, or that the first line is an expression for the rest.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t which = data[0] % (std::size(kPipelines) + 1);
  if (which < std::size(kPipelines)) {
    check_pipeline(kPipelines[which], text);
  } else {
    size_t line = std::min(text.find('\n'), text.size());
    check_matcher(text.substr(0, line), text.substr(std::min(line + 1, text.size())));
  }
  return 0;
}
