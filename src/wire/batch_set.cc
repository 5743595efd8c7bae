#include "wire/batch_set.h"

namespace clew::wire {
namespace {

constexpr size_t kLanesMax = 256;  // remembered from request to request

}  // namespace

void BatchSet::begin(const Intake& intake, size_t input_bytes) {
  ++request_;
  input_bytes_ = input_bytes;
  intake_ = intake;
  last_ = nullptr;
  used_.clear();
  if (lanes_.size() > kLanesMax) lanes_.clear();
}

BatchSet::Lane& BatchSet::lane(std::string_view dataset) {
  if (last_ != nullptr && last_->dataset == dataset) return *last_;
  std::unique_ptr<Lane>& lane = lanes_[std::string(dataset)];
  if (lane == nullptr) {
    lane = std::make_unique<Lane>();
    lane->dataset = dataset;
  }
  if (lane->request != request_) {
    lane->request = request_;
    lane->place = static_cast<uint32_t>(used_.size());
    lane->batch = model::Batch(lane->dataset);
    lane->rows.attach(lane->batch, intake_, input_bytes_);
    used_.push_back(lane.get());
  }
  last_ = lane.get();
  return *last_;
}

std::vector<model::Batch> BatchSet::take(std::vector<uint32_t>* places) {
  std::vector<model::Batch> out;
  for (Lane* lane : used_) {
    bool empty = lane->batch.rows() == 0;
    if (places != nullptr) places->push_back(empty ? kNoBatch : static_cast<uint32_t>(out.size()));
    if (!empty) lane->rows.note_sizes();
    if (!empty) out.push_back(std::move(lane->batch));
    lane->batch = model::Batch(lane->dataset);
  }
  return out;
}

}  // namespace clew::wire
