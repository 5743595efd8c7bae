#include "query/ppl/head.h"

#include "query/exec/collect.h"
#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kHeadDefault = 10;

class Head final : public Command {
 public:
  Head(uint64_t count, uint64_t from) : count_(count), from_(from) {}
  std::string print() const override {
    std::string out = "head " + std::to_string(count_);
    return from_ == 0 ? out : out + " from " + std::to_string(from_);
  }
  Status bind(Pipeline& pipeline) const override {
    pipeline.add(std::make_shared<exec::HeadStep>(count_, from_, exec::HeadStep::Kind::kAsked));
    return {};
  }

 private:
  uint64_t count_;
  uint64_t from_;
};

}  // namespace

Result<CommandPtr> parse_head(CommandParser& parser) {
  int64_t count = kHeadDefault;
  int64_t from = 0;
  if (auto limit = CLEW_TRY(parser.int_option("limit"))) count = *limit;
  if (parser.tokens.peek().kind == expr::TokenKind::kInteger) count = CLEW_TRY(parser.integer());
  if (parser.tokens.accept_word("from")) from = CLEW_TRY(parser.integer());
  return CommandPtr(std::make_shared<Head>(static_cast<uint64_t>(count), static_cast<uint64_t>(from)));
}

namespace {

// The last rows, last one first: what `reverse | head` gives.
class Tail final : public Command {
 public:
  explicit Tail(uint64_t count) : count_(count) {}
  std::string print() const override { return "tail " + std::to_string(count_); }
  Status bind(Pipeline& pipeline) const override {
    pipeline.add(std::make_shared<exec::ReverseStep>());
    pipeline.add(std::make_shared<exec::HeadStep>(count_, 0, exec::HeadStep::Kind::kAsked));
    return {};
  }

 private:
  uint64_t count_;
};

}  // namespace

Result<CommandPtr> parse_tail(CommandParser& parser) {
  int64_t count = kHeadDefault;
  if (parser.tokens.peek().kind == expr::TokenKind::kInteger) count = CLEW_TRY(parser.integer());
  return CommandPtr(std::make_shared<Tail>(static_cast<uint64_t>(count)));
}

}  // namespace clew::query::ppl
