// The ledger: what agents say of themselves, and whether anything is missing.
#include "api/agent_ledger.h"
#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

}  // namespace

std::vector<Route> ledger_routes(ServerParts& parts) {
  AgentLedger* ledger = &parts.ledger;
  Handler report = [ledger](CallPtr call) {
    Status taken = ledger->report(call->access, call->request().body);
    if (!taken.ok()) return answer_error(*call, kShape, taken.error());
    call->exchange->answer({.headers = {}, .body = "{\"ok\":true}\n"});
  };
  Handler show = [ledger, sources = &parts.sources](CallPtr call) {
    Json all = ledger->answer(call->access);
    all["sources"] = sources->answer();
    answer_json(call, all);
  };
  return {{"POST", "/clew/v1/ledger", Need::kIngest, Place::kPool, kShape, report},
          {"GET", "/clew/v1/ledger", Need::kRead, Place::kHere, kShape, show}};
}

}  // namespace clew::api
