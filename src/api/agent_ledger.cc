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
constexpr int64_t kMarkNanos = 15'000'000'000;

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
  // Agents of before tell these of the whole alone.
  if (given.contains("waiting")) CLEW_TRY(take_counts(given, {"waiting", "refused", "damaged", "sent"}, source));
  if (given.contains("udp_dropped")) CLEW_TRY(take_counts(given, {"udp_dropped"}, source));
  if (auto lag = given.find("lag_ms"); lag != given.end()) {
    if (!lag->is_object()) return no_object("sources." + name + ".lag_ms");
    source["lag_ms"] = Json::object();
    CLEW_TRY(take_counts(*lag, {"last", "p50", "p99"}, source["lag_ms"]));
  }
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

bool tells_by_source(const Json& report) {
  const Json& sources = report["sources"];
  return !sources.empty() && sources.begin()->contains("waiting");
}

// `Counts` is the ledger's own.
template <class Counts>
void read_counts(const Json& json, Counts& counts) {
  counts.batches = number(json, "batches");
  counts.stored = number(json, "stored");
  counts.dropped = number(json, "dropped");
  counts.duplicate = number(json, "duplicate");
  counts.rejected = number(json, "rejected");
  if (auto flags = json.find("flags"); flags != json.end()) counts.flags.read(*flags);
}

