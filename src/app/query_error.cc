#include "app/query_error.h"

#include <cstdio>

#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

// The line of the query that is to blame, and a caret under the place.
void show_place(const std::string& query, const Json& error) {
  uint64_t line = number_at(error, "line");
  uint64_t column = number_at(error, "column");
  if (line == 0 || column == 0) return;
  std::string_view text = query;
  for (uint64_t skip = 1; skip < line && !text.empty(); ++skip) {
    size_t newline = text.find('\n');
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (column > text.size() + 1) return;
  uint64_t length = std::max<uint64_t>(1, std::min<uint64_t>(number_at(error, "length"), text.size() + 1 - column));
  uint32_t before = cells_of(without_controls(text.substr(0, column - 1)));
  uint32_t under = std::max(1u, cells_of(without_controls(text.substr(column - 1, length))));
  std::fprintf(stderr, "  %s\n  %s%s\n", without_controls(text).c_str(), std::string(before, ' ').c_str(),
               std::string(under, '^').c_str());
}

}  // namespace

int show_query_error(std::string_view command, const std::string& query, const Json& error) {
  std::fprintf(stderr, "clew %.*s: %s\n", static_cast<int>(command.size()), command.data(),
               without_controls(text_at(error, "reason")).c_str());
  show_place(query, error);
  const Json& suggestions = member_at(error, "suggestions");
  if (!suggestions.is_array() || suggestions.empty()) return 1;
  // A suggestion is a name, or already a sentence.
  for (const Json& one : suggestions) {
    std::string text = without_controls(cell_text(one));
    bool sentence = text.find(' ') != std::string::npos;
    std::fprintf(stderr, sentence ? "  %s\n" : "  did you mean %s?\n", text.c_str());
  }
  return 1;
}

std::optional<Json> ask_or_explain(Client& client, std::string_view command, const std::string& path,
                                   const Json& body) {
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  net::HttpCall call{.method = "POST",
                     .url = path,
                     .headers = {{"Content-Type", "application/json"}},
                     .body = text,
                     .on_body = nullptr};
  Result<net::HttpReply> reply = client.call(std::move(call));
  if (!reply.ok()) {
    fail(command, reply.error());
    return std::nullopt;
  }
  Json answer = Json::parse(reply->body, nullptr, false);
  if (reply->status < 400 && !answer.is_discarded()) return answer;
  if (member_at(answer, "error").is_object()) {
    show_query_error(command, text_at(body, "query"), answer["error"]);
  } else {
    fail(command, error_of_body(answer, reply->status));
  }
  return std::nullopt;
}

}  // namespace clew::app
