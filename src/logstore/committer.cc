#include "logstore/committer.h"

#include <pthread.h>

#include <algorithm>

#include "base/check.h"
#include "columnar/part.h"

namespace clew::logstore {
namespace {

constexpr uint64_t kGroupBytesMax = 16u << 20;
// Writes without a key that commit within this time share one commit time, so that their ranges join into one
// (docs/decisions/0012-keyless-writes.md).
constexpr int64_t kKeylessTimeNs = 100'000'000;
constexpr auto kIdleWait = std::chrono::milliseconds(500);

std::string reason_of(Code code) {
  if (code == Code::kFull) return "full";
  if (code == Code::kOverloaded) return "overloaded";
  if (code == Code::kTooLarge) return "too_large";
  return code == Code::kUnavailable ? "unavailable" : "io";
}

}  // namespace

Committer::Committer(Engine& engine, bool own_thread) : engine_(engine), next_seq_(engine.first_free_seq) {
  if (!own_thread) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  pthread_setname_np(thread_.native_handle(), "clew-journal");
}

Committer::~Committer() { close(); }

void Committer::close() {
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
  }
  if (thread_.joinable()) {
    thread_.request_stop();
    wake_.notify_all();
    thread_.join();
  }
  commit_pending();
}

bool Committer::has_room() const {
  base::MutexLock lock(mutex_);
  return pending_bytes_ < engine_.options.pending_bytes_max;
}

Status Committer::submit(PendingWrite& write) {
  {
    base::MutexLock lock(mutex_);
    if (closed_) return Error(Code::kUnavailable, "the store is closing");
    if (!pending_.empty() && pending_bytes_ + write.bytes > engine_.options.pending_bytes_max) {
      return Error(Code::kOverloaded, "too many writes wait for the disk");
    }
    pending_bytes_ += write.bytes;
    pending_.push_back(std::move(write));
  }
  wake_.notify_one();
  return {};
}

std::vector<PendingWrite> Committer::take_group() {
  std::vector<PendingWrite> group;
  base::MutexLock lock(mutex_);
  uint64_t limit = std::min(kGroupBytesMax, engine_.options.journal_file_bytes / 2);
  uint64_t bytes = 0;
  size_t count = 0;
  while (count < pending_.size() && (count == 0 || bytes + pending_[count].bytes <= limit))
    bytes += pending_[count++].bytes;
  if (count == pending_.size()) {
    group.swap(pending_);
  } else {
    auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(pending_.begin(), end, std::back_inserter(group));
    pending_.erase(pending_.begin(), end);
  }
  pending_bytes_ -= bytes;
  return group;
}

void Committer::commit_pending() {
  for (auto group = take_group(); !group.empty(); group = take_group()) commit_group(group);
}

void Committer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      base::MutexLock lock(mutex_);
      if (pending_.empty() && !closed_) wake_.wait_for(mutex_, kIdleWait);
    }
    commit_pending();
  }
}

void Committer::commit_group(std::vector<PendingWrite>& group) {
  std::vector<std::pair<DatasetKey, PartPtr>> published;
  Status appended = append_group(group, published);
  if (!appended.ok()) {
    for (PendingWrite& write : group) refuse(write, appended.error());
    return;
  }
  engine_.catalog.publish(std::move(published), next_seq_ - 1);
  for (PendingWrite& write : group) answer(write);
  engine_.feed.ring();
}

Status Committer::append_group(std::vector<PendingWrite>& group,
                               std::vector<std::pair<DatasetKey, PartPtr>>& published) {
  CLEW_TRY(engine_.check_space());
  int64_t now = engine_.now();
  if (now < keyless_time_ || now - keyless_time_ >= kKeylessTimeNs) keyless_time_ = now;
  std::vector<std::string> metas;
  std::vector<std::vector<journal::Blob>> blobs(group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    Commit& commit = group[i].commit;
    commit.first_seq = next_seq_;
    commit.first_row = commit.keyed ? 0 : next_seq_;
    commit.commit_time = commit.keyed ? now : keyless_time_;
    next_seq_ += commit.rows;  // never given out again, also when the append fails: its bytes may be on disk
    metas.push_back(encode_commit(commit));
    for (size_t p = 0; p < group[i].parts.size(); ++p) blobs[i].push_back({group[i].parts[p], group[i].crcs[p]});
  }
  std::vector<journal::Entry> entries;
  for (size_t i = 0; i < group.size(); ++i) entries.push_back({metas[i], blobs[i]});

  uint64_t begin = engine_.clock.monotonic_ns();
  std::vector<journal::Place> places = CLEW_TRY(engine_.journal->append(entries));
  engine_.metrics.sync.observe_ns(engine_.clock.monotonic_ns() - begin);
  engine_.metrics.groups.add();
  for (size_t i = 0; i < group.size(); ++i) {
    engine_.metrics.journal_written_bytes.add(places[i].bytes);
    open_parts(group[i], places[i], published);
  }
  return {};
}

void Committer::open_parts(PendingWrite& write, const journal::Place& place,
                           std::vector<std::pair<DatasetKey, PartPtr>>& published) {
  const Commit& commit = write.commit;
  uint64_t row = 0;
  for (size_t p = 0; p < commit.parts.size(); ++p) {
    auto part = std::make_shared<PartEntry>();
    part->commit =
        columnar::CommitRange{Seq(commit.first_seq + row),   commit.parts[p].rows,   commit.key,
                              UnixNanos(commit.commit_time), commit.first_row + row, commit.keyed ? commit.rows : 0};
    part->bytes = place.blobs[p].bytes;
    part->file_number = place.file_number;
    auto source =
        columnar::open_part(place.file, place.blobs[p].offset, place.blobs[p].bytes, {part->commit}, write.ids[p]);
    if (!source.ok()) {
      // It is durable; that it cannot be read back just now must not make it invisible.
      auto bytes = std::make_shared<const std::string>(std::move(write.parts[p]));
      source = columnar::open_part(std::move(bytes), {part->commit});
      CHECK(source.ok(), source.ok() ? "" : source.error().message());
    }
    part->source = std::move(source).take();
    published.emplace_back(DatasetKey{commit.tenant, commit.parts[p].dataset}, std::move(part));
    row += commit.parts[p].rows;
  }
}

void Committer::answer(PendingWrite& write) {
  const Commit& commit = write.commit;
  contract::Ack ack{.key = commit.key,
                    .first_seq = Seq(commit.first_seq),
                    .first_row = commit.first_row,
                    .rows = commit.rows,
                    .duplicate = false,
                    .conflicts = commit.conflicts};
  std::vector<contract::EventSink::Done> waiting;
  if (commit.keyed) waiting = engine_.dedupe.finish(commit.tenant, ack);
  engine_.metrics.commits.add();
  for (const CommitPart& part : commit.parts) engine_.metrics.dataset(part.dataset).stored->add(part.rows);
  contract::Ack again = ack;
  again.duplicate = true;
  write.done(std::move(ack));
  for (auto& done : waiting) done(again);
}

void Committer::refuse(PendingWrite& write, const Error& error) {
  const Commit& commit = write.commit;
  std::vector<contract::EventSink::Done> waiting;
  if (commit.keyed) waiting = engine_.dedupe.abort(commit.tenant, commit.key);
  for (const auto& [dataset, id] : write.created) engine_.created_ids.forget(commit.tenant, dataset, id);
  for (const CommitPart& part : commit.parts) engine_.metrics.reject(part.dataset, reason_of(error.code()), part.rows);
  write.done(error);
  for (auto& done : waiting) done(error);
}

}  // namespace clew::logstore
