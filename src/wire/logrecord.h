// A LogRecord of Python's logging.handlers.HTTPHandler: its attributes, form-encoded, one record a request.
//
// For the caller, POST and GET /api/v1/logrecord?dataset=NAME: the handler sends the form as the body of a POST
// (application/x-www-form-urlencoded) or, in its default, as the query of a GET: pass the undecoded query then. After
// the write 204 without a body; errors: net::http_status and the message. The dataset is intake.dataset, for POST only:
// the handler's own `url` may carry ?dataset=.
#pragma once

#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Every attribute becomes a field of its own type: numbers where logging has numbers, null for None, `args` an array of
// texts where it is a plain tuple. What `extra` added is typed by its look: numbers, True, False, None, else text. The
// handler sends `msg` before its arguments are put in: `message` is made from both where that is possible.
// Errors: kInvalid when the form has no field at all; kTooLarge beyond 10,000 fields.
Result<Events> decode_logrecord(std::string_view form, const Intake& intake);

}  // namespace clew::wire
