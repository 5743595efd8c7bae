// Where a column's values came from: protocols that keep these apart can be answered in their own terms later.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::model {

// Bits, since the events of one column may differ. On disk (docs/formats/batch.md).
enum class Origin : uint8_t {
  kRecord = 1,    // the event itself: a document's field, a log record's or span's attribute
  kResource = 2,  // what sent it: OTLP's resource, Jaeger's process
  kScope = 4,     // OTLP's instrumentation scope
  kLabel = 8,     // a label of the event's stream: Loki
  kParser = 16,   // taken from the event's text by a parser here
};
using Origins = uint8_t;
constexpr int kOriginCount = 5;

constexpr Origins bit(Origin o) { return static_cast<Origins>(o); }

// Of bit number `i`, below kOriginCount.
constexpr std::string_view origin_name(int i) {
  constexpr std::string_view kNames[kOriginCount] = {"record", "resource", "scope", "label", "parser"};
  return kNames[i];
}

}  // namespace clew::model
