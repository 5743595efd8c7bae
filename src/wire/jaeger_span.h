// Spans as Jaeger knows them, whatever form they came in; inside of wire/jaeger.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "wire/json_to_proto.h"
#include "wire/protobuf.h"
#include "wire/thrift.h"

namespace clew::wire::jaeger {

constexpr uint32_t kPartsMax = 1'000'000;    // of a span: tags, logs, references; more make it too large
constexpr uint32_t kProcessesMax = 100'000;  // of a trace in JSON
constexpr uint64_t kMicro = 1000;
constexpr uint64_t kMicrosMax = INT64_MAX / kMicro;

inline uint64_t nanos_of_micros(int64_t micros) {
  return micros > 0 && static_cast<uint64_t>(micros) <= kMicrosMax ? static_cast<uint64_t>(micros) * kMicro : 0;
}

// Views point into the request, or into the converter of its JSON.
struct Tag {
  std::string_view key;
  model::Kind kind = model::Kind::kString;  // kString kBool kInt kFloat kBytes
  std::string_view text;
  int64_t lane = 0;  // of kInt, kBool; of kFloat its bits
};

struct Reference {
  std::string trace_id;  // digits, as of Span
  std::string span_id;
  bool child_of = true;
};

struct Log {
  uint64_t nanos = 0;  // since the epoch; 0 for none
  std::vector<Tag> fields;
};

struct Process {
  std::string_view service;
  std::vector<Tag> tags;
};

struct Span {
  std::string trace_id;  // as it is kept: digits in lower case, or a text that is no number; empty for none
  std::string span_id;
  std::string parent_id;
  std::string_view name;
  uint64_t flags = 0;
  uint64_t start = 0;  // ns since the epoch
  uint64_t duration = 0;
  std::vector<Reference> references;
  std::vector<Tag> tags;
  std::vector<Log> logs;
  Process own_process;               // that the span brought itself, if its service is not empty
  const Process* process = nullptr;  // of the spans that it came with; lives while the span is taken
  bool is_cut = false;               // has more than kPartsMax parts; those beyond are not here

  const Process& process_to_show() const { return own_process.service.empty() ? *process : own_process; }
  const Tag* tag(std::string_view key) const {
    auto it = std::find_if(tags.begin(), tags.end(), [&](const Tag& t) { return t.key == key; });
    return it == tags.end() ? nullptr : &*it;
  }
  std::string_view tag_text(std::string_view key) const {
    const Tag* found = tag(key);
    return found == nullptr ? std::string_view() : found->text;
  }
};

// What reading a span keeps count of.
struct Reading {
  bool bad = false;    // malformed
  uint32_t parts = 0;  // tags, logs, references and fields of logs so far
  bool is_cut = false;

  template <class T>
  void add(std::vector<T>& list, T part) {
    if (parts == kPartsMax) {
      is_cut = true;
      return;
    }
    ++parts;
    list.push_back(std::move(part));
  }
  void begin_span() { parts = 0, is_cut = false; }
};

// Takes the spans of a request one by one: a request may hold millions of them, or of their parts, in few bytes.
using TakeSpan = std::function<void(const Span& span)>;

// A Batch in Thrift whose struct has been begun. in.failed() says whether it is one.
void read_batch(ThriftReader& in, const TakeSpan& take);
// PostSpansRequest of jaeger.api_v2. False when it is none.
bool read_post_spans(std::string_view request, const TakeSpan& take);
// An answer of Jaeger's query API, or the traces or trace in it. What the converter rejects it counts.
// Errors: kInvalid, with the byte offset, when it is no JSON of that form; kTooLarge beyond kProcessesMax.
Status read_json(std::string_view json, JsonToProto& converter, const TakeSpan& take);

}  // namespace clew::wire::jaeger
