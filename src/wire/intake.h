// What every decoder of wire/ takes beside the bytes, and what it gives: batches per dataset, and what it left out and
// why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.h"
#include "text/time_format.h"

namespace clew::wire {

// What the receiver knows about a request.
struct Intake {
  UnixNanos arrival;                  // now; stands for the time of events that have none
  std::string_view dataset = "logs";  // where the request names none
  text::Zone zone;                    // of times that do not say theirs
};

// Why an item was not taken; names of the label `reason` in /metrics.
enum class Reason : uint8_t {
  kSyntax,       // not the JSON or protobuf it should be
  kNotAnObject,  // JSON, but no object
  kTooLarge,     // a line over its limit
  kUnsupported,  // an operation that clew does not do
  kBadName,      // a dataset or index name that cannot be
};
std::string_view reason_name(Reason reason);

struct Rejection {
  uint64_t item = 0;  // line or item of the request, from 1
  Reason reason = Reason::kSyntax;
  std::string message;
};

// Events of one request.
struct Events {
  std::vector<model::Batch> batches;  // one per dataset, in order of first use; none without rows
  uint64_t received = 0;              // items in the request
  uint64_t rejected = 0;
  std::vector<Rejection> rejections;  // the first kRejectionsMax
  uint64_t rejected_by_reason[5] = {};

  void reject(Rejection rejection);
};
constexpr size_t kRejectionsMax = 100;

}  // namespace clew::wire
