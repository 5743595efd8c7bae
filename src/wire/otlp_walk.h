// The frames that OTLP logs and spans have in common: resources, in them scopes, in them items.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/any_value.h"
#include "wire/keyed_rows.h"

namespace clew::wire {

// The items of one scope.
struct OtlpScope {
  std::vector<SharedValue> shared;  // what all items have: of the scope, then of the resource
  std::string_view dataset;         // that an attribute of scope or resource names; empty when none does
  std::vector<std::string_view> items;
};

// Walks an Export...ServiceRequest scope by scope.
//
// Threads: one. Keeps its memory.
class OtlpWalk {
 public:
  // Gives the next scope; false at the end of the message and when it is malformed: then error() is set.
  //   for (walk.begin(body); walk.next();) use(walk.scope());
  void begin(std::string_view body);
  bool next();
  const OtlpScope& scope() const { return scope_; }
  bool failed() const { return problem_.text != nullptr; }
  // Requires: failed().
  Error error() const;

 private:
  bool next_resource();
  bool read_scope(std::string_view bytes);
  bool read_resource(std::string_view bytes);
  void find_dataset();
  bool fail(ProtoProblem problem) {
    problem_ = problem;
    return false;
  }

  std::string_view body_;
  std::vector<std::string_view> resources_;
  size_t resource_at_ = 0;
  std::vector<std::string_view> scopes_;  // of the resource at hand
  size_t scope_at_ = 0;
  std::vector<SharedValue> resource_values_;
  OtlpScope scope_;
  AnyValues values_;
  ProtoProblem problem_;
};

// A number of bytes of lower-case hex digits; empty for the ids that OTLP calls invalid (no byte but zeros).
// The result points into `buffer`.
constexpr size_t kIdBytesMax = 64;
std::string_view hex_id(std::string_view id, std::string& buffer);

// "log record 3: malformed protobuf at byte 1234".
std::string describe(std::string_view what, uint64_t item, const ProtoProblem& problem, std::string_view body);

std::string too_large_text(std::string_view what, uint64_t item);

// The batch of that dataset, made at the end when it is not there.
model::Batch& batch_of(std::vector<model::Batch>& batches, std::string_view dataset);
// Leaves out batches without rows.
void drop_empty(std::vector<model::Batch>& batches);

}  // namespace clew::wire
