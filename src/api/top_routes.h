// /clew/v1/top: the heaviest values of fields and labels, and the standing lists.
#pragma once

#include <vector>

#include "api/routes.h"
#include "topk/lists.h"

namespace clew::api {

// Lifetime: both outlive the routes.
std::vector<Route> top_routes(ServerParts& parts, const topk::Lists& lists);

}  // namespace clew::api
