// For tests: a pipeline from YAML, and what it makes of lines.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "geo/sources.h"
#include "pipeline/cases.h"

namespace clew::pipeline {

// 2026-11-30T12:00:00Z, and as long since an arbitrary moment as a test says.
class TestClock final : public os::Clock {
 public:
  UnixNanos now() const override { return UnixNanos(wall); }
  uint64_t monotonic_ns() const override { return monotonic; }
  int64_t wall = 1'796'040'000'000'000'000;
  uint64_t monotonic = 1'000'000'000;
};

struct TestPipeline {
  explicit TestPipeline(const std::string& yaml, const geo::Sources* geo = nullptr) {
    Surroundings around;
    around.clock = &clock;
    around.metrics = &metrics;
    around.geo = geo;
    around.host = {{"host.name", "web-1"}, {"cloud.provider", "aws"}};
    Mistakes wrong;
    Tree tree = parse_yaml(yaml, wrong);
    if (wrong.empty()) made = Pipeline::make("p", tree, around, wrong);
    for (const Mistake& one : wrong) mistakes += std::to_string(one.line) + " " + one.message + "\n";
  }
  std::vector<EventText> run(const std::vector<std::string>& lines,
                             std::optional<process::Format> format = std::nullopt) {
    EXPECT_NE(made, nullptr) << mistakes;
    if (made == nullptr) return {};
    return LineRun(made, format, clock).run(lines);
  }
  // One field of what one line becomes; "-" without it, "no event" where it was dropped.
  std::string field(const std::string& line, const std::string& name) {
    std::vector<EventText> out = run({line});
    if (out.empty()) return "no event";
    auto found = out[0].find(name);
    return found == out[0].end() ? "-" : found->second;
  }
  // Fields of what one line becomes but for those that every line has: `a=1 b="x"`.
  std::string fields(const std::string& line, std::optional<process::Format> format = std::nullopt) {
    std::vector<EventText> out = run({line}, format);
    if (out.empty()) return "no event";
    std::string text;
    for (const auto& [name, value] : out[0]) {
      bool always = name == "_raw" || name == "message" || name == "@timestamp" || value == "[\"arrival_time\"]";
      if (always) continue;
      text += (text.empty() ? "" : " ") + name + "=" + value;
    }
    return text;
  }
  uint64_t count(const std::string& what, const std::string& rule) {
    return metrics.sum("clew_pipeline_" + what + "_events_total", {{"rule", rule}});
  }

  TestClock clock;
  base::Registry metrics;
  PipelinePtr made;
  std::string mistakes;
};

}  // namespace clew::pipeline
