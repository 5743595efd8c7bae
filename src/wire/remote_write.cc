#include "wire/remote_write.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/bytes.h"
#include "wire/native_histogram.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr size_t kBucketsMax = kHistogramBucketsMax;

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

double real_of(std::string_view bytes) {
  double v = 0;
  std::memcpy(&v, bytes.data(), sizeof v);
  return v;
}

struct DecodedSample {
  double value = 0;
  int64_t millis = 0;
  int64_t start_millis = 0;
};

bool read_sample(std::string_view message, DecodedSample& sample) {
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case real_tag(1): sample.value = in.real(); break;
      case varint_tag(2): sample.millis = static_cast<int64_t>(in.varint()); break;
      case varint_tag(3): sample.start_millis = static_cast<int64_t>(in.varint()); break;
      default: in.skip(tag);
    }
  }
  return !in.failed();
}

bool read_span(std::string_view message, std::vector<model::BucketSpan>& spans) {
  model::BucketSpan span;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): span.offset = static_cast<int32_t>(base::unzigzag(in.varint())); break;
      case varint_tag(2): span.length = static_cast<uint32_t>(in.varint()); break;
      default: in.skip(tag);
    }
  }
  spans.push_back(span);
  return !in.failed();
}

// A repeated field of deltas, packed or one at a time.
void read_deltas(std::string_view packed, std::vector<double>& counts, int64_t& last) {
  ProtoReader in(packed);
  while (in.position() != packed.data() + packed.size() && !in.failed() && counts.size() <= kBucketsMax) {
    last += base::unzigzag(in.varint());
    counts.push_back(static_cast<double>(last));
  }
}

void read_reals(std::string_view packed, std::vector<double>& values) {
  for (size_t at = 0; at + 8 <= packed.size() && values.size() <= kBucketsMax; at += 8) {
    values.push_back(real_of(packed.substr(at)));
  }
}

struct DecodedHistogram {
  std::shared_ptr<model::Histogram> histogram = std::make_shared<model::Histogram>();
  int64_t millis = 0;
  int64_t start_millis = 0;
};

bool read_histogram(std::string_view message, DecodedHistogram& decoded) {
  model::Histogram& h = *decoded.histogram;
  int64_t positive = 0, negative = 0;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1):
        h.whole = true;
        h.count = static_cast<double>(in.varint());
        break;
      case real_tag(2): h.count = in.real(); break;
      case real_tag(3): h.sum = in.real(); break;
      case varint_tag(4): h.schema = static_cast<int32_t>(base::unzigzag(in.varint())); break;
      case real_tag(5): h.zero_threshold = in.real(); break;
      case varint_tag(6): h.zero_count = static_cast<double>(in.varint()); break;
      case real_tag(7): h.zero_count = in.real(); break;
      case bytes_tag(8):
        if (!read_span(in.bytes(), h.negative_spans)) return false;
        break;
      case bytes_tag(9): read_deltas(in.bytes(), h.negative_buckets, negative); break;
      case varint_tag(9):
        negative += base::unzigzag(in.varint());
        h.negative_buckets.push_back(static_cast<double>(negative));
        break;
      case bytes_tag(10): read_reals(in.bytes(), h.negative_buckets); break;
      case real_tag(10): h.negative_buckets.push_back(in.real()); break;
      case bytes_tag(11):
        if (!read_span(in.bytes(), h.positive_spans)) return false;
        break;
      case bytes_tag(12): read_deltas(in.bytes(), h.positive_buckets, positive); break;
      case varint_tag(12):
        positive += base::unzigzag(in.varint());
        h.positive_buckets.push_back(static_cast<double>(positive));
        break;
      case bytes_tag(13): read_reals(in.bytes(), h.positive_buckets); break;
      case real_tag(13): h.positive_buckets.push_back(in.real()); break;
      case varint_tag(14): {
        uint64_t hint = in.varint();  // UNKNOWN, YES, NO, GAUGE
        h.reset = hint <= 3 ? static_cast<model::CounterReset>(hint) : model::CounterReset::kUnknown;
        break;
      }
      case varint_tag(15): decoded.millis = static_cast<int64_t>(in.varint()); break;
      case bytes_tag(16): read_reals(in.bytes(), h.custom_bounds); break;
      case real_tag(16): h.custom_bounds.push_back(in.real()); break;
      case varint_tag(17): decoded.start_millis = static_cast<int64_t>(in.varint()); break;
      default: in.skip(tag);
    }
  }
  return !in.failed();
}

