#include "wire/envelope_rows.h"

#include "model/json_text.h"
#include "wire/json_scan.h"

namespace clew::wire {

void EnvelopeRows::add(std::string_view name, std::string_view value) {
  comma();
  model::append_json_string(name, text_);
  text_.push_back(':');
  text_.append(value);
}

void EnvelopeRows::add_text(std::string_view name, std::string_view text) {
  comma();
  model::append_json_string(name, text_);
  text_.push_back(':');
  model::append_json_string(text, text_);
}

void EnvelopeRows::add_members(std::string_view object) {
  std::string_view inside = object.substr(1, object.size() - 2);
  if (inside.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  comma();
  text_.append(inside);
}

bool EnvelopeRows::end(std::string_view dataset, int64_t unix_nanos) {
  text_.push_back('}');
  BatchSet::Lane& lane = batches_.lane(dataset);
  lane.rows.begin_row();
  if (lane.reader.read(text_.data(), text_.data() + text_.size(), Newlines::kBlank) == nullptr) {
    lane.rows.abandon_row();
    return false;
  }
  if (unix_nanos != 0) lane.rows.time().note_parsed({.unix_nanos = unix_nanos});
  lane.rows.end_row();
  return true;
}

}  // namespace clew::wire
