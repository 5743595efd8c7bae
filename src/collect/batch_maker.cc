#include "collect/batch_maker.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "model/own_fields.h"
#include "process/sent_lines.h"
#include "wire/intake.h"

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kRoomWait{200};
bool is_full(Code code) { return code == Code::kOverloaded || code == Code::kFull; }
constexpr std::chrono::seconds kLookWait{10};  // waits end by being told

// The same text for the rows from `first` to before `end`, its copies made of ever longer ones.
void add_to_rows(model::Column& column, uint32_t first, uint32_t end, std::string_view text) {
  if (first == end) return;
  size_t bytes = text.size() * (end - first);
  char* to = column.text_room(bytes + 1);
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  for (size_t have = text.size(); have > 0 && have < bytes;) {
    size_t more = std::min(have, bytes - have);
    std::memcpy(to + have, to, more);
    have += more;
  }
  for (uint32_t row = first; row < end; ++row) column.add_filled_text(row, model::Kind::kString, text.size());
}

}  // namespace

BatchMaker::BatchMaker(BatchOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      batch_(options_.dataset),
      encoder_(encoder_use(options_.compression)),
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
}

void BatchMaker::add_line(process::LineParser& parser, std::string_view line, std::span<const EventField> fields,
                          std::optional<int64_t> unix_nanos) {
  end_sent_lines();
  if (!parser.parse_line(line, unix_nanos)) return;
  note_line(line.size());
  lines_read_.add();
  add_fields(batch_.rows() - 1, fields);
}

void BatchMaker::begin_sent_lines(std::string_view note, int64_t unix_nanos, std::span<const EventField> fields) {
  end_sent_lines();
  sent_.first_row = batch_.rows();
  sent_.unix_nanos = unix_nanos;
  sent_.note = note;
  sent_.strings.clear();
  sent_.numbers.clear();
  for (const EventField& field : fields)
    (field.number ? sent_.numbers : sent_.strings).emplace_back(field.name, field.value);
  sent_raw_ = column(model::kRawField);
}

void BatchMaker::add_sent_line(std::string_view line) {
  if (process::is_blank_line(line)) return;
  note_line(line.size());
  sent_raw_->add_string(batch_.begin_row(), line);
}

// The value of every sent line that has no other.
void BatchMaker::fill_sent(const EventField& field) {
  model::Column* to = column(field.name);
  if (to->rows_end() > sent_.first_row) return;
  to->note_origins(model::bit(model::Origin::kResource));
  if (!field.number) return add_to_rows(*to, sent_.first_row, batch_.rows(), field.value);
  for (uint32_t row = sent_.first_row; row < batch_.rows(); ++row) to->add_number(row, field.value);
}

void BatchMaker::end_sent_lines() {
  if (sent_raw_ == nullptr) return;
  sent_raw_ = nullptr;
  if (batch_.rows() == sent_.first_row) return;
  lines_read_.add(batch_.rows() - sent_.first_row);
  model::Column* time = column(model::kTimeField);
  model::Column* note = column(model::kLineField);
  for (uint32_t row = sent_.first_row; row < batch_.rows(); ++row) time->add_time(row, sent_.unix_nanos);
  add_to_rows(*note, sent_.first_row, batch_.rows(), sent_.note);
  for (const auto& [name, text] : options_.fields) fill_sent({name, text});
  for (const auto& [name, text] : sent_.strings) fill_sent({name, text});
  for (const auto& [name, text] : sent_.numbers) fill_sent({name, text, true});
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
  end_sent_lines();
  if (batch_.rows() == 0 || made_) return;
  made_ = true;
  counts_.read += batch_.rows();
  std::vector<model::Batch*> out = options_.process ? options_.process(batch_) : std::vector{&batch_};
  std::vector<std::string> parts;
  for (model::Batch* one : out) {
    if (one->rows() == 0) continue;
    if (options_.clean) options_.clean(*one);
    parts.push_back(encoder_.encode(*one));
    encoded_rows_ += one->rows();
  }
  counts_.queued += encoded_rows_;
  if (!parts.empty()) encoded_ = make_entry(parts, options_.compression);
  if (!options_.dropped) return;
  for (const auto& [rule, events] : *options_.dropped) counts_.dropped[rule] += events;
  options_.dropped->clear();
}

Status BatchMaker::flush_soon(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop) {
  if (batch_.rows() == 0 && places.empty()) return wait_appended(&stop);
  make_batches();  // while the one before is still appended
  CLEW_TRY(wait_appended(&stop));
  Job job{.entry = std::exchange(encoded_, {}), .rows = std::exchange(encoded_rows_, 0), .places = {}, .stop = &stop};
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

// Waits while the queue is full.
Status BatchMaker::append(const Job& job) {
  if (job.rows == 0 && job.places.empty()) return {};
  while (true) {
    Result<uint64_t> appended = queue_.append(job.entry, job.rows, job.places);
    if (appended.ok()) return {};
    if (!is_full(appended.error().code()) || *job.stop) return appended.error();
    queue_.wait_room(job.entry.size(), kRoomWait);
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
