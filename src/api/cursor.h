// The cursor of a search or an export: where the next answer to the same question begins. Opaque text for clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "contract/event_source.h"
#include "query/place.h"

namespace clew::api {

struct Cursor {
  uint64_t question = 0;      // hash of what was asked; another question is told apart by it
  uint64_t columns = 0;       // hash of the columns of an answer that has a head line; 0 where there is none
  contract::TimeRange range;  // as the first answer understood it
  query::Page page;           // but `required`

  // Letters, digits, - and _.
  std::string text() const;
  // Errors: kInvalid saying which of: damaged, of another version, of another question.
  static Result<Cursor> parse(std::string_view text, uint64_t question);
};

}  // namespace clew::api
