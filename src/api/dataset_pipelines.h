// The pipelines that a server runs on what arrives, by dataset; set by the configuration, changed whole by a reload.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "pipeline/pipeline.h"

namespace clew::api {

// Threads:  all functions on any thread at once.
// Lifetime: what the pipelines were made with outlives it.
class DatasetPipelines {
 public:
  // By dataset; "*" is for all that are not named.
  explicit DatasetPipelines(std::map<std::string, pipeline::PipelinePtr> by_dataset)
      : by_dataset_(std::move(by_dataset)) {}

  // Told of each rule that took events away, and how many.
  using Dropped = std::function<void(std::string_view rule, uint64_t events)>;
  // Runs the batches of datasets that have a pipeline, but for those numbered in `but`. What goes to a dataset of
  // another batch is added to that one.
  void run(std::vector<model::Batch>& batches, const std::vector<uint32_t>& but, const Dropped& dropped) const;

 private:
  std::unique_ptr<pipeline::Runner> take(const pipeline::PipelinePtr& pipeline) const;
  void give(const pipeline::PipelinePtr& pipeline, std::unique_ptr<pipeline::Runner> runner) const;
  const pipeline::PipelinePtr* find(const std::string& dataset) const;

  const std::map<std::string, pipeline::PipelinePtr> by_dataset_;
  mutable base::Mutex mutex_;
  // Idle ones; their memory is worth keeping.
  mutable std::map<const pipeline::Pipeline*, std::vector<std::unique_ptr<pipeline::Runner>>> idle_
      CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::api
