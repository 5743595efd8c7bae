#include "api/dataset_pipelines.h"

#include <algorithm>

namespace clew::api {

const pipeline::PipelinePtr* DatasetPipelines::find(const std::string& dataset) const {
  auto own = by_dataset_.find(dataset);
  if (own == by_dataset_.end()) own = by_dataset_.find("*");
  return own == by_dataset_.end() ? nullptr : &own->second;
}

std::unique_ptr<pipeline::Runner> DatasetPipelines::take(const pipeline::PipelinePtr& pipeline) const {
  {
    base::MutexLock lock(mutex_);
    std::vector<std::unique_ptr<pipeline::Runner>>& idle = idle_[pipeline.get()];
    if (!idle.empty()) {
      std::unique_ptr<pipeline::Runner> runner = std::move(idle.back());
      idle.pop_back();
      return runner;
    }
  }
  return std::make_unique<pipeline::Runner>(pipeline);
}

void DatasetPipelines::give(const pipeline::PipelinePtr& pipeline, std::unique_ptr<pipeline::Runner> runner) const {
  base::MutexLock lock(mutex_);
  idle_[pipeline.get()].push_back(std::move(runner));
}

void DatasetPipelines::run(std::vector<model::Batch>& batches, const std::vector<uint32_t>& but,
                           const Dropped& dropped) const {
  std::vector<model::Batch> elsewhere;
  for (uint32_t i = 0; i < batches.size(); ++i) {
    const pipeline::PipelinePtr* pipeline = find(batches[i].dataset());
    if (pipeline == nullptr || std::find(but.begin(), but.end(), i) != but.end()) continue;
    std::unique_ptr<pipeline::Runner> runner = take(*pipeline);
    std::string dataset = batches[i].dataset();
    auto watch = [&](size_t step, pipeline::Rows&, const pipeline::StepCounts& counts) {
      uint64_t gone = counts.dropped + counts.merged;
      if (gone > 0) dropped((*pipeline)->step_name(step), gone);
    };
    std::vector<model::Batch*> out = runner->run(batches[i], watch);
    model::Batch own(dataset);
    for (model::Batch* one : out) {
      if (one->dataset() == dataset)
        own = std::move(*one);
      else
        elsewhere.push_back(std::move(*one));
    }
    batches[i] = std::move(own);
    give(*pipeline, std::move(runner));
  }
  // A write has one batch for each dataset.
  for (model::Batch& one : elsewhere) {
    auto same = std::find_if(batches.begin(), batches.end(),
                             [&](const model::Batch& other) { return other.dataset() == one.dataset(); });
    if (same == batches.end())
      batches.push_back(std::move(one));
    else
      pipeline::append_rows(*same, one);
  }
}

}  // namespace clew::api
