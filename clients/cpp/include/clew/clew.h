/* Goals and lines for C. One C++ file of the program defines CLEW_C_IMPLEMENTATION before it includes this header.
 *
 *   clew_start("order-service", stdout);
 *   clew_goal* goal = clew_goal_begin("charge card");
 *   clew_log("info", "charging");
 *   clew_goal_end(goal, paid ? NULL : "declined");
 */
#ifndef CLEW_CLEW_H
#define CLEW_CLEW_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clew_goal clew_goal;

/* Lines go to `file`. Once, before the others; 0, or -1 when there is no memory or it was called before. */
int clew_start(const char* service, FILE* file);
/* A line of this thread's goal. */
void clew_log(const char* level, const char* message);
/* A goal of this thread; end it in the same thread, innermost first. NULL when there is no memory. */
clew_goal* clew_goal_begin(const char* name);
/* A field of the goal's end. */
void clew_goal_note(clew_goal* goal, const char* name, const char* value);
/* Ends the goal and frees it: ok when `reason` is NULL, else failed. */
void clew_goal_end(clew_goal* goal, const char* reason);
/* Takes over the request that a traceparent header names, for this thread; NULL forgets it. */
void clew_follow(const char* traceparent);
/* Writes this thread's traceparent, at most `size` bytes with the final 0; its length, 0 when there is none. */
size_t clew_traceparent(char* text, size_t size);

#ifdef __cplusplus
}
#endif

#ifdef CLEW_C_IMPLEMENTATION
#include <memory>
#include <new>

#include "clew/goal.h"
#include "clew/output.h"

namespace clew::detail {

struct CProgram {
  CProgram(const char* service, std::FILE* file) : output(file), client(service, output) {}
  FileOutput output;
  Client client;
};

inline std::unique_ptr<CProgram>& c_program() {
  static std::unique_ptr<CProgram> program;  // C has no object to pass around
  return program;
}

}  // namespace clew::detail

struct clew_goal {
  clew_goal(const clew::Client& client, const char* name) : goal(client, name) {}
  clew::Goal goal;
};

extern "C" {

int clew_start(const char* service, FILE* file) {
  auto& program = clew::detail::c_program();
  if (program != nullptr) return -1;
  try {
    program = std::make_unique<clew::detail::CProgram>(service, file);
  } catch (...) {
    return -1;
  }
  return 0;
}

void clew_log(const char* level, const char* message) {
  if (const auto& program = clew::detail::c_program(); program != nullptr) program->client.write(level, message, {});
}

clew_goal* clew_goal_begin(const char* name) {
  const auto& program = clew::detail::c_program();
  if (program == nullptr) return nullptr;
  try {
    return new clew_goal(program->client, name);
  } catch (...) {
    return nullptr;
  }
}

void clew_goal_note(clew_goal* goal, const char* name, const char* value) {
  if (goal != nullptr) goal->goal.note(name, value);
}

void clew_goal_end(clew_goal* goal, const char* reason) {
  if (goal == nullptr) return;
  if (reason != nullptr) goal->goal.fail(reason);
  delete goal;
}

void clew_follow(const char* traceparent) {
  clew::detail::thread_scope() =
      traceparent == nullptr ? clew::Scope{} : clew::scope_of(clew::Headers{{"traceparent", traceparent}});
}

size_t clew_traceparent(char* text, size_t size) {
  for (const auto& [name, value] : clew::headers()) {
    if (name != "traceparent" || value.size() >= size) continue;
    text[value.copy(text, value.size())] = 0;
    return value.size();
  }
  return 0;
}

}  // extern "C"
#endif /* CLEW_C_IMPLEMENTATION */
#endif /* CLEW_CLEW_H */
