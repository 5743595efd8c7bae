#include "query/ppl/sort.h"

#include "query/exec/sort.h"

namespace clew::query::ppl {

namespace {

struct Key {
  std::string name;
  bool descending = false;
  exec::SortAs as = exec::SortAs::kAuto;
  expr::SourceSpan span;
};

std::string_view as_name(exec::SortAs as) {
  switch (as) {
    case exec::SortAs::kNumber: return "num";
    case exec::SortAs::kText: return "str";
    case exec::SortAs::kIp: return "ip";
    default: return "auto";
  }
}

class Sort final : public Command {
 public:
  Sort(std::vector<Key> keys, uint64_t limit) : keys_(std::move(keys)), limit_(limit) {}

  std::string print() const override {
    std::string out = "sort ";
    if (limit_ != UINT64_MAX) out += std::to_string(limit_) + " ";
    for (size_t i = 0; i < keys_.size(); ++i) {
      std::string name = expr::print_name(keys_[i].name);
      if (keys_[i].as != exec::SortAs::kAuto) name = std::string(as_name(keys_[i].as)) + "(" + name + ")";
      out += (i == 0 ? "" : ", ") + std::string(keys_[i].descending ? "-" : "+") + name;
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<exec::SortKey> keys;
    for (const Key& key : keys_) {
      Column column = CLEW_TRY(pipeline.field(key.name, key.span));
      // OpenTelemetry has severityNumber for the order; its text sorts as text.
      bool level = key.as == exec::SortAs::kAuto && expr::is_level_field(key.name) && key.name != "severityText";
      keys.push_back({column.slot, key.descending, level ? exec::SortAs::kLevel : key.as});
    }
    pipeline.add(std::make_shared<exec::SortStep>(std::move(keys), limit_, print()));
    return {};
  }

 private:
  std::vector<Key> keys_;
  uint64_t limit_;
};

// `num(x)`, `str(x)`, `ip(x)`, `auto(x)` or a name.
Result<Key> parse_key(CommandParser& parser) {
  Key key;
  bool plus = parser.tokens.accept("+");
  key.descending = !plus && parser.tokens.accept("-");
  key.span = parser.tokens.peek().span;
  bool call = parser.tokens.peek(1).is("(");
  if (call && parser.tokens.accept_word("num"))
    key.as = exec::SortAs::kNumber;
  else if (call && parser.tokens.accept_word("str"))
    key.as = exec::SortAs::kText;
  else if (call && parser.tokens.accept_word("ip"))
    key.as = exec::SortAs::kIp;
  else if (call && !parser.tokens.accept_word("auto"))
    return parser.fail("expected a field, or auto(), num(), str() or ip() of one");
  if (call) CLEW_TRY(parser.tokens.expect("("));
  key.name = CLEW_TRY(parser.name());
  if (call) CLEW_TRY(parser.tokens.expect(")"));
  parser.tokens.accept_word("asc");
  if (parser.tokens.accept_word("desc")) key.descending = true;
  return key;
}

}  // namespace

Result<CommandPtr> parse_sort(CommandParser& parser) {
  uint64_t limit = UINT64_MAX;
  if (parser.tokens.peek().kind == expr::TokenKind::kInteger) {
    int64_t count = CLEW_TRY(parser.integer());
    if (count > 0) limit = static_cast<uint64_t>(count);
  }
  std::vector<Key> keys;
  do {
    Key key = CLEW_TRY(parse_key(parser));
    keys.push_back(std::move(key));
    parser.tokens.accept(",");
  } while (!parser.at_end());
  return CommandPtr(std::make_shared<Sort>(std::move(keys), limit));
}

}  // namespace clew::query::ppl
