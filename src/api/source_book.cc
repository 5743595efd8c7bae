#include "api/source_book.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace clew::api {
namespace {

constexpr std::chrono::seconds kSaveEvery{2};

uint64_t number(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

using Counts = std::map<std::string, uint64_t, std::less<>>;

void add_to(Counts& counts, std::string_view name, uint64_t events) {
  auto known = counts.find(name);
  if (known == counts.end()) known = counts.emplace(std::string(name), 0).first;
  known->second += events;
}

Json json_of(const Counts& counts) {
  Json out = Json::object();
  for (const auto& [name, events] : counts) out[name] = events;
  return out;
}

void read_counts(const Json& json, const char* name, Counts& counts) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_object()) return;
  for (const auto& one : found->items()) {
    if (one.value().is_number_unsigned()) counts[one.key()] = one.value().get<uint64_t>();
  }
}

uint64_t sum(const Counts& counts) {
  uint64_t all = 0;
  for (const auto& [name, events] : counts) all += events;
  return all;
}

}  // namespace

void SourceTally::dropped(std::string_view rule, uint64_t events) {
  base::MutexLock lock(mutex_);
  add_to(dropped_, rule, events);
}

void SourceTally::rejected(std::string_view reason, uint64_t events) {
  base::MutexLock lock(mutex_);
  add_to(rejected_, reason, events);
}

void SourceTally::flagged(const FlagCounts& counts) {
  if (!counts.any()) return;
  base::MutexLock lock(mutex_);
  flagged_.add(counts);
}

uint64_t SourceTally::answered() const { return stored_ + duplicate_ + sum(dropped_) + sum(rejected_); }

Json SourceTally::json() const {
  base::MutexLock lock(mutex_);
  uint64_t answered = this->answered();  // before what was received: it does not seem more
  return {{"received", std::max<uint64_t>(received_, answered)},
          {"stored", stored_.load()},
          {"duplicate", duplicate_.load()},
          {"dropped", json_of(dropped_)},
          {"rejected", json_of(rejected_)},
          {"flagged", flagged_.json()},
          {"flagged_percent", flagged_.percent(stored_)},
          {"open", std::max<uint64_t>(received_, answered) - answered}};
}

// What was open when the process ended was never answered: whoever sent it sends it again, or was told.
void SourceTally::read(const Json& json) {
  base::MutexLock lock(mutex_);
  stored_ = number(json, "stored");
  duplicate_ = number(json, "duplicate");
  read_counts(json, "dropped", dropped_);
  read_counts(json, "rejected", rejected_);
  if (auto flagged = json.find("flagged"); flagged != json.end()) flagged_.read(*flagged);
  received_ = seen_received_ = answered();
  udp_dropped_before_ = number(json, "udp_dropped");
  if (auto seen = json.find("seen_ns"); seen != json.end() && seen->is_number_integer()) seen_ = seen->get<int64_t>();
}

Result<std::unique_ptr<SourceBook>> SourceBook::open(os::Disk& disk, const os::Clock& clock, base::Registry& metrics,
                                                     std::string path) {
  std::unique_ptr<SourceBook> book(new SourceBook(disk, clock, metrics, std::move(path)));
  CLEW_TRY(book->load());
  SourceBook* self = book.get();
  book->thread_ = std::jthread([self](const std::stop_token& stop) { self->save_on(stop); });
  pthread_setname_np(book->thread_.native_handle(), "clew-book");
  return book;
}

SourceBook::~SourceBook() {
  {
    base::MutexLock lock(mutex_);
    thread_.request_stop();
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  (void)save();
}

Status SourceBook::load() {
  auto file = disk_.open(path_, os::OpenMode::kRead);
  if (!file.ok()) return file.error().code() == Code::kNotFound ? Status() : Status(file.error());
  uint64_t bytes = CLEW_TRY((*file)->size_bytes());
  std::string text = CLEW_TRY((*file)->read_at(0, bytes));
  Json kept = Json::parse(text, nullptr, false);
  if (!kept.is_array()) return {};
  for (const Json& one : kept) {
    auto name = one.is_object() ? one.find("source") : one.end();
    if (!one.is_object() || name == one.end() || !name->is_string()) continue;
    of(name->get<std::string>()).read(one);
  }
  return {};
}

SourceTally& SourceBook::of(const std::string& source) {
  base::MutexLock lock(mutex_);
  std::unique_ptr<SourceTally>& counts = sources_[source];
  if (counts == nullptr) counts = std::make_unique<SourceTally>();
  return *counts;
}

// Notes when sources were heard of last.
void SourceBook::look() {
  for (auto& [name, counts] : sources_) {
    uint64_t received = counts->received_;
    if (std::exchange(counts->seen_received_, received) != received) counts->seen_ = clock_.now().get();
  }
}

Json SourceBook::source_json(const std::string& name, const SourceTally& counts) const {
  Json out = {{"source", name}};
  out.update(counts.json());
  uint64_t datagrams = metrics_.sum("clew_listener_datagrams_total", {{"source", name}});
  uint64_t lost =
      metrics_.sum("clew_listener_datagrams_dropped_total", {{"source", name}}) + counts.udp_dropped_before_;
  if (datagrams + lost > 0) out["udp_dropped"] = lost;
  out["seen_ns"] = counts.seen_;
  return out;
}

Status SourceBook::save() {
  base::MutexLock one(save_mutex_);
  Json all = Json::array();
  {
    base::MutexLock lock(mutex_);
    look();
    for (const auto& [name, counts] : sources_) all.push_back(source_json(name, *counts));
  }
  std::string text = dump_json(all) + "\n";
  if (text == saved_) return {};
  {
    std::unique_ptr<os::File> file = CLEW_TRY(disk_.open(path_ + ".new", os::OpenMode::kReplace));
    CLEW_TRY(file->write_at(0, text));
    CLEW_TRY(file->sync());
  }
  CLEW_TRY(disk_.rename(path_ + ".new", path_));
  size_t slash = path_.rfind('/');
  CLEW_TRY(disk_.sync_dir(slash == std::string::npos ? "." : path_.substr(0, slash)));
  saved_ = std::move(text);
  return {};
}

void SourceBook::save_on(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      base::MutexLock lock(mutex_);
      if (!stop.stop_requested()) wake_.wait_for(mutex_, kSaveEvery);
    }
    (void)save();  // a full disk: tried again with the next
  }
}

Json SourceBook::answer() const {
  base::MutexLock lock(mutex_);
  int64_t now = clock_.now().get();
  Json out = Json::array();
  for (const auto& [name, counts] : sources_) {
    Json one = source_json(name, *counts);
    if (one["received"] == 0 && !one.contains("udp_dropped")) continue;
    int64_t seen = counts->received_ != counts->seen_received_ ? now : counts->seen_;
    one.erase("seen_ns");
    one["seen"] = rfc3339(seen);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace clew::api
