// Lines that an agent sends as they are, for the server to read: the agent then costs little more than the redaction
// and the compression of its bytes. In such a batch a row is `_raw`, the line or event; `_line`, how it is to be read;
// `_time`, see LineNote; and fields of the agent's own. Reading gives what reading at the agent would have given.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/batch.h"

namespace clew::process {

// The value of `_line`, of lines of prose (Format::kPlain): "plain ZONE", or "plain ZONE follows SECONDS".
struct LineNote {
  std::string_view zone;  // of times that do not say theirs
  bool follows = false;   // `_time` is that of a line before in the file, which a line without a time takes; else it is
                          // when the line arrived
  int64_t arrival_seconds = 0;  // with `follows`: when the line arrived, Unix time; 0 where the note does not say it
};
std::string print_line_note(const LineNote& note);

// Replaces the rows that have `_line` by what their lines say, in place: each row stays one row. A batch without any is
// given back as it came.
// Errors: kInvalid for a `_line` that is no note, or without `_raw`.
Result<model::Batch> read_sent_lines(model::Batch batch);

}  // namespace clew::process
