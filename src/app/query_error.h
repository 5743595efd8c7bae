// How a command shows what the server says is wrong with a query.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/client.h"

namespace clew::app {

// The reason, the line of the query with a caret under the place, and what was probably meant, on stderr. `error` is
// the `error` member of an answer. Gives exit code 1.
int show_query_error(std::string_view command, const std::string& query, const Json& error);

// Posts `body`; a query's error is shown as above, any other by fail(). Nothing when there is no answer to print.
std::optional<Json> ask_or_explain(Client& client, std::string_view command, const std::string& path, const Json& body);

}  // namespace clew::app