Error malformed(std::string_view body, const char* what, const char* at) {
  return Error(Code::kInvalid,
               std::string("no ") + what + ": malformed protobuf at byte " + std::to_string(at - body.data()));
}

}  // namespace

void RemoteWriteDecoder::begin_series() { pairs_.clear(); }

void RemoteWriteDecoder::add_label(std::string_view name, std::string_view value) {
  if (!value.empty()) pairs_.emplace_back(name, value);
}

// The labels of the series packed: senders have them in order, as the specification asks.
model::LabelsView RemoteWriteDecoder::labels() {
  auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(pairs_.begin(), pairs_.end(), by_name)) std::stable_sort(pairs_.begin(), pairs_.end(), by_name);
  packed_.clear();
  for (size_t i = 0; i < pairs_.size(); ++i) {
    if (i + 1 < pairs_.size() && pairs_[i + 1].first == pairs_[i].first) continue;  // the last one holds
    model::append_packed({pairs_[i].first, pairs_[i].second}, packed_);
  }
  return model::LabelsView(packed_);
}

Result<const model::MetricBatch*> RemoteWriteDecoder::decode_v1(std::string_view body) {
  batch_.clear();
  auto read_label = [](std::string_view message, std::string_view& name, std::string_view& value) {
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(1): name = in.bytes(); break;
        case bytes_tag(2): value = in.bytes(); break;
        default: in.skip(tag);
      }
    }
    return !in.failed();
  };
  auto read_exemplar = [&](std::string_view message) {
    model::Exemplar exemplar;
    model::LabelsBuilder labels;
    bool whole = true;
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(1): {
          std::string_view name, value;
          whole = read_label(in.bytes(), name, value) && whole;
          labels.set(name, value);
          break;
        }
        case real_tag(2): exemplar.value = in.real(); break;
        case varint_tag(3): exemplar.millis = static_cast<int64_t>(in.varint()); break;
        default: in.skip(tag);
      }
    }
    exemplar.labels = labels.build();
    batch_.add_exemplar(std::move(exemplar));
    return whole && !in.failed();
  };
  std::string mistake;
  auto read_series = [&](std::string_view message) {
    begin_series();
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      if (tag != bytes_tag(1)) {
        in.skip(tag);
        continue;
      }
      std::string_view name, value;
      if (!read_label(in.bytes(), name, value)) return false;
      add_label(name, value);
    }
    if (in.failed()) return false;
    ProtoReader again(message);
    batch_.begin_series(labels());
    while (uint32_t tag = again.next()) {
      switch (tag) {
        case bytes_tag(2): {
          DecodedSample sample;
          if (!read_sample(again.bytes(), sample)) return false;
          batch_.add_sample(sample.millis, sample.value, sample.start_millis);
          break;
        }
        case bytes_tag(3):
          if (!read_exemplar(again.bytes())) return false;
          break;
        case bytes_tag(4): {
          DecodedHistogram decoded;
          if (!read_histogram(again.bytes(), decoded)) return false;
          if (std::optional<std::string> wrong = mistake_of(*decoded.histogram)) {
            mistake = *wrong;
            return false;
          }
          batch_.add_histogram(decoded.millis, std::move(decoded.histogram), decoded.start_millis);
          break;
        }
        default: again.skip(tag);
      }
    }
    return !again.failed();
  };
  auto read_metadata = [&](std::string_view message) {
    std::string_view metric;
    model::MetricMetadata told;
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case varint_tag(1): {
          uint64_t type = in.varint();
          if (type <= static_cast<uint64_t>(model::MetricType::kStateSet))
            told.type = static_cast<model::MetricType>(type);
          break;
        }
        case bytes_tag(2): metric = in.bytes(); break;
        case bytes_tag(4): told.help = in.bytes(); break;
        case bytes_tag(5): told.unit = in.bytes(); break;
        default: in.skip(tag);
      }
    }
    if (!metric.empty()) batch_.set_metadata(metric, std::move(told));
    return !in.failed();
  };
  ProtoReader in(body);
  while (uint32_t tag = in.next()) {
    std::string_view message;
    bool whole = true;
    switch (tag) {
      case bytes_tag(1):
        message = in.bytes();
        whole = read_series(message);
        break;
      case bytes_tag(3):
        message = in.bytes();
        whole = read_metadata(message);
        break;
      default: in.skip(tag);
    }
    if (!mistake.empty()) return Error(Code::kInvalid, mistake);
    if (!whole) return malformed(body, "prometheus.WriteRequest", message.data());
  }
  if (in.failed()) return malformed(body, "prometheus.WriteRequest", in.position());
  return &batch_;
}

