#include "wire/exposition_protobuf.h"

#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "wire/native_histogram.h"
#include "wire/prometheus_number.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

using model::MetricType;

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

// In the order of the protocol's enum.
constexpr MetricType kTypes[] = {MetricType::kCounter, MetricType::kGauge,     MetricType::kSummary,
                                 MetricType::kUnknown, MetricType::kHistogram, MetricType::kGaugeHistogram};

int64_t read_timestamp(std::string_view message) {
  int64_t seconds = 0, nanos = 0;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): seconds = static_cast<int64_t>(in.varint()); break;
      case varint_tag(2): nanos = static_cast<int64_t>(in.varint()); break;
      default: in.skip(tag);
    }
  }
  constexpr int64_t kSecondsMost = 9'000'000'000'000;
  bool sane = !in.failed() && std::abs(seconds) < kSecondsMost && nanos >= 0 && nanos < 1'000'000'000;
  return sane ? seconds * 1000 + nanos / 1'000'000 : 0;
}

bool read_label(std::string_view message, LabelPairs& labels) {
  std::string_view name, value;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1): name = in.bytes(); break;
      case bytes_tag(2): value = in.bytes(); break;
      default: in.skip(tag);
    }
  }
  labels.emplace_back(std::string(name), std::string(value));
  return !in.failed();
}

bool read_exemplar(std::string_view message, std::vector<model::Exemplar>& to) {
  model::Exemplar exemplar;
  LabelPairs labels;
  ProtoReader in(message);
  bool whole = true;
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1): whole = read_label(in.bytes(), labels) && whole; break;
      case real_tag(2): exemplar.value = in.real(); break;
      case bytes_tag(3): exemplar.millis = read_timestamp(in.bytes()); break;
      default: in.skip(tag);
    }
  }
  exemplar.labels = model::Labels::of(std::move(labels));
  to.push_back(std::move(exemplar));
  return whole && !in.failed();
}

struct Bucket {
  double count = 0;
  double bound = 0;
  std::vector<model::Exemplar> exemplars;
};

bool read_bucket(std::string_view message, Bucket& bucket) {
  ProtoReader in(message);
  bool whole = true;
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): bucket.count = static_cast<double>(in.varint()); break;
      case real_tag(2): bucket.bound = in.real(); break;
      case bytes_tag(3): whole = read_exemplar(in.bytes(), bucket.exemplars) && whole; break;
      case real_tag(4): bucket.count = in.real(); break;
      default: in.skip(tag);
    }
  }
  return whole && !in.failed();
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
  return !in.failed() && spans.size() <= kHistogramBucketsMax;
}

// Repeated numbers of one side, packed or one at a time.
struct Side {
  std::vector<double>& counts;
  int64_t last = 0;
  void delta(uint64_t raw) {
    last = static_cast<int64_t>(static_cast<uint64_t>(last) + static_cast<uint64_t>(base::unzigzag(raw)));
    if (counts.size() <= kHistogramBucketsMax) counts.push_back(static_cast<double>(last));
  }
  void deltas(std::string_view packed) {
    ProtoReader in(packed);
    while (in.position() != packed.data() + packed.size() && !in.failed()) delta(in.varint());
  }
  void real(double value) {
    if (counts.size() <= kHistogramBucketsMax) counts.push_back(value);
  }
  void reals(std::string_view packed) {
    for (size_t at = 0; at + 8 <= packed.size(); at += 8) {
      double value = 0;
      std::memcpy(&value, packed.data() + at, sizeof value);
      real(value);
    }
  }
};

// All of a Histogram message.
struct Read {
  std::shared_ptr<model::Histogram> native = std::make_shared<model::Histogram>();
  std::vector<Bucket> buckets;
  std::vector<model::Exemplar> exemplars;
  int64_t created = 0;
  bool is_native() const {
    const model::Histogram& h = *native;
    return !h.positive_spans.empty() || !h.negative_spans.empty() || h.zero_threshold > 0 || h.zero_count > 0;
  }
};