template <class Counts>
Json counts_json(const Counts& counts) {
  Json out = {{"batches", counts.batches},
              {"stored", counts.stored},
              {"dropped", counts.dropped},
              {"duplicate", counts.duplicate},
              {"rejected", counts.rejected}};
  if (counts.flags.any()) out["flags"] = counts.flags.json();
  return out;
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

void AgentLedger::note_seq(uint64_t seq) { seq_ = std::max(seq_, seq); }

void AgentLedger::apply_batch(const Json& line, Agent& agent) {
  uint64_t events = number(line, "events");
  std::string source = text(line, "source");
  std::vector<Counts*> of{&agent.counts};
  if (!source.empty() && (agent.sources.contains(source) || agent.sources.size() < kSourcesMax)) {
    of.push_back(&agent.sources[source].counts);
  }
  bool refused = line.contains("rejected");
  bool is_new = !line.contains("batch") || note_sequence(agent, number(line, "batch"));
  FlagCounts flags;
  if (auto given = line.find("flags"); given != line.end()) flags.read(*given);
  for (Counts* counts : of) {
    if (refused) {
      if (is_new) counts->rejected += number(line, "rejected");
    } else if (!is_new) {
      counts->duplicate += events;
    } else {
      ++counts->batches;
      counts->stored += events;
      counts->dropped += less(events, number(line, "kept"));
      counts->flags.add(flags);
    }
  }
  note_seq(number(line, "seq"));
}

// Takes one line, new or of the file; the members of its kind.
void AgentLedger::apply(const Json& line) {
  if (auto from = line.find("recount_from"); from != line.end() && from->is_number_unsigned()) {
    older_.seq = std::max(older_.seq, from->get<uint64_t>());
    newer_.seq = std::max(newer_.seq, older_.seq);
    note_seq(older_.seq);
  }
  if (text(line, "producer").empty()) return;
  Agent& agent = agent_of({text(line, "tenant"), text(line, "producer")});
  if (auto at = line.find("at"); at != line.end() && at->is_number_integer()) agent.seen = at->get<int64_t>();
  if (line.contains("batch") || line.contains("rejected")) apply_batch(line, agent);
  if (auto state = line.find("state"); state != line.end() && state->is_object()) {
    read_counts(*state, agent.counts);
    agent.elsewhere = number(*state, "elsewhere");
    agent.recounted = number(*state, "recounted");
    agent.counted_below = number(*state, "counted_below");
    for (const Json& interval : state->value("counted", Json::array())) {
      if (!interval.is_array() || interval.size() != 2) continue;
      if (!interval[0].is_number_unsigned() || !interval[1].is_number_unsigned()) continue;
      agent.counted[interval[0].get<uint64_t>()] = interval[1].get<uint64_t>();
    }
    const Json sources = state->value("sources", Json::object());
    for (const auto& source : sources.items()) {
      if (!source.value().is_object()) continue;
      read_counts(source.value(), agent.sources[source.key()].counts);
      agent.sources[source.key()].elsewhere = number(source.value(), "elsewhere");
    }
  }
  apply_report(line, agent);
}

void AgentLedger::apply_report(const Json& line, Agent& agent) {
  auto report = line.find("report");
  if (report == line.end() || !report->is_object()) return;
  Result<Json> known = read_report(*report);  // a file may be damaged
  if (!known.ok()) return;
  bool is_state = line.contains("state");
  bool first = agent.report.is_null() && !is_state;
  bool told_by_source = !agent.report.is_null() && tells_by_source(agent.report);
  agent.report = std::move(known).take();
  // Every answer is counted before it is given: what the agent knows more of was stored by another server.
  if (first) {
    agent.elsewhere = less(number(agent.report, "acknowledged"), number(agent.report, "refused") + agent.counts.stored);
  }
  if (is_state || !tells_by_source(agent.report)) return;
  for (const auto& told : agent.report["sources"].items()) {
    Source& source = agent.sources[told.key()];
    uint64_t known_of = number(told.value(), "waiting") + number(told.value(), "refused") + source.elsewhere;
    uint64_t lacking = less(number(told.value(), "queued"), known_of + source.counts.stored);
    uint64_t recounted = std::min(lacking, agent.recounted);
    source.counts.stored += recounted;
    agent.recounted -= recounted;
    if (!told_by_source) source.elsewhere += std::min(lacking - recounted, agent.elsewhere);
  }
}

// A line that could not be written is made good by the next report.
void AgentLedger::append(Json line) {
  apply(line);
  int64_t now = clock_.now().get();
  if (now - newer_.at >= kMarkNanos) {
    older_ = newer_;
    newer_ = {now, seq_};
    line["recount_from"] = older_.seq;
  }
  std::string bytes = dump_json(line) + "\n";
  if (failed_ || !file_->write_at(file_bytes_, bytes).ok()) {
    failed_ = true;
    return;
  }
  file_bytes_ += bytes.size();
}

void AgentLedger::accepted(const contract::Access& access, const Batch& batch) {
  Json line = {{"tenant", access.tenant.get()},
               {"producer", batch.key.producer},
               {"at", clock_.now().get()},
               {"batch", batch.key.sequence},
               {"events", batch.events},
               {"kept", batch.kept},
               {"seq", batch.seq}};
  if (!batch.source.empty()) line["source"] = batch.source;
  if (batch.flags.any()) line["flags"] = batch.flags.json();
  base::MutexLock lock(mutex_);
  append(std::move(line));
}

void AgentLedger::rejected(const contract::Access& access, const Batch& batch) {
  Json line = {{"tenant", access.tenant.get()},
               {"producer", batch.key.producer},
               {"at", clock_.now().get()},
               {"batch", batch.key.sequence},
               {"rejected", batch.events}};
  if (!batch.source.empty()) line["source"] = batch.source;
  base::MutexLock lock(mutex_);
  append(std::move(line));
}

uint64_t AgentLedger::recount_from() const {
  base::MutexLock lock(mutex_);
  return older_.seq;
}

Status AgentLedger::recount(const contract::Access& access, const std::vector<Commit>& commits) {
  base::MutexLock lock(mutex_);
  bool any = false;
  for (const Commit& commit : commits) {
    auto agent = agents_.find({access.tenant.get(), commit.key.producer});
    if (agent == agents_.end() || !note_sequence(agent->second, commit.key.sequence)) continue;
    ++agent->second.counts.batches;
    agent->second.counts.stored += commit.events;
    agent->second.recounted += commit.events;
    any = true;
  }
  return any ? rewrite() : Status();
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

Json AgentLedger::state_line(const Name& name, const Agent& agent) const {
  Json state = counts_json(agent.counts);
  state["elsewhere"] = agent.elsewhere;
  state["recounted"] = agent.recounted;
  state["counted_below"] = agent.counted_below;
  state["counted"] = Json::array();
  for (const auto& [from, to] : agent.counted) state["counted"].push_back(Json::array({from, to}));
  state["sources"] = Json::object();
  for (const auto& [of, source] : agent.sources) {
    state["sources"][of] = counts_json(source.counts);
    state["sources"][of]["elsewhere"] = source.elsewhere;
  }
  Json line = {{"tenant", name.first},
               {"producer", name.second},
               {"at", agent.seen},
               {"state", std::move(state)},
               {"recount_from", older_.seq}};
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

}  // namespace clew::api
