// Source: what brings events in by itself: followed files, a journal, a listener, measurements of the host.
#pragma once

#include <string>

#include "base/result.h"

namespace clew::collect {

// Threads: run() has one of its own; the others on any thread.
class Source {
 public:
  virtual ~Source() = default;

  // As in the configuration; the label `source` in counters.
  virtual const std::string& name() const = 0;
  // Works until stop(), or until its input has ended: everything taken is kept then, or will be given again.
  // Errors: what makes going on senseless; a passing fault is waited out and counted.
  virtual Status run() = 0;
  virtual void stop() = 0;
};

}  // namespace clew::collect
