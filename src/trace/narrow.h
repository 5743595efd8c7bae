// Conditions on the rows of one block.
#pragma once

#include <optional>

#include "contract/event_source.h"
#include "trace/record.h"

namespace clew::trace {

// Leaves of `rows` (positions in the granule, all of one block) those that meet the predicate: on the encoded form
// where the granule can, else value by value. Takes kAll, kAny, kEquals, kIn, kContains and kExists on texts, kLess to
// kGreaterEq on numbers, and kPhrase.
// Errors: kCorrupt for a damaged block, kIo.
Status narrow(const contract::Granule& granule, uint32_t block, const contract::Predicate& where,
              model::Selection& rows, contract::ScanStats& stats);

// Leaves the rows whose @timestamp lies in the range.
Status narrow_time(const contract::Granule& granule, uint32_t block, const contract::TimeRange& range,
                   model::Selection& rows, contract::ScanStats& stats);

// Predicates.
contract::Predicate equals(std::string field, std::string value);
contract::Predicate one_of(std::string field, const std::vector<std::string>& values);
contract::Predicate contains(std::string field, std::string part);
contract::Predicate exists(std::string field);
contract::Predicate at_least(std::string field, double value);
contract::Predicate at_most(std::string field, double value);
contract::Predicate any_of(std::vector<contract::Predicate> children);
contract::Predicate all_of(std::vector<contract::Predicate> children);
// The words of `text` in order, in any field, or in one.
contract::Predicate phrase(std::string text);
contract::Predicate phrase_in(std::string field, std::string text);

// The one text of a value in a vector; numbers and booleans as they print, arrays as JSON. Empty for null. What has to
// be made is kept by `keeper`.
std::string_view text_at(const model::Vector& column, uint32_t row, Records& keeper);
// A number of any type; nothing for other values.
std::optional<double> number_of(const model::Value& value);

}  // namespace clew::trace
