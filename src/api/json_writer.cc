#include "api/json_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "query/encode.h"
#include "text/utf8.h"

namespace clew::api {

void JsonWriter::separate() {
  if (!first_) out_.push_back(',');
  first_ = false;
}

void JsonWriter::open(char c) {
  separate();
  out_.push_back(c);
  first_ = true;
}

void JsonWriter::close(char c) {
  out_.push_back(c);
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  text(name);
  out_.push_back(':');
  first_ = true;
}

void JsonWriter::text(std::string_view value) {
  separate();
  query::append_json_string(value, out_);
}

void JsonWriter::number(int64_t value) {
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", value);
}

void JsonWriter::real(double value) {
  separate();
  if (!std::isfinite(value))
    out_ += "null";
  else
    fmt::format_to(std::back_inserter(out_), "{:.15g}", value);
}

void JsonWriter::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::value(const model::Value& value) {
  separate();
  query::append_json(value, out_);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

}  // namespace clew::api
