// NameMappings turn dotted names of Graphite and StatsD into metrics with labels, by templates of their own.
//
//   servers.*.cpu.* => cpu_usage{host="$1", core="$2"}     a star is one part
//   stats.** => $1                                         two stars at the end are all that follow, with their dots
//
// The first template that fits a name holds. A name that none fits is a metric of that name, without labels.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::wire {

// Threads: immutable after parse().
class NameMappings {
 public:
  struct Mapped {
    std::string metric;
    std::vector<std::pair<std::string, std::string>> labels;
  };

  // Errors: kInvalid, with the template and the column of what is wrong in it.
  static Result<NameMappings> parse(const std::vector<std::string>& templates);

  // False when none fits.
  bool map(std::string_view name, Mapped& out) const;

 private:
  struct Rule {
    std::vector<std::string> parts;
    std::string metric;
    std::vector<std::pair<std::string, std::string>> labels;
  };
  static Result<Rule> parse_one(std::string_view text);
  std::vector<Rule> rules_;
};

}  // namespace clew::wire