bool read_histogram_message(std::string_view message, Read& out) {
  model::Histogram& h = *out.native;
  Side positive{h.positive_buckets}, negative{h.negative_buckets};
  h.whole = true;
  bool whole = true;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): h.count = static_cast<double>(in.varint()); break;
      case real_tag(2): h.sum = in.real(); break;
      case bytes_tag(3): whole = read_bucket(in.bytes(), out.buckets.emplace_back()) && whole; break;
      case real_tag(4):
        h.count = in.real();
        h.whole = h.count == 0;
        break;
      case varint_tag(5): h.schema = static_cast<int32_t>(base::unzigzag(in.varint())); break;
      case real_tag(6): h.zero_threshold = in.real(); break;
      case varint_tag(7): h.zero_count = static_cast<double>(in.varint()); break;
      case real_tag(8): h.zero_count = in.real(); break;
      case bytes_tag(9): whole = read_span(in.bytes(), h.negative_spans) && whole; break;
      case bytes_tag(10): negative.deltas(in.bytes()); break;
      case varint_tag(10): negative.delta(in.varint()); break;
      case bytes_tag(11): negative.reals(in.bytes()); break;
      case real_tag(11): negative.real(in.real()); break;
      case bytes_tag(12): whole = read_span(in.bytes(), h.positive_spans) && whole; break;
      case bytes_tag(13): positive.deltas(in.bytes()); break;
      case varint_tag(13): positive.delta(in.varint()); break;
      case bytes_tag(14): positive.reals(in.bytes()); break;
      case real_tag(14): positive.real(in.real()); break;
      case bytes_tag(15): out.created = read_timestamp(in.bytes()); break;
      case bytes_tag(16): whole = read_exemplar(in.bytes(), out.exemplars) && whole; break;
      default: in.skip(tag);
    }
  }
  return whole && !in.failed();
}

// A span of one empty bucket tells of a histogram that has seen nothing yet: it has none.
void drop_empty_span(std::vector<model::BucketSpan>& spans) {
  if (spans.size() == 1 && spans[0].length == 0) spans.clear();
}

}  // namespace

ExpositionPoint& ProtobufExposition::add(const std::string& name, const LabelPairs& labels, double value,
                                         int64_t millis) {
  LabelPairs all = labels;
  all.emplace_back(model::kMetricNameLabel, name);
  Entry& entry = entries_.emplace_back();
  entry.kind = ExpositionKind::kSample;
  entry.labels = model::Labels::of(std::move(all));
  entry.point.value = value;
  entry.point.millis = millis;
  entry.point.has_time = millis != 0;
  return entry.point;
}

bool ProtobufExposition::read_counter(std::string_view message, const Family& family, const LabelPairs& labels,
                                      int64_t millis) {
  ExpositionPoint& point = add(family.name, labels, 0, millis);
  bool whole = true;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case real_tag(1): point.value = in.real(); break;
      case bytes_tag(2): whole = read_exemplar(in.bytes(), point.exemplars) && whole; break;
      case bytes_tag(3): point.start_millis = read_timestamp(in.bytes()); break;
      default: in.skip(tag);
    }
  }
  return whole && !in.failed();
}

bool ProtobufExposition::read_summary(std::string_view message, const Family& family, const LabelPairs& labels,
                                      int64_t millis) {
  double count = 0, sum = 0;
  int64_t created = 0;
  size_t first = entries_.size();
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case varint_tag(1): count = static_cast<double>(in.varint()); break;
      case real_tag(2): sum = in.real(); break;
      case bytes_tag(3): {
        double quantile = 0, value = 0;
        ProtoReader of(in.bytes());
        while (uint32_t field = of.next()) {
          switch (field) {
            case real_tag(1): quantile = of.real(); break;
            case real_tag(2): value = of.real(); break;
            default: of.skip(field);
          }
        }
        if (of.failed()) return false;
        LabelPairs with = labels;
        with.emplace_back("quantile", open_metrics_number(quantile));
        add(family.name, with, value, millis);
        break;
      }
      case bytes_tag(4): created = read_timestamp(in.bytes()); break;
      default: in.skip(tag);
    }
  }
  add(family.name + "_sum", labels, sum, millis);
  add(family.name + "_count", labels, count, millis);
  for (size_t i = first; i < entries_.size(); ++i) entries_[i].point.start_millis = created;
  return !in.failed();
}

