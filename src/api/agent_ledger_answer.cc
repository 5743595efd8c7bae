// What the ledger answers: what agents say, beside what was counted here.
#include <algorithm>

#include "api/agent_ledger.h"

namespace clew::api {
namespace {

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

uint64_t number(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

double seconds(double millis) { return millis / 1e3; }

}  // namespace

// With several servers that stand in for each other each has a part, and only the agent knows the whole.
bool AgentLedger::is_alone(const Agent& agent) {
  return number(agent.report, "servers") <= 1 || agent.report.value("mirror", false);
}

// What the agent says of a source, and what was counted here; `missing` of all of the agent's is what it lacks at most.
Json AgentLedger::source_json(const std::string& name, const Json& said, const Agent& agent, uint64_t missing) {
  Json out = {{"source", name}};
  out.update(said);
  auto found = agent.sources.find(name);
  Source source = found == agent.sources.end() ? Source() : found->second;
  const Counts& counts = source.counts;
  out["stored"] = counts.stored - std::min(counts.stored, counts.dropped);
  out["dropped_here"] = counts.dropped;
  out["duplicate"] = counts.duplicate;
  out["rejected"] = counts.rejected;
  out["elsewhere"] = source.elsewhere;
  out["flagged"] = counts.flags.json();
  out["flagged_percent"] = counts.flags.percent(counts.stored);
  if (!said.contains("waiting")) return out;
  uint64_t gone = less(number(said, "queued"), number(said, "waiting"));
  uint64_t lacking = less(gone, number(said, "refused") + source.elsewhere + counts.stored);
  out["missing"] = is_alone(agent) ? std::min(lacking, missing) : number(said, "damaged");
  out["acknowledged"] = less(gone, number(out, "missing"));
  return out;
}

Json AgentLedger::agent_json(const std::string& producer, const Agent& agent, int64_t now) {
  static const Json kNothing = Json::object();
  const Json& said = agent.report.is_null() ? kNothing : agent.report;
  Json out = {{"producer", producer}};
  for (const char* name : {"host", "directory", "version"}) out[name] = said.value(name, "");
  out["seen"] = rfc3339(agent.seen);
  int64_t silent_ms = std::max<int64_t>(0, now - agent.seen) / 1'000'000;
  out["silent_seconds"] = seconds(static_cast<double>(silent_ms));
  uint64_t waiting = number(said, "waiting");
  out["lag_seconds"] =
      waiting == 0 ? 0.0 : seconds(static_cast<double>(number(said, "oldest_ms")) + static_cast<double>(silent_ms));
  uint64_t in_queue = less(number(said, "appended"), waiting + number(said, "acknowledged"));
  uint64_t counted = number(said, "refused") + agent.elsewhere + agent.counts.stored;
  uint64_t here = is_alone(agent) ? less(number(said, "acknowledged"), counted) : uint64_t{0};
  Json sources = Json::array();
  uint64_t read = 0;
  uint64_t dropped = 0;
  const Json told = said.value("sources", Json::object());
  for (const auto& source : told.items()) {
    Json one = source_json(source.key(), source.value(), agent, in_queue + here);
    read += number(one, "read");
    for (const auto& rule : one["dropped"].items()) dropped += rule.value().get<uint64_t>();
    sources.push_back(std::move(one));
  }
  out["read"] = read;
  out["dropped"] = dropped;
  for (const char* name : {"appended", "waiting", "acknowledged", "refused"}) out[name] = number(said, name);
  out["elsewhere"] = agent.elsewhere;
  out["stored"] = agent.counts.stored - std::min(agent.counts.stored, agent.counts.dropped);
  out["dropped_here"] = agent.counts.dropped;
  out["duplicate"] = agent.counts.duplicate;
  out["rejected"] = agent.counts.rejected;
  out["flagged"] = agent.counts.flags.json();
  out["flagged_percent"] = agent.counts.flags.percent(agent.counts.stored);
  out["missing_in_queue"] = in_queue;
  out["missing_here"] = here;
  out["missing"] = in_queue + here;
  out["sources"] = std::move(sources);
  return out;
}

Json AgentLedger::answer(const contract::Access& access) const {
  base::MutexLock lock(mutex_);
  int64_t now = clock_.now().get();
  Json agents = Json::array();
  uint64_t missing = 0;
  for (const auto& [name, agent] : agents_) {
    if (name.first != access.tenant.get()) continue;
    agents.push_back(agent_json(name.second, agent, now));
    missing += number(agents.back(), "missing");
  }
  return {{"missing", missing}, {"agents", std::move(agents)}};
}

}  // namespace clew::api
