#include "query/ppl/reverse.h"

#include "query/exec/collect.h"

namespace clew::query::ppl {

namespace {

class Reverse final : public Command {
 public:
  std::string print() const override { return "reverse"; }
  Status bind(Pipeline& pipeline) const override {
    pipeline.add(std::make_shared<exec::ReverseStep>());
    return {};
  }
};

}  // namespace

Result<CommandPtr> parse_reverse(CommandParser&) { return CommandPtr(std::make_shared<Reverse>()); }

}  // namespace clew::query::ppl