bool ProtobufExposition::read_histogram(std::string_view message, const Family& family, const LabelPairs& labels,
                                        int64_t millis) {
  Read read;
  if (!read_histogram_message(message, read)) return false;
  if (read.is_native()) {
    drop_empty_span(read.native->positive_spans);
    drop_empty_span(read.native->negative_spans);
    if (std::optional<std::string> wrong = mistake_of(*read.native)) {
      mistake_ = family.name + ": " + *wrong;
      return true;
    }
    if (family.type == MetricType::kGaugeHistogram) read.native->reset = model::CounterReset::kGauge;
    ExpositionPoint& point = add(family.name, labels, read.native->sum, millis);
    entries_.back().kind = ExpositionKind::kHistogram;
    point.start_millis = read.created;
    point.exemplars = std::move(read.exemplars);
    if (point.exemplars.empty()) {
      for (Bucket& bucket : read.buckets) {
        for (model::Exemplar& exemplar : bucket.exemplars) point.exemplars.push_back(std::move(exemplar));
      }
    }
    point.histogram = std::move(read.native);
    return true;
  }
  size_t first = entries_.size();
  bool has_infinite = false;
  auto add_bucket = [&](double bound, double count) -> ExpositionPoint& {
    LabelPairs with = labels;
    with.emplace_back("le", open_metrics_number(bound));
    return add(family.name + "_bucket", with, count, millis);
  };
  for (Bucket& bucket : read.buckets) {
    has_infinite = has_infinite || (std::isinf(bucket.bound) && bucket.bound > 0);
    add_bucket(bucket.bound, bucket.count).exemplars = std::move(bucket.exemplars);
  }
  if (!has_infinite) add_bucket(HUGE_VAL, read.native->count);
  add(family.name + "_sum", labels, read.native->sum, millis);
  add(family.name + "_count", labels, read.native->count, millis);
  for (size_t i = first; i < entries_.size(); ++i) entries_[i].point.start_millis = read.created;
  return true;
}

bool ProtobufExposition::read_metric(std::string_view message, const Family& family) {
  LabelPairs labels;
  int64_t millis = 0;
  ProtoReader head(message);
  while (uint32_t tag = head.next()) {
    switch (tag) {
      case bytes_tag(1):
        if (!read_label(head.bytes(), labels)) return false;
        break;
      case varint_tag(6): millis = static_cast<int64_t>(head.varint()); break;
      default: head.skip(tag);
    }
  }
  if (head.failed()) return false;
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    bool whole = true;
    switch (tag) {
      case bytes_tag(2):
      case bytes_tag(3):
      case bytes_tag(5): whole = read_counter(in.bytes(), family, labels, millis); break;
      case bytes_tag(4): whole = read_summary(in.bytes(), family, labels, millis); break;
      case bytes_tag(7): whole = read_histogram(in.bytes(), family, labels, millis); break;
      default: in.skip(tag);
    }
    if (!whole) return false;
  }
  return !in.failed();
}

bool ProtobufExposition::read_family(std::string_view message) {
  Family family;
  ProtoReader head(message);
  while (uint32_t tag = head.next()) {
    switch (tag) {
      case bytes_tag(1): family.name = head.bytes(); break;
      case bytes_tag(2): family.help = head.bytes(); break;
      case varint_tag(3): {
        uint64_t type = head.varint();
        if (type < std::size(kTypes)) family.type = kTypes[type];
        break;
      }
      case bytes_tag(5): family.unit = head.bytes(); break;
      default: head.skip(tag);
    }
  }
  if (head.failed()) return false;
  if (family.name.empty()) {
    mistake_ = "a family without a name";
    return true;
  }
  metric_ = family.name;
  auto tell = [&](ExpositionKind kind, const std::string& text) {
    Entry& entry = entries_.emplace_back();
    entry.kind = kind;
    entry.type = family.type;
    entry.text = text;
  };
  if (!family.help.empty()) tell(ExpositionKind::kHelp, family.help);
  tell(ExpositionKind::kType, {});
  if (!family.unit.empty()) tell(ExpositionKind::kUnit, family.unit);
  ProtoReader in(message);
  while (in.find(bytes_tag(4))) {
    if (!read_metric(in.bytes(), family)) return false;
  }
  return !in.failed();
}

Result<ExpositionKind> ProtobufExposition::next() {
  while (entries_.empty()) {
    if (rest_.empty()) return ExpositionKind::kEnd;
    ProtoReader in(rest_);
    std::string_view message = in.bytes();
    if (in.failed() || !read_family(message)) {
      entries_.clear();
      size_t at = static_cast<size_t>(rest_.data() - page_.data());
      rest_ = {};
      return Error(Code::kInvalid, "no MetricFamily at byte " + std::to_string(at));
    }
    rest_ = std::string_view(in.position(), static_cast<size_t>(page_.data() + page_.size() - in.position()));
    if (mistake_.empty()) continue;
    Error wrong(Code::kInvalid, std::exchange(mistake_, {}));
    if (strict_) return wrong;
    reject(wrong);
  }
  entry_ = std::move(entries_.front());
  entries_.pop_front();
  told_ = {.metric = metric_, .type = entry_.type, .text = entry_.text};
  return entry_.kind;
}

Status ProtobufExposition::read_labels(LabelPairs& labels) const {
  labels.clear();
  for (model::Label label : entry_.labels) labels.emplace_back(label.name, label.value);
  return {};
}

void ProtobufExposition::reject(const Error& why) {
  if (bad_++ == 0) first_mistake_ = why.message();
}

}  // namespace clew::wire
