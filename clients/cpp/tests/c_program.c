/* The C API as a C program uses it; c_api.cc calls this and looks at the lines. */
#include <string.h>

#include "clew/clew.h"

int c_program(FILE* file) {
  char traceparent[64];
  clew_goal* outer;
  clew_goal* inner;
  if (clew_start("c-service", file) != 0) return 1;
  if (clew_start("again", file) == 0) return 2;
  if (clew_traceparent(traceparent, sizeof traceparent) != 0) return 3;
  clew_follow("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  outer = clew_goal_begin("place order");
  inner = clew_goal_begin("charge card");
  if (clew_traceparent(traceparent, sizeof traceparent) != 55) return 4;
  if (strncmp(traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36) != 0) return 5;
  if (clew_traceparent(traceparent, 10) != 0) return 6;
  clew_log("warn", "slow \"gateway\"");
  clew_goal_note(inner, "card", "visa");
  clew_goal_end(inner, "declined");
  clew_goal_end(outer, NULL);
  clew_follow(NULL);
  clew_log("info", "outside");
  clew_goal_end(NULL, NULL);
  return 0;
}
