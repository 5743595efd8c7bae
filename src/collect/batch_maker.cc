#include "collect/batch_maker.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "model/own_fields.h"
#include "process/sent_lines.h"
#include "wire/intake.h"

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kRoomWait{200};
bool is_full(Code code) { return code == Code::kOverloaded || code == Code::kFull; }
constexpr std::chrono::seconds kLookWait{10};  // waits end by being told

}  // namespace

BatchMaker::BatchMaker(BatchOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      batch_(options_.dataset),
      encoder_(options_.compressed ? columnar::BatchEncoder::Use::kTransfer
                                   : columnar::BatchEncoder::Use::kTransferPlain),
      lines_read_(metrics.counter("clew_agent_read_lines_total", "Lines read", {{"source", options_.source}})) {
  counts_ = kept_counts(queue, options_.source);
}

BatchMaker::~BatchMaker() {
  appender_.request_stop();
  base::MutexLock lock(mutex_);
  changed_.notify_all();
}

void BatchMaker::attach(process::LineParser& parser) {
  parser.attach(batch_, {.arrival = clock_.now(), .dataset = options_.dataset, .zone = options_.zone});
}

model::Column* BatchMaker::column(std::string_view name) {
  for (size_t looked = 0; looked < columns_.size(); ++looked) {
    size_t at =
        next_column_ + looked < columns_.size() ? next_column_ + looked : next_column_ + looked - columns_.size();
    if (columns_[at]->name() != name) continue;
    next_column_ = at + 1 == columns_.size() ? 0 : at + 1;
    return columns_[at];
  }
  columns_.push_back(batch_.column(name));
  return columns_.back();
}

void BatchMaker::add_fields(uint32_t row, std::span<const EventField> fields) {
  auto add = [&](const EventField& field) {
    model::Column* to = column(field.name);
    if (to->rows_end() > row) return;  // the event has its own
    to->note_origins(model::bit(model::Origin::kResource));
    if (field.number) {
      to->add_number(row, field.value);
    } else {
      to->add_string(row, field.value);
    }
  };
  for (const auto& [name, text] : options_.fields) add({name, text});
  for (const EventField& field : fields) add(field);
}

void BatchMaker::note_line(size_t bytes) {
  if (bytes_ == 0) begun_ns_ = clock_.monotonic_ns();
  bytes_ += bytes + 1;
  lines_read_.add();
}

void BatchMaker::add_line(process::LineParser& parser, std::string_view line, std::span<const EventField> fields,
                          std::optional<int64_t> unix_nanos) {
  if (!parser.parse_line(line, unix_nanos)) return;
  note_line(line.size());
  add_fields(batch_.rows() - 1, fields);
}

void BatchMaker::add_sent_line(std::string_view line, std::string_view note, int64_t unix_nanos,
                               std::span<const EventField> fields) {
  if (process::is_blank_line(line)) return;
  note_line(line.size());
  uint32_t row = batch_.begin_row();
  column(model::kTimeField)->add_time(row, unix_nanos);
  column(model::kRawField)->add_string(row, line);
  column(model::kLineField)->add_string(row, note);
  add_fields(row, fields);
}

bool BatchMaker::due() const {
  if (bytes_ == 0) return false;
  return batch_.rows() >= options_.rows_max || bytes_ >= options_.bytes_max ||
         clock_.monotonic_ns() - begun_ns_ >= options_.wait_nanos;
}

Status BatchMaker::flush(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop) {
  CLEW_TRY(flush_soon(places, stop));
  return wait_appended(nullptr);
}

// What was made of the batch stays when the queue does not take it: the next call goes on with it.
void BatchMaker::make_batches() {
  if (batch_.rows() == 0 || made_) return;
  made_ = true;
  counts_.read += batch_.rows();
  std::vector<model::Batch*> out = options_.process ? options_.process(batch_) : std::vector{&batch_};
  for (model::Batch* one : out) {
    if (options_.clean) options_.clean(*one);
    encoded_.emplace_back(encoder_.encode(*one), one->rows());
    counts_.queued += one->rows();
  }
  if (!options_.dropped) return;
  for (const auto& [rule, events] : *options_.dropped) counts_.dropped[rule] += events;
  options_.dropped->clear();
}

Status BatchMaker::flush_soon(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop) {
  if (batch_.rows() == 0 && places.empty()) return wait_appended(&stop);
  make_batches();  // while the one before is still appended
  CLEW_TRY(wait_appended(&stop));
  Job job{.batches = std::exchange(encoded_, {}), .places = {}, .stop = &stop};
  for (const auto& [source, place] : places) job.places.push_back({source, place});
  if (made_) job.places.push_back({counts_key(options_.source), print_counts(counts_)});
  if (!appender_.joinable()) {
    appender_ = std::jthread([this](const std::stop_token& ending) { append_jobs(ending); });
    pthread_setname_np(appender_.native_handle(), "clew-append");
  }
  {
    base::MutexLock lock(mutex_);
    job_ = std::move(job);
    changed_.notify_all();
  }
  batch_.clear();
  columns_.clear();  // a pipeline may have changed them
  next_column_ = 0;
  bytes_ = 0;
  made_ = false;
  ++number_;
  if (options_.pace) options_.pace(stop);
  return {};
}

Status BatchMaker::status() const {
  base::MutexLock lock(mutex_);
  return appended_;
}

// A batch that was held back is tried once more, where `stop` is given.
Status BatchMaker::wait_appended(const std::atomic<bool>* stop) {
  base::MutexLock lock(mutex_);
  if (stop != nullptr && held_) {
    held_->stop = stop;
    job_.swap(held_);
    held_.reset();
    changed_.notify_all();
  }
  while (job_) changed_.wait_for(mutex_, kLookWait);
  if (held_) return Error(Code::kOverloaded, "the queue is full");
  return appended_;
}

// The places move with the last: what was read counts as read when all of it is kept.
Status BatchMaker::append(Job& job) {
  while (job.batches.size() > 1) {
    CLEW_TRY(append_one(job, job.batches.front().first, job.batches.front().second, false));
    job.batches.erase(job.batches.begin());
  }
  if (!job.batches.empty()) return append_one(job, job.batches.front().first, job.batches.front().second, true);
  return job.places.empty() ? Status() : append_one(job, {}, 0, true);
}

// Waits while the queue is full.
Status BatchMaker::append_one(const Job& job, std::string_view batch, uint32_t rows, bool last) {
  while (true) {
    std::vector<contract::QueuePlace> places = last ? job.places : std::vector<contract::QueuePlace>();
    Result<uint64_t> appended = queue_.append(std::string(batch), rows, std::move(places));
    if (appended.ok()) return {};
    if (!is_full(appended.error().code()) || *job.stop) return appended.error();
    queue_.wait_room(batch.size(), kRoomWait);
  }
}

void BatchMaker::append_jobs(const std::stop_token& stop) {
  base::MutexLock lock(mutex_);
  while (true) {
    while (!job_ && !stop.stop_requested()) changed_.wait_for(mutex_, kLookWait);
    if (!job_) return;
    Job& job = *job_;  // stays in its place: only this thread takes it away
    mutex_.unlock();
    Status appended = append(job);
    mutex_.lock();
    bool full = !appended.ok() && is_full(appended.error().code());
    if (full) held_ = std::move(job_);
    if (!full && appended_.ok()) appended_ = appended;
    job_.reset();
    changed_.notify_all();
  }
}

}  // namespace clew::collect
