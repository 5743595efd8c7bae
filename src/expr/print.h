// Values as text: for people and files, and as JSON for answers.
#pragma once

#include <string>
#include <string_view>

#include "model/value.h"
#include "model/vector.h"

namespace clew::expr {

// The text form that cast(x as string) and csv give: timestamps `yyyy-MM-dd HH:mm:ss[.fraction]`, TRUE and FALSE,
// doubles in shortest form with at least one digit after the point, arrays `[1,"a"]`.
std::string print_value(const model::Value& value);

// JSON for answers: timestamps, dates and ips are strings, NaN and infinities null.
void append_json(const model::Value& value, std::string& out);
void append_json_string(std::string_view text, std::string& out);
// The same for one row of a vector, without making a Value.
void append_json(const model::Vector& vector, uint32_t row, std::string& out);

// `2024-02-01 09:10:00[.123]`; `1.0`, `1.5`, `1.0E10`.
std::string print_timestamp(int64_t unix_nanos);
void append_timestamp(int64_t unix_nanos, std::string& out);
std::string print_date(int64_t days);
std::string print_time(int64_t nanos_of_day);
void append_double(double value, std::string& out);
void append_decimal(int64_t mantissa, uint8_t scale, std::string& out);

}  // namespace clew::expr
