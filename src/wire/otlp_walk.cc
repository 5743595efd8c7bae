#include "wire/otlp_walk.h"

#include <algorithm>
#include <array>

#include "wire/index_name.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

// The same numbers in ResourceLogs and ResourceSpans, ScopeLogs and ScopeSpans.
constexpr uint32_t kResources = proto_tag(1, WireType::kBytes);
constexpr uint32_t kOwner = proto_tag(1, WireType::kBytes);  // Resource or InstrumentationScope
constexpr uint32_t kItems = proto_tag(2, WireType::kBytes);
constexpr uint32_t kSchemaUrl = proto_tag(3, WireType::kBytes);

constexpr std::ptrdiff_t kPrefetchBytes = 1024;

constexpr std::string_view kDatasetNames[] = {"scope.clew.dataset", "scope.data_stream.dataset", "clew.dataset",
                                              "data_stream.dataset"};

ProtoProblem malformed(const ProtoReader& in) { return {"malformed protobuf", in.position()}; }

void share_text(std::string_view name, Level level, std::string_view text, std::vector<SharedValue>& out) {
  if (!text.empty()) out.push_back({std::string(name), level, model::Kind::kString, 0, std::string(text)});
}
void share_count(std::string_view name, Level level, uint64_t count, std::vector<SharedValue>& out) {
  if (count != 0) out.push_back({std::string(name), level, model::Kind::kInt, static_cast<int64_t>(count), {}});
}

constexpr std::array<char, 512> make_hex_pairs() {
  std::array<char, 512> out{};
  for (size_t i = 0; i < 256; ++i) {
    out[2 * i] = "0123456789abcdef"[i >> 4];
    out[2 * i + 1] = "0123456789abcdef"[i & 15];
  }
  return out;
}
constexpr std::array<char, 512> kHexPairs = make_hex_pairs();

}  // namespace

void OtlpWalk::begin(std::string_view body) {
  body_ = body;
  problem_ = {};
  resources_ = ProtoReader(body);
  scopes_ = items_ = ProtoReader();
  ProtoReader in(body);
  while (uint32_t tag = in.next()) in.skip(tag);
  if (in.failed()) problem_ = malformed(in);
}

bool OtlpWalk::next_scope() {
  while (!failed()) {
    if (scopes_.find(kItems)) return read_scope(scopes_.bytes());
    if (!resources_.find(kResources)) return false;
    if (!next_resource()) return false;
  }
  return false;
}

bool OtlpWalk::next_resource() {
  std::string_view bytes = resources_.bytes();
  std::string_view resource;
  std::string_view schema_url;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == kOwner)
      resource = in.bytes();
    else if (tag == kSchemaUrl)
      schema_url = in.bytes();
    else
      in.skip(tag);
  }
  if (in.failed()) return fail(malformed(in));
  resource_values_.clear();
  if (!read_resource(resource)) return false;
  share_text("resource.schema_url", Level::kResource, schema_url, resource_values_);
  scopes_ = ProtoReader(bytes);
  return true;
}

// The frames of the items were checked when the scope was read.
bool OtlpWalk::next_item(std::string_view& item) {
  if (!items_.find(kItems)) return false;
  // Each item's place depends on the one before: without a hint every one would wait for memory.
  __builtin_prefetch(items_.position() + kPrefetchBytes);
  item = items_.bytes();
  return true;
}

bool OtlpWalk::read_resource(std::string_view bytes) {
  uint64_t dropped = 0;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == proto_tag(1, WireType::kBytes)) {
      if (ProtoProblem p = values_.share_attribute(in.bytes(), Level::kResource, {}, resource_values_)) return fail(p);
    } else if (tag == proto_tag(2, WireType::kVarint)) {
      dropped = in.varint();
    } else {
      in.skip(tag);
    }
  }
  if (in.failed()) return fail(malformed(in));
  share_count("resource.dropped_attributes_count", Level::kResource, dropped, resource_values_);
  return true;
}

bool OtlpWalk::read_scope(std::string_view bytes) {
  std::string_view owner;
  std::string_view schema_url;
  ProtoReader in(bytes);
  while (uint32_t tag = in.next()) {
    if (tag == kOwner) {
      owner = in.bytes();
    } else if (tag == kSchemaUrl) {
      schema_url = in.bytes();
    } else {
      __builtin_prefetch(in.position() + kPrefetchBytes);
      in.skip(tag);
    }
  }
  if (in.failed()) return fail(malformed(in));
  shared_.clear();
  if (!read_owner(owner)) return false;
  share_text("scope.schema_url", Level::kScope, schema_url, shared_);
  shared_.insert(shared_.end(), resource_values_.begin(), resource_values_.end());
  find_dataset();
  items_ = ProtoReader(bytes);
  return true;
}

bool OtlpWalk::read_owner(std::string_view owner) {
  uint64_t dropped = 0;
  ProtoReader in(owner);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(1, WireType::kBytes): share_text("scope.name", Level::kScope, in.bytes(), shared_); break;
      case proto_tag(2, WireType::kBytes): share_text("scope.version", Level::kScope, in.bytes(), shared_); break;
      case proto_tag(3, WireType::kBytes):
        if (ProtoProblem p = values_.share_attribute(in.bytes(), Level::kScope, "scope", shared_)) return fail(p);
        break;
      case proto_tag(4, WireType::kVarint): dropped = in.varint(); break;
      default: in.skip(tag);
    }
  }
  if (in.failed()) return fail(malformed(in));
  share_count("scope.dropped_attributes_count", Level::kScope, dropped, shared_);
  return true;
}

void OtlpWalk::find_dataset() {
  dataset_ = {};
  for (std::string_view name : kDatasetNames) {
    for (const SharedValue& v : shared_) {
      if (v.name != name || v.kind != model::Kind::kString || !check_dataset_name(v.text)) continue;
      dataset_ = v.text;
      return;
    }
  }
}

Error OtlpWalk::error() const {
  return Error(Code::kInvalid, std::string(problem_.text) + " at byte " + std::to_string(problem_.at - body_.data()));
}

std::string_view hex_id(std::string_view id, std::string& buffer) {
  if (id.size() > kIdBytesMax || id.find_first_not_of('\0') == std::string_view::npos) return {};
  buffer.resize(id.size() * 2);
  char* out = buffer.data();
  for (char c : id) {
    size_t at = static_cast<size_t>(static_cast<unsigned char>(c)) * 2;
    *out++ = kHexPairs[at];
    *out++ = kHexPairs[at + 1];
  }
  return buffer;
}

std::string describe(std::string_view what, uint64_t item, const ProtoProblem& problem, std::string_view body) {
  return std::string(what) + " " + std::to_string(item) + ": " + problem.text + " at byte " +
         std::to_string(problem.at - body.data());
}

std::string too_large_text(std::string_view what, uint64_t item) {
  return std::string(what) + " " + std::to_string(item) + ": the request grows over " +
         std::to_string(kExpandedBytesMax >> 20) + " MiB when shared attributes are repeated; send smaller ones";
}

model::Batch& batch_of(std::vector<model::Batch>& batches, std::string_view dataset) {
  for (model::Batch& b : batches) {
    if (b.dataset() == dataset) return b;
  }
  return batches.emplace_back(std::string(dataset));
}

void drop_empty(std::vector<model::Batch>& batches) {
  std::erase_if(batches, [](const model::Batch& b) { return b.rows() == 0; });
}

}  // namespace clew::wire
