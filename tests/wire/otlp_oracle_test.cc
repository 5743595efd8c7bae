// Random OTLP requests, read by libprotobuf and turned into fields by the plain rules of docs/protocols/otlp.md, must
// give what our decoder gives from the bytes; and the same again through libprotobuf's JSON form.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "model/batch_text.h"
#include "model/json_text.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "wire/otlp_logs.h"

namespace clew::wire {
namespace {

namespace otlp = opentelemetry::proto;
using Request = otlp::collector::logs::v1::ExportLogsServiceRequest;
using Any = otlp::common::v1::AnyValue;
using KeyValue = otlp::common::v1::KeyValue;
using Attributes = google::protobuf::RepeatedPtrField<KeyValue>;
using Fields = std::map<std::string, std::string>;  // JSON text by name

// Random requests with few names, so that they meet.
class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  Request request() {
    Request out;
    for (size_t i = below(3) + 1; i > 0; --i) {
      auto& resource = *out.add_resource_logs();
      attributes(*resource.mutable_resource()->mutable_attributes(), 3);
      for (size_t s = below(3); s > 0; --s) {
        auto& scope = *resource.add_scope_logs();
        if (below(2) == 0) scope.mutable_scope()->set_name(name());
        attributes(*scope.mutable_scope()->mutable_attributes(), 2);
        for (size_t r = below(5); r > 0; --r) record(*scope.add_log_records());
      }
    }
    return out;
  }

 private:
  size_t below(size_t n) { return random_() % n; }
  std::string name() {
    static const char* const kNames[] = {"a",    "b",           "c.d", "message", "trace_id", "e", "service.name",
                                         "body", "severityText"};
    return kNames[below(std::size(kNames))];
  }
  std::string text() {
    static const char* const kTexts[] = {"", "x", "\xC3\xA9t\xC3\xA9", "a \"quoted\" text\n",
                                         "0123456789abcdef0123456789"};
    return kTexts[below(std::size(kTexts))];
  }
  std::string id(size_t bytes) {
    std::string out;
    while (out.size() < bytes) out.push_back(static_cast<char>(random_()));
    return below(4) == 0 ? std::string() : below(8) == 0 ? std::string(bytes, '\0') : out;
  }

