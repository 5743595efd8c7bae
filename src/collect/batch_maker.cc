#include "collect/batch_maker.h"

#include <chrono>

#include "wire/intake.h"

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kRoomWait{200};

}  // namespace

BatchMaker::BatchMaker(BatchOptions options, contract::Queue& queue, const os::Clock& clock, base::Registry& metrics)
    : options_(std::move(options)),
      queue_(queue),
      clock_(clock),
      batch_(options_.dataset),
      lines_read_(metrics.counter("clew_agent_read_lines_total", "Lines read", {{"source", options_.source}})) {}

void BatchMaker::attach(process::LineParser& parser) {
  parser.attach(batch_, {.arrival = clock_.now(), .dataset = options_.dataset, .zone = options_.zone});
}

void BatchMaker::add_line(process::LineParser& parser, std::string_view line, std::span<const EventField> fields,
                          std::optional<int64_t> unix_nanos) {
  if (!parser.parse_line(line, unix_nanos)) return;
  if (bytes_ == 0) begun_ns_ = clock_.monotonic_ns();
  bytes_ += line.size() + 1;
  lines_read_.add();
  uint32_t row = batch_.rows() - 1;
  auto add = [&](const EventField& field) {
    model::Column* column = batch_.column(field.name);
    if (column->rows_end() > row) return;  // the event has its own
    column->note_origins(model::bit(model::Origin::kResource));
    if (field.number) {
      column->add_number(row, field.value);
    } else {
      column->add_string(row, field.value);
    }
  };
  for (const auto& [name, text] : options_.fields) add({name, text});
  for (const EventField& field : fields) add(field);
}

bool BatchMaker::due() const {
  if (bytes_ == 0) return false;
  return batch_.rows() >= options_.rows_max || bytes_ >= options_.bytes_max ||
         clock_.monotonic_ns() - begun_ns_ >= options_.wait_nanos;
}

Status BatchMaker::append(const std::string& encoded, uint32_t rows, const std::map<std::string, std::string>& places,
                          const std::atomic<bool>& stop) {
  while (true) {
    std::vector<contract::QueuePlace> moved;
    for (const auto& [source, place] : places) moved.push_back({source, place});
    Result<uint64_t> appended = queue_.append(encoded, rows, std::move(moved));
    if (appended.ok()) return {};
    Code code = appended.error().code();
    if ((code != Code::kOverloaded && code != Code::kFull) || stop) return appended.error();
    queue_.wait_room(encoded.size(), kRoomWait);
  }
}

Status BatchMaker::flush(const std::map<std::string, std::string>& places, const std::atomic<bool>& stop) {
  if (batch_.rows() == 0 && places.empty()) return {};
  // What was made of the batch stays when the queue did not take it: the next call goes on with it.
  if (batch_.rows() > 0 && encoded_.empty()) {
    std::vector<model::Batch*> out = options_.process ? options_.process(batch_) : std::vector{&batch_};
    for (model::Batch* one : out) {
      if (options_.clean) options_.clean(*one);
      encoded_.emplace_back(encoder_.encode(*one), one->rows());
    }
  }
  // The places move with the last: what was read counts as read when all of it is kept.
  while (encoded_.size() > 1) {
    CLEW_TRY(append(encoded_.front().first, encoded_.front().second, {}, stop));
    encoded_.erase(encoded_.begin());
  }
  if (encoded_.empty()) {
    if (!places.empty()) CLEW_TRY(append({}, 0, places, stop));
  } else {
    CLEW_TRY(append(encoded_.front().first, encoded_.front().second, places, stop));
  }
  encoded_.clear();
  batch_.clear();
  bytes_ = 0;
  ++number_;
  return {};
}

}  // namespace clew::collect
