// Cases: what a pipeline is to make of some lines, and what it does make of them. `clew pipeline test` runs them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace clew::pipeline {

// One event that came out: fields by name as JSON text, `@timestamp`, `_flags` as an array of names, `dataset` where it
// was sent elsewhere.
using EventText = std::map<std::string, std::string>;
EventText event_text(Rows& batch, uint32_t row);

// Runs lines through a pipeline as an agent would.
//
// Threads: one.
class LineRun {
 public:
  // `format`: of the lines; none: what the pipeline asks for, else detected.
  LineRun(PipelinePtr pipeline, std::optional<process::Format> format, const os::Clock& clock, text::Zone zone = {});
  // What came out, in order. Events that a step joined others into tell so by `_weight`.
  std::vector<EventText> run(const std::vector<std::string>& lines, const Runner::Watch& watch = {});

 private:
  PipelinePtr pipeline_;
  std::optional<process::Format> format_;
  const os::Clock& clock_;
  text::Zone zone_;
};

struct Case {
  uint32_t line = 0;  // in the file
  std::string name;
  std::string pipeline;
  std::optional<process::Format> format;
  std::vector<std::string> input;
  std::vector<Tree> expected;  // one map per event
  bool exact = false;          // an event has these fields and no others
};

// Reads `tests:` of a file.
std::vector<Case> read_cases(const Tree& file, Mistakes& mistakes);

// What is not as expected, in lines that a person reads; empty when all is.
std::vector<std::string> difference(const Case& test, const std::vector<EventText>& got);

}  // namespace clew::pipeline
