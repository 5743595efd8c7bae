// Check runs as Datadog's clients send them become log events.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::wire {

// One check or an array of them, to JSON objects, a line each, with the names that StatsD's service checks have.
// Errors: kInvalid, with the byte, for what is no JSON; for one that has no name or no status of 0 to 3.
Status datadog_checks_to_lines(std::string_view json, std::string& lines);

}  // namespace clew::wire