Result<const model::MetricBatch*> RemoteWriteDecoder::decode_v2(std::string_view body) {
  batch_.clear();
  symbols_.clear();
  std::string mistake;
  // The symbols may stand behind the series that name them.
  ProtoReader symbols(body);
  while (symbols.find(bytes_tag(4))) symbols_.push_back(symbols.bytes());
  if (symbols.failed()) return malformed(body, "io.prometheus.write.v2.Request", symbols.position());
  auto symbol = [&](uint64_t ref) -> std::string_view {
    if (ref < symbols_.size()) return symbols_[ref];
    mistake = "a label refers to symbol " + std::to_string(ref) + " of " + std::to_string(symbols_.size());
    return {};
  };
  std::vector<uint64_t> refs;
  auto read_refs = [&](ProtoReader& in, uint32_t tag) {
    if (tag == varint_tag(1)) return refs.push_back(in.varint());
    std::string_view packed = in.bytes();
    ProtoReader list(packed);
    while (list.position() != packed.data() + packed.size() && !list.failed()) refs.push_back(list.varint());
  };
  auto read_exemplar = [&](std::string_view message) {
    model::Exemplar exemplar;
    refs.clear();
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(1):
        case varint_tag(1): read_refs(in, tag); break;
        case real_tag(2): exemplar.value = in.real(); break;
        case varint_tag(3): exemplar.millis = static_cast<int64_t>(in.varint()); break;
        default: in.skip(tag);
      }
    }
    model::LabelsBuilder labels;
    for (size_t i = 0; i + 1 < refs.size(); i += 2) labels.set(symbol(refs[i]), symbol(refs[i + 1]));
    exemplar.labels = labels.build();
    batch_.add_exemplar(std::move(exemplar));
    return !in.failed();
  };
  auto read_series = [&](std::string_view message) {
    begin_series();
    refs.clear();
    int64_t created = 0;
    ProtoReader head(message);
    while (uint32_t tag = head.next()) {
      switch (tag) {
        case bytes_tag(1):
        case varint_tag(1): read_refs(head, tag); break;
        case varint_tag(6): created = static_cast<int64_t>(head.varint()); break;
        default: head.skip(tag);
      }
    }
    if (head.failed()) return false;
    if (refs.size() % 2 != 0) mistake = "a series has a label name without a value";
    for (size_t i = 0; i + 1 < refs.size(); i += 2) add_label(symbol(refs[i]), symbol(refs[i + 1]));
    model::LabelsView view = labels();
    std::string metric(view.metric_name());
    batch_.begin_series(view);
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(2): {
          DecodedSample sample;
          if (!read_sample(in.bytes(), sample)) return false;
          batch_.add_sample(sample.millis, sample.value, sample.start_millis != 0 ? sample.start_millis : created);
          break;
        }
        case bytes_tag(3): {
          DecodedHistogram decoded;
          if (!read_histogram(in.bytes(), decoded)) return false;
          if (std::optional<std::string> wrong = mistake_of(*decoded.histogram)) mistake = *wrong;
          batch_.add_histogram(decoded.millis, std::move(decoded.histogram),
                               decoded.start_millis != 0 ? decoded.start_millis : created);
          break;
        }
        case bytes_tag(4):
          if (!read_exemplar(in.bytes())) return false;
          break;
        case bytes_tag(5): {
          model::MetricMetadata told;
          ProtoReader metadata(in.bytes());
          while (uint32_t field = metadata.next()) {
            switch (field) {
              case varint_tag(1): {
                uint64_t type = metadata.varint();
                if (type <= static_cast<uint64_t>(model::MetricType::kStateSet))
                  told.type = static_cast<model::MetricType>(type);
                break;
              }
              case varint_tag(3): told.help = symbol(metadata.varint()); break;
              case varint_tag(4): told.unit = symbol(metadata.varint()); break;
              default: metadata.skip(field);
            }
          }
          if (metadata.failed()) return false;
          if (!metric.empty() && told != model::MetricMetadata()) batch_.set_metadata(metric, std::move(told));
          break;
        }
        default: in.skip(tag);
      }
    }
    return !in.failed();
  };
  ProtoReader in(body);
  while (in.find(bytes_tag(5))) {
    std::string_view message = in.bytes();
    if (!read_series(message)) return malformed(body, "io.prometheus.write.v2.Request", message.data());
    if (!mistake.empty()) return Error(Code::kInvalid, mistake);
  }
  if (in.failed()) return malformed(body, "io.prometheus.write.v2.Request", in.position());
  return &batch_;
}

}  // namespace clew::wire
