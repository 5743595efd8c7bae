// BatchSet: the batches that one request fills, one per dataset, each with a writer and a JSON reader that remember its
// documents from request to request.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire/json_event.h"
#include "wire/row_writer.h"

namespace clew::wire {

// Threads: one.
class BatchSet {
 public:
  struct Lane {
    std::string dataset;
    model::Batch batch;
    RowWriter rows;
    JsonEventReader reader{rows};
    uint32_t place = 0;    // among the batches of this request
    uint64_t request = 0;  // that used the lane last
  };

  // `input_bytes`: of the request; makes room ahead by what the one before needed.
  void begin(const Intake& intake, size_t input_bytes = 0);
  // The lane of a dataset; stays where it is until the next begin().
  Lane& lane(std::string_view dataset);
  // The batches with rows, in order of first use, and where each lane's batch went: places[lane.place] is its index, or
  // kNoBatch for a lane without rows.
  std::vector<model::Batch> take(std::vector<uint32_t>* places = nullptr);
  static constexpr uint32_t kNoBatch = UINT32_MAX;

 private:
  uint64_t request_ = 0;
  size_t input_bytes_ = 0;
  Intake intake_;
  Lane* last_ = nullptr;
  std::vector<Lane*> used_;
  std::unordered_map<std::string, std::unique_ptr<Lane>> lanes_;
};

}  // namespace clew::wire