  void record(otlp::logs::v1::LogRecord& r) {
    constexpr uint64_t kBase = 1'795'170'000'000'000'000;
    if (below(4) != 0) r.set_time_unix_nano(kBase + below(1'000'000'000));
    if (below(2) != 0) r.set_observed_time_unix_nano(kBase + below(1'000'000'000));
    r.set_severity_number(static_cast<otlp::logs::v1::SeverityNumber>(below(25)));
    r.set_severity_text(text());
    r.set_trace_id(id(16));
    r.set_span_id(id(8));
    r.set_flags(static_cast<uint32_t>(below(3)));
    r.set_event_name(below(3) == 0 ? "n" : "");
    if (below(4) != 0) value(*r.mutable_body(), 0);
    attributes(*r.mutable_attributes(), 6);
  }

  void attributes(Attributes& out, size_t max) {
    for (size_t i = below(max + 1); i > 0; --i) {
      KeyValue& kv = *out.Add();
      kv.set_key(name());
      if (below(8) != 0) value(*kv.mutable_value(), 0);
    }
  }

  void value(Any& out, int depth) {
    static const double kReals[] = {0.0, 1.5, -0.0, 1e300, 0.1, 637.704, std::numeric_limits<double>::infinity()};
    switch (below(depth > 3 ? 5 : 8)) {
      case 0: out.set_string_value(text()); return;
      case 1: out.set_bool_value(below(2) == 0); return;
      case 2: out.set_int_value(static_cast<int64_t>(random_()) >> below(64)); return;
      case 3: out.set_double_value(kReals[below(std::size(kReals))]); return;
      case 4: out.set_bytes_value(text()); return;
      case 5: return;
      case 6:
        for (size_t i = below(4); i > 0; --i) value(*out.mutable_array_value()->add_values(), depth + 1);
        out.mutable_array_value();
        return;
      default: attributes(*out.mutable_kvlist_value()->mutable_values(), 3);
    }
  }

  std::mt19937_64 random_;
};

// The plain rules.
class Reference {
 public:
  std::vector<Fields> rows(const Request& request) {
    std::vector<Fields> out;
    for (const auto& resource : request.resource_logs()) {
      for (const auto& scope : resource.scope_logs()) {
        for (const auto& record : scope.log_records()) {
          row_ = {};
          levels_ = {};
          own(record);
          if (record.body().has_string_value()) put("", "message", quoted_text(record.body().string_value()));
          attributes(record.attributes(), "attributes.", "");
          body(record.body());
          if (!scope.scope().name().empty()) put("scope.", "scope.name", quoted_text(scope.scope().name()));
          attributes(scope.scope().attributes(), "scope.", "scope");
          attributes(resource.resource().attributes(), "resource.", "");
          out.push_back(row_);
        }
      }
    }
    return out;
  }

 private:
  static std::string quoted_text(const std::string& v) {
    std::string out;
    model::append_json_string(v, out);
    return out;
  }
  static std::string hex(const std::string& id) {
    std::string out;
    for (char c : id) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += digits;
    }
    return "\"" + out + "\"";
  }
  static std::string nanos(uint64_t v) {
    std::string out = "\"";
    model::append_rfc3339(static_cast<int64_t>(v), out);
    return out + "\"";
  }

  void put(const std::string& level, const std::string& name, const std::string& json) {
    auto held = levels_.find(name);
    std::string target = held == levels_.end() || held->second == level ? name : level + name;
    if (held == levels_.end())
      levels_[name] = level;
    else
      levels_.emplace(target, level);
    row_[target] = json;
  }

  void own(const otlp::logs::v1::LogRecord& r) {
    if (r.time_unix_nano() != 0) put("", "timeUnixNano", nanos(r.time_unix_nano()));
    if (r.observed_time_unix_nano() != 0) put("", "observedTimeUnixNano", nanos(r.observed_time_unix_nano()));
    if (r.severity_number() != 0) put("", "severityNumber", std::to_string(r.severity_number()));
    if (!r.severity_text().empty()) put("", "severityText", quoted_text(r.severity_text()));
    if (r.trace_id().find_first_not_of('\0') != std::string::npos) put("", "trace_id", hex(r.trace_id()));
    if (r.span_id().find_first_not_of('\0') != std::string::npos) put("", "span_id", hex(r.span_id()));
    if (!r.event_name().empty()) put("", "event.name", quoted_text(r.event_name()));
    if (r.flags() != 0) put("", "flags", std::to_string(r.flags()));
  }

  void body(const Any& v) {
    if (v.has_string_value() || v.value_case() == Any::VALUE_NOT_SET) return;
    if (v.has_kvlist_value())
      attributes(v.kvlist_value().values(), "body.", "");
    else
      flatten(v, "body.", "body");
  }

  void attributes(const Attributes& list, const std::string& level, const std::string& prefix) {
    for (const KeyValue& kv : list) flatten(kv.value(), level, prefix.empty() ? kv.key() : prefix + "." + kv.key());
  }

  void flatten(const Any& v, const std::string& level, const std::string& path) {
    if (v.has_kvlist_value()) {
      attributes(v.kvlist_value().values(), level, path);
      if (v.kvlist_value().values().empty()) put(level, path, "{}");
      return;
    }
    if (v.has_array_value() && lists(v, level, path)) return;
    put(level, path, json(v));
  }

  // An array of maps as one list per leaf.
  bool lists(const Any& v, const std::string& level, const std::string& path) {
    std::vector<std::string> order;
    std::vector<Fields> elements;
    for (const Any& element : v.array_value().values()) {
      if (!element.has_kvlist_value()) return false;
      leaves(element.kvlist_value().values(), "", elements.emplace_back(), order);
    }
    for (const std::string& leaf : order) {
      std::string text = "[";
      for (size_t i = 0; i < elements.size(); ++i) {
        if (i != 0) text += ',';
        auto it = elements[i].find(leaf);
        if (it != elements[i].end()) text += it->second;
      }
      put(level, path + "." + leaf, text + "]");
    }
    return !order.empty();
  }

  void leaves(const Attributes& list, const std::string& prefix, Fields& out, std::vector<std::string>& order) {
    for (const KeyValue& kv : list) {
      std::string path = prefix.empty() ? kv.key() : prefix + "." + kv.key();
      bool is_map = kv.value().has_kvlist_value();
      if (is_map && !kv.value().kvlist_value().values().empty()) {
        leaves(kv.value().kvlist_value().values(), path, out, order);
        continue;
      }
      if (std::find(order.begin(), order.end(), path) == order.end()) order.push_back(path);
      out[path] = json(kv.value());
    }
  }

  static std::string json(const Any& v) {
    std::string out;
    switch (v.value_case()) {
      case Any::kStringValue: return quoted_text(v.string_value());
      case Any::kBoolValue: return v.bool_value() ? "true" : "false";
      case Any::kIntValue: return std::to_string(v.int_value());
      case Any::kDoubleValue:
        if (std::isinf(v.double_value())) return "\"Infinity\"";
        model::print_number(model::Kind::kFloat, std::bit_cast<int64_t>(v.double_value()), 0, out);
        return out;
      case Any::kBytesValue: model::append_base64(v.bytes_value(), out); return "\"" + out + "\"";
      case Any::kArrayValue:
        for (const Any& element : v.array_value().values()) out += (out.empty() ? "[" : ",") + json(element);
        return out.empty() ? "[]" : out + "]";
      case Any::kKvlistValue:
        for (const KeyValue& kv : v.kvlist_value().values()) {
          out += (out.empty() ? "{" : ",") + quoted_text(kv.key()) + ":" + json(kv.value());
        }
        return out.empty() ? "{}" : out + "}";
      default: return "null";
    }
  }

  Fields row_;
  Fields levels_;
};

Fields fields_of(const model::Batch& batch, uint32_t row) {
  Fields out;
  for (const auto& column : batch.columns()) {
    if (column->name().front() == '_') continue;
    std::optional<model::RestField> v = model::value_at(*column, row);
    if (!v) continue;
    model::append_json_value(*v, out[column->name()]);
  }
  return out;
}

void compare(const Result<Events>& events, const std::vector<Fields>& want, uint64_t seed) {
  ASSERT_TRUE(events.ok()) << "seed " << seed << ": " << events.error().message();
  ASSERT_EQ(events->rejected, 0u) << "seed " << seed << ": " << events->rejections[0].message;
  ASSERT_EQ(events->received, want.size()) << "seed " << seed;
  for (uint32_t row = 0; row < want.size(); ++row) {
    ASSERT_EQ(fields_of(events->batches[0], row), want[row]) << "seed " << seed << " row " << row;
  }
}

TEST(OtlpOracle, AgreesWithLibprotobuf) {
  constexpr uint64_t kSeeds = 3000;
  OtlpLogsDecoder decoder;
  Intake intake;
  intake.arrival = UnixNanos(1'795'171'025'000'000'000);
  uint64_t rows = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFatalFailure(); ++seed) {
    Request request = Maker(seed).request();
    std::vector<Fields> want = Reference().rows(request);
    rows += want.size();
    compare(decoder.decode_protobuf(request.SerializeAsString(), intake), want, seed);
    std::string json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(request, &json).ok());
    compare(decoder.decode_json(json, intake), want, seed);
  }
  EXPECT_GT(rows, kSeeds);
}

}  // namespace
}  // namespace clew::wire
