// Any text as a template of a rule and as a file of rules. Texts without braces expand to themselves; a template that
// is accepted expands or says why not, twice the same; a file that is accepted reads twice the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "alert/expand.h"
#include "alert/rule.h"
#include "alert/unit_test_file.h"
#include "model/labels.h"
#include "yaml/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  std::string text(reinterpret_cast<const char*>(data), size);
  model::Labels labels = model::Labels::of({{"instance", "a:9100"}, {"job", "node"}});
  alert::Surroundings around;
  around.labels = labels;
  around.value = 12.5;
  std::string expanded = alert::expand_or_error(text, around);
  if (text.find("{{") == std::string::npos && expanded != text) std::abort();
  if (alert::expand_or_error(text, around) != expanded) std::abort();
  yaml::Mistakes mistakes, again;
  std::vector<alert::RuleGroup> groups = alert::read_rules(text, "f", {}, mistakes);
  std::vector<alert::RuleGroup> same = alert::read_rules(text, "f", {}, again);
  if (mistakes.size() != again.size() || groups.size() != same.size()) std::abort();
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].same_as(same[i])) std::abort();
  }
  // Short: a few bytes ask for millions of points.
  yaml::Mistakes of_tests;
  if (size < 256 && text.find('x') == std::string::npos) (void)alert::read_unit_tests(text, of_tests);
  return 0;
}
