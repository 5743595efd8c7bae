// A goal: what a piece of code tries to achieve, and whether it did (docs/protocols/goals.md).
//
//   clew::Goal goal(client, "charge card", {{"order", 7}});
//   if (!paid) goal.fail("declined");
//
// Its beginning and its end are two lines. Lines that this thread writes in between, and goals begun there, belong to
// it.
#pragma once

#include <cxxabi.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "clew/client.h"
#include "clew/context.h"

namespace clew {

// Threads:  made and destroyed by one thread, innermost first. In another thread: UseScope with current_scope().
// Lifetime: `client` outlives the goal.
class Goal {
 public:
  // The parent is this thread's goal, else what UseScope names, else the process that started this one.
  Goal(const Client& client, std::string name, Fields fields = {})
      : client_(client), name_(std::move(name)), fields_(std::move(fields)), use_(begin_scope(parent_span_id_)) {
    client_.write("info", name_ + ": begins", line("goal.start"));
  }

  // Ends the goal: failed after fail(), or when an exception is on its way out; else ok.
  ~Goal() { end(); }
  Goal(const Goal&) = delete;
  Goal& operator=(const Goal&) = delete;

  // The goal is not achieved. The first reason holds.
  void fail(std::string_view reason) {
    if (reason_.empty()) reason_ = reason.empty() ? std::string_view("failed") : reason;
  }
  // Adds a field to the goal's end.
  void note(std::string name, Value value) { fields_.emplace_back(std::move(name), std::move(value)); }

  // Runs `work`; an exception becomes the reason of the failure, with its type and text, and goes on.
  template <typename Work>
  decltype(auto) run(Work&& work) {
    try {
      return std::forward<Work>(work)();
    } catch (const std::exception& error) {
      note_error(typeid(error).name(), error.what());
      throw;
    } catch (...) {
      fail("an exception of no known type");
      throw;
    }
  }

  // What makes another process's goals part of this one.
  Headers headers() const { return {{"traceparent", "00-" + scope().trace_id + "-" + scope().span_id + "-01"}}; }
  const Scope& scope() const { return scope_; }
  const std::string& parent_span_id() const { return parent_span_id_; }

 private:
  Scope begin_scope(std::string& parent) {
    Scope outer = current_scope();
    if (outer.trace_id.empty()) {
      const Scope told = scope_of_environment();
      outer.trace_id = told.trace_id;
      outer.span_id = told.span_id;
    }
    parent = outer.span_id;
    scope_ = outer;
    if (scope_.trace_id.empty()) scope_.trace_id = detail::random_hex(32);
    scope_.span_id = detail::random_hex(16);
    return scope_;
  }

  void end() noexcept {
    try {
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun_;
      if (std::uncaught_exceptions() > exceptions_) fail("an exception");
      const bool failed = !reason_.empty();
      Fields told = line("goal.end");
      told.emplace_back("outcome", failed ? "failed" : "ok");
      if (failed) told.emplace_back("reason", reason_);
      told.emplace_back("duration_ms", took.count());
      client_.write(failed ? "error" : "info", name_ + (failed ? ": failed, " + reason_ : ": ok"), told);
    } catch (...) {
      return;  // no memory: the goal is shown without an end
    }
  }

  Fields line(const char* event) const {
    Fields made = fields_;
    made.emplace_back("event", event);
    made.emplace_back("goal", true);
    made.emplace_back("name", name_);
    made.emplace_back("trace_id", scope_.trace_id);
    made.emplace_back("span_id", scope_.span_id);
    if (!parent_span_id_.empty()) made.emplace_back("parent_span_id", parent_span_id_);
    return made;
  }

  void note_error(const char* mangled, const char* text) {
    int status = 0;
    char* demangled = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
    const std::string type = status == 0 && demangled != nullptr ? demangled : mangled;
    std::free(demangled);
    fail(type + ": " + text);
    note("error.type", type);
    note("error.message", text);
  }

  const Client& client_;
  std::string name_;
  Fields fields_;
  std::string reason_;
  Scope scope_;
  std::string parent_span_id_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  int exceptions_ = std::uncaught_exceptions();
  UseScope use_;  // the last member: begun when the others are there
};

}  // namespace clew
