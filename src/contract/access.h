// Who asks. Every call on a source or sink carries one; it is made at the one place where requests are authenticated.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"

namespace clew::contract {

struct Access {
  TenantId tenant{"default"};
  // Datasets that may be read or written; empty means all of the tenant.
  std::vector<std::string> datasets;
};

}  // namespace clew::contract
