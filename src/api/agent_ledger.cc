#include "api/agent_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace clew::api {
namespace {

constexpr uint64_t kRewriteBytes = 4u << 20;  // and twice what was left of it the last time
constexpr size_t kIntervalsMax = 64;          // gaps between sequences that are told apart: batches come about in order
constexpr uint64_t kCountMax = uint64_t{1} << 62;
constexpr size_t kTextBytesMax = 1'024;

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

uint64_t number(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::string text(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Status take_counts(const Json& from, std::initializer_list<const char*> names, Json& to) {
  for (const char* name : names) {
    std::optional<uint64_t> value = CLEW_TRY(number_member(from, name, kCountMax));
    to[name] = value.value_or(0);
  }
  return {};
}

Status take_texts(const Json& from, std::initializer_list<const char*> names, Json& to) {
  for (const char* name : names) {
    std::optional<std::string> value = CLEW_TRY(text_member(from, name));
    to[name] = value.value_or("").substr(0, kTextBytesMax);
  }
  return {};
}

Error no_object(const std::string& name) { return Error(Code::kInvalid, name + ": expected an object"); }

Result<Json> read_source(const std::string& name, const Json& given) {
  if (!given.is_object()) return no_object("sources." + name);
  Json source = Json::object();
  CLEW_TRY(take_counts(given, {"read", "queued"}, source));
  source["dropped"] = Json::object();
  auto dropped = given.find("dropped");
  if (dropped == given.end()) return source;
  if (!dropped->is_object()) return no_object("sources." + name + ".dropped");
  for (const auto& rule : dropped->items()) {
    if (!rule.value().is_number_unsigned()) {
      return Error(Code::kInvalid, "sources." + name + ".dropped: expected numbers of events");
    }
    source["dropped"][rule.key()] = rule.value();
  }
  return source;
}

// What is known of a report, checked.
Result<Json> read_report(const Json& body) {
  Json report = Json::object();
  CLEW_TRY(take_texts(body, {"producer", "host", "directory", "version"}, report));
  if (text(report, "producer").empty())
    return Error(Code::kInvalid, "producer: the name of the agent's queue is missing");
  CLEW_TRY(
      take_counts(body, {"appended", "waiting", "acknowledged", "refused", "damaged", "oldest_ms", "servers"}, report));
  bool mirror = CLEW_TRY(bool_member(body, "mirror", false));
  report["mirror"] = mirror;
  report["sources"] = Json::object();
  auto sources = body.find("sources");
  if (sources == body.end()) return report;
  if (!sources->is_object()) return no_object("sources");
  if (sources->size() > AgentLedger::kSourcesMax) return Error(Code::kTooLarge, "sources: more than 1,000");
  for (const auto& source : sources->items()) {
    Json read = CLEW_TRY(read_source(source.key(), source.value()));
    report["sources"][source.key()] = std::move(read);
  }
  return report;
}

}  // namespace

Result<std::unique_ptr<AgentLedger>> AgentLedger::open(os::Disk& disk, const os::Clock& clock, std::string path) {
  std::unique_ptr<AgentLedger> ledger(new AgentLedger(disk, clock, std::move(path)));
  CLEW_TRY(ledger->load());
  return ledger;
}

Status AgentLedger::load() {
  base::MutexLock lock(mutex_);
  auto there = disk_.open(path_, os::OpenMode::kRead);
  if (!there.ok() && there.error().code() != Code::kNotFound) return std::move(there).error();
  std::string lines;
  if (there.ok()) {
    uint64_t bytes = CLEW_TRY((*there)->size_bytes());
    lines = CLEW_TRY((*there)->read_at(0, bytes));
  }
  std::string_view rest = lines;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    Json json = Json::parse(line, nullptr, false);
    if (json.is_object()) apply(json);
  }
  return rewrite();
}

AgentLedger::Agent& AgentLedger::agent_of(const Name& name) {
  if (agents_.size() >= kAgentsMax && !agents_.contains(name)) {
    agents_.erase(std::min_element(agents_.begin(), agents_.end(),
                                   [](const auto& a, const auto& b) { return a.second.seen < b.second.seen; }));
  }
  return agents_[name];
}

// False when it was noted before.
bool AgentLedger::note_sequence(Agent& agent, uint64_t sequence) {
  if (sequence < agent.counted_below) return false;
  auto next = agent.counted.upper_bound(sequence);
  auto before = next == agent.counted.begin() ? agent.counted.end() : std::prev(next);
  if (before != agent.counted.end() && sequence <= before->second) return false;
  uint64_t to = sequence;
  if (next != agent.counted.end() && next->first == sequence + 1) {
    to = next->second;
    agent.counted.erase(next);
  }
  if (before != agent.counted.end() && before->second + 1 == sequence) {
    before->second = to;
  } else {
    agent.counted[sequence] = to;
  }
  if (agent.counted.size() > kIntervalsMax) {
    agent.counted.erase(agent.counted.begin());
    agent.counted_below = agent.counted.begin()->first;
  }
  return true;
}

// Takes one line, new or of the file; the members of its kind.
void AgentLedger::apply(const Json& line) {
  Agent& agent = agent_of({text(line, "tenant"), text(line, "producer")});
  if (auto at = line.find("at"); at != line.end() && at->is_number_integer()) agent.seen = at->get<int64_t>();
  if (auto batch = line.find("batch"); batch != line.end()) {
    uint64_t events = number(line, "events");
    if (!note_sequence(agent, number(line, "batch"))) {
      agent.counts.duplicate += events;
    } else {
      ++agent.counts.batches;
      agent.counts.stored += events;
      agent.counts.dropped += less(events, number(line, "kept"));
    }
  }
  agent.counts.rejected += number(line, "rejected");
  if (auto state = line.find("state"); state != line.end() && state->is_object()) {
    agent.counts = {.batches = number(*state, "batches"),
                    .stored = number(*state, "stored"),
                    .dropped = number(*state, "dropped"),
                    .duplicate = number(*state, "duplicate"),
                    .rejected = number(*state, "rejected")};
    agent.elsewhere = number(*state, "elsewhere");
    agent.counted_below = number(*state, "counted_below");
    for (const Json& interval : state->value("counted", Json::array())) {
      if (!interval.is_array() || interval.size() != 2) continue;
      if (!interval[0].is_number_unsigned() || !interval[1].is_number_unsigned()) continue;
      agent.counted[interval[0].get<uint64_t>()] = interval[1].get<uint64_t>();
    }
  }
  auto report = line.find("report");
  if (report == line.end() || !report->is_object()) return;
  Result<Json> known = read_report(*report);  // a file may be damaged
  if (!known.ok()) return;
  bool first = agent.report.is_null() && !line.contains("state");
  agent.report = std::move(known).take();
  // Every answer is counted before it is given: what the agent knows more of was stored by another server.
  if (first) {
    agent.elsewhere = less(number(*report, "acknowledged"), number(*report, "refused") + agent.counts.stored);
  }
}

// A line that could not be written is made good by the next report.
void AgentLedger::append(const Json& line) {
  apply(line);
  std::string bytes = dump_json(line) + "\n";
  if (failed_ || !file_->write_at(file_bytes_, bytes).ok()) {
    failed_ = true;
    return;
  }
  file_bytes_ += bytes.size();
}

void AgentLedger::accepted(const contract::Access& access, const contract::BatchKey& key, uint64_t events,
                           uint64_t kept) {
  base::MutexLock lock(mutex_);
  append({{"tenant", access.tenant.get()},
          {"producer", key.producer},
          {"at", clock_.now().get()},
          {"batch", key.sequence},
          {"events", events},
          {"kept", kept}});
}

void AgentLedger::rejected(const contract::Access& access, const std::string& producer, uint64_t events) {
  base::MutexLock lock(mutex_);
  append({{"tenant", access.tenant.get()}, {"producer", producer}, {"at", clock_.now().get()}, {"rejected", events}});
}

Status AgentLedger::report(const contract::Access& access, std::string_view body) {
  Json given =
      CLEW_TRY(parse_object(body, {"producer", "host", "directory", "version", "appended", "waiting", "acknowledged",
                                   "refused", "damaged", "oldest_ms", "servers", "mirror", "sources"}));
  Json report = CLEW_TRY(read_report(given));
  std::shared_ptr<os::File> file;
  {
    base::MutexLock lock(mutex_);
    append({{"tenant", access.tenant.get()},
            {"producer", report["producer"]},
            {"at", clock_.now().get()},
            {"report", std::move(report)}});
    if (failed_ || file_bytes_ >= rewrite_at_) return rewrite();
    file = file_;
  }
  Status synced = file->sync();
  if (synced.ok()) return {};
  base::MutexLock lock(mutex_);
  failed_ = true;
  return synced;
}

Json AgentLedger::state_line(const Name& name, const Agent& agent) {
  Json counted = Json::array();
  for (const auto& [from, to] : agent.counted) counted.push_back(Json::array({from, to}));
  Json line = {{"tenant", name.first},
               {"producer", name.second},
               {"at", agent.seen},
               {"state",
                {{"batches", agent.counts.batches},
                 {"stored", agent.counts.stored},
                 {"dropped", agent.counts.dropped},
                 {"duplicate", agent.counts.duplicate},
                 {"rejected", agent.counts.rejected},
                 {"elsewhere", agent.elsewhere},
                 {"counted_below", agent.counted_below},
                 {"counted", std::move(counted)}}}};
  if (!agent.report.is_null()) line["report"] = agent.report;
  return line;
}

// A line for each agent, in a new file.
Status AgentLedger::rewrite() {
  std::string lines;
  for (const auto& [name, agent] : agents_) lines += dump_json(state_line(name, agent)) + "\n";
  std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path_ + ".new", os::OpenMode::kReplace));
  if (!lines.empty()) CLEW_TRY(file->write_at(0, lines));
  CLEW_TRY(file->sync());
  CLEW_TRY(disk_.rename(path_ + ".new", path_));
  file_ = std::move(file);
  file_bytes_ = lines.size();
  rewrite_at_ = std::max<uint64_t>(kRewriteBytes, 2 * file_bytes_);
  failed_ = false;
  size_t slash = path_.rfind('/');
  return disk_.sync_dir(slash == std::string::npos ? "." : path_.substr(0, slash));
}

