#include "query/ppl/dedup.h"

#include "query/exec/collect.h"

namespace clew::query::ppl {

namespace {

class Dedup final : public Command {
 public:
  Dedup(std::vector<std::string> names, exec::DedupStep::Options options)
      : names_(std::move(names)), options_(options) {}

  std::string print() const override {
    std::string out = "dedup " + std::to_string(options_.count) + " ";
    for (size_t i = 0; i < names_.size(); ++i) out += (i == 0 ? "" : ", ") + expr::print_name(names_[i]);
    if (options_.keep_empty) out += " keepempty=true";
    if (options_.consecutive) out += " consecutive=true";
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Slot> slots;
    for (const std::string& name : names_) {
      Column column = CLEW_TRY(pipeline.field(name));
      slots.push_back(column.slot);
    }
    pipeline.add(std::make_shared<exec::DedupStep>(std::move(slots), options_, print()));
    return {};
  }

 private:
  std::vector<std::string> names_;
  exec::DedupStep::Options options_;
};

Status take_options(CommandParser& parser, exec::DedupStep::Options& options) {
  for (int i = 0; i < 2; ++i) {
    if (auto keep = CLEW_TRY(parser.bool_option("keepempty"))) options.keep_empty = *keep;
    if (auto consecutive = CLEW_TRY(parser.bool_option("consecutive"))) options.consecutive = *consecutive;
  }
  return {};
}

}  // namespace

Result<CommandPtr> parse_dedup(CommandParser& parser) {
  exec::DedupStep::Options options;
  if (parser.tokens.peek().kind == expr::TokenKind::kInteger) {
    int64_t count = CLEW_TRY(parser.integer());
    if (count < 1) return parser.fail("dedup keeps at least 1 row");
    options.count = static_cast<uint64_t>(count);
  }
  CLEW_TRY(take_options(parser, options));
  static constexpr std::string_view kStop[] = {"keepempty", "consecutive"};
  std::vector<std::string> names = CLEW_TRY(parser.names(kStop));
  CLEW_TRY(take_options(parser, options));
  return CommandPtr(std::make_shared<Dedup>(std::move(names), options));
}

}  // namespace clew::query::ppl
