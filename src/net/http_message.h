// A request and an answer, as handlers see them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::net {

struct Request {
  std::string method;                                        // "GET", as sent
  std::string target;                                        // as sent, with the query
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::string_view body;  // content encodings undone; kBodyPaddingBytes of zeros follow
  std::string peer;       // "127.0.0.1"

  // The first header or query parameter of that name; empty when there is none.
  std::string_view header(std::string_view name_lower_case) const;
  std::string_view param(std::string_view name) const;
  bool has_param(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// Undoes %XX (and `+` for a blank where `plus_is_blank`). A malformed % stays as it is.
std::string percent_decoded(std::string_view text, bool plus_is_blank);
std::string percent_encoded(std::string_view text);
// Splits "a=1&b=2".
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text);
// True when a header value like "gzip, deflate;q=0" names `token` and does not refuse it.
bool header_has_token(std::string_view value, std::string_view token);

}  // namespace clew::net
