// The frames that OTLP logs and spans have in common: resources, in them scopes, in them items.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/any_value.h"
#include "wire/keyed_rows.h"
#include "wire/protobuf.h"

namespace clew::wire {

// Walks an Export...ServiceRequest scope by scope, item by item. Nothing is collected: a request may hold millions of
// scopes or items in few bytes.
//
//   for (walk.begin(body); walk.next_scope();) {
//     while (walk.next_item(item)) ...
//   }
//   if (walk.failed()) ...
//
// Threads: one. Keeps its memory.
class OtlpWalk {
 public:
  // The outer frames are checked at once: a message cut short gives no scope.
  void begin(std::string_view body);
  bool next_scope();
  // What all items of the scope have: of the scope, then of the resource.
  const std::vector<SharedValue>& shared() const { return shared_; }
  // That an attribute of scope or resource names; empty when none does.
  std::string_view dataset() const { return dataset_; }
  bool next_item(std::string_view& item);

  bool failed() const { return problem_.text != nullptr; }
  // Requires: failed().
  Error error() const;

 private:
  bool next_resource();
  bool read_resource(std::string_view bytes);
  bool read_scope(std::string_view bytes);
  bool read_owner(std::string_view owner);
  void find_dataset();
  bool fail(ProtoProblem problem) {
    problem_ = problem;
    return false;
  }

  std::string_view body_;
  ProtoReader resources_;
  ProtoReader scopes_;  // of the resource at hand
  ProtoReader items_;   // of the scope at hand
  std::vector<SharedValue> resource_values_;
  std::vector<SharedValue> shared_;
  std::string_view dataset_;
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
