// Questions for the heaviest values, and answers of Redis. The first byte chooses.
//
// Oracle: a question that is taken keeps its limits and says the same when it is parsed again; a reply that is whole
// is the same whatever stands behind it, and no beginning of it is a reply of the same length.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "topk/question.h"
#include "topk/redis.h"

namespace {

using clew::topk::Question;
using clew::topk::RedisReply;

void check_question(std::string_view text) {
  clew::Result<Question> question = clew::topk::parse_question(text);
  if (!question.ok()) {
    CHECK(!question.error().message().empty());
    return;
  }
  CHECK(clew::topk::check_question(*question).ok());
  CHECK(!question->by.empty());
  CHECK(clew::topk::parse_question(std::string(text) + " \n").ok(), text);
}

bool same(const RedisReply& a, const RedisReply& b) {
  if (a.kind != b.kind || a.text != b.text || a.number != b.number || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  return true;
}

void check_reply(std::string_view bytes) {
  std::string_view rest = bytes;
  auto reply = clew::topk::take_reply(rest);
  if (!reply.ok() || *reply == nullptr) {
    CHECK(rest.size() == bytes.size());
    return;
  }
  size_t taken = bytes.size() - rest.size();
  std::string more(bytes.substr(0, taken));
  more += "+behind\r\n";
  std::string_view longer = more;
  auto again = clew::topk::take_reply(longer);
  CHECK(again.ok() && *again != nullptr && same(**reply, **again) && longer == "+behind\r\n");
  std::string_view cut = bytes.substr(0, taken - 1);
  auto part = clew::topk::take_reply(cut);
  CHECK(!part.ok() || *part == nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 0)
    check_question(text);
  else
    check_reply(text);
  return 0;
}
