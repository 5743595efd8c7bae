// Splunk's HTTP Event Collector: bodies of /services/collector/event. docs/protocols/splunk-hec.md names the fields.
//
// For the caller, POST /services/collector and /services/collector/event: hec_reply(). Errors: what clients expect of a
// code is in hec_reply; nothing was taken then.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// What the query string says for events that do not say it themselves.
struct HecDefaults {
  std::string_view host;
  std::string_view source;
  std::string_view sourcetype;
};

// Threads:  one; keep a decoder per thread.
// Lifetime: nothing of the result points into the body.
class SplunkHecDecoder {
 public:
  SplunkHecDecoder();
  ~SplunkHecDecoder();

  // Objects one behind the other, each with `event`, which is a text or an object. An object that is none of those is
  // rejected alone; after broken syntax the rest of the body is one rejection. `index` names the dataset, else
  // intake.dataset does.
  Events decode(std::string_view body, const HecDefaults& defaults, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