Json AgentLedger::agent_json(const std::string& producer, const Agent& agent, int64_t now) const {
  const Json& said = agent.report;
  Json out = {{"producer", producer}};
  for (const char* name : {"host", "directory", "version"}) out[name] = said.is_null() ? "" : text(said, name);
  auto count = [&said](const char* name) { return said.is_null() ? 0 : number(said, name); };
  out["seen"] = rfc3339(agent.seen);
  int64_t silent_ms = std::max<int64_t>(0, now - agent.seen) / 1'000'000;
  out["silent_seconds"] = static_cast<double>(silent_ms) / 1e3;
  uint64_t waiting = count("waiting");
  double lag_ms = waiting == 0 ? 0 : static_cast<double>(count("oldest_ms")) + static_cast<double>(silent_ms);
  out["lag_seconds"] = lag_ms / 1e3;
  Json sources = Json::array();
  uint64_t read = 0;
  uint64_t dropped = 0;
  if (!said.is_null()) {
    for (const auto& source : said["sources"].items()) {
      Json one = {{"source", source.key()}};
      one.update(source.value());
      read += number(one, "read");
      for (const auto& rule : one["dropped"].items()) dropped += rule.value().get<uint64_t>();
      sources.push_back(std::move(one));
    }
  }
  out["read"] = read;
  out["dropped"] = dropped;
  for (const char* name : {"appended", "waiting", "acknowledged", "refused"}) out[name] = count(name);
  out["elsewhere"] = agent.elsewhere;
  out["stored"] = agent.counts.stored - agent.counts.dropped;
  out["dropped_here"] = agent.counts.dropped;
  out["duplicate"] = agent.counts.duplicate;
  out["rejected"] = agent.counts.rejected;
  uint64_t in_queue = less(count("appended"), waiting + count("acknowledged"));
  // With several servers that stand in for each other each has a part, and only the agent knows the whole.
  bool alone = count("servers") <= 1 || (!said.is_null() && said.value("mirror", false));
  uint64_t here =
      alone ? less(count("acknowledged"), count("refused") + agent.elsewhere + agent.counts.stored) : uint64_t{0};
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
    missing += agents.back()["missing"].get<uint64_t>();
  }
  return {{"missing", missing}, {"agents", std::move(agents)}};
}

}  // namespace clew::api
