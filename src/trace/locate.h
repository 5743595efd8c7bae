// From an event's `_id`, or from its line as somebody copied it, to the event.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "trace/loader.h"

namespace clew::trace {

// Where to look.
struct Where {
  contract::Access access;
  std::vector<std::string> datasets;  // empty: all but is_own_dataset
  contract::TimeRange range;
};

// Both give the event, which lives in `found`, or null when there is none.
// Errors: kCancelled; kIo.

// The event of that `_id`. Where a client gave one `_id` to several, the one stored last.
Result<const Record*> event_of_id(Loader& loader, std::string_view id, const Where& where, std::stop_token stop,
                                  Records& found);
// The event whose message the text is, or holds behind a time and a level; of equal ones that of the text's time, else
// the newest.
Result<const Record*> event_of_line(Loader& loader, std::string_view text, const Where& where, std::stop_token stop,
                                    Records& found);

}  // namespace clew::trace
