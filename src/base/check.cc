#include "base/check.h"

#include <execinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace clew::base {

void check_failed(const char* file, int line, const char* condition, const std::string& values) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed:%s\n", file, line, condition, values.c_str());
  void* frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
  std::abort();
}

std::string check_values() { return ""; }
std::string check_value(const std::string& value) { return value; }
std::string check_value(const char* value) { return value; }
std::string check_value(long long value) { return std::to_string(value); }
std::string check_value(unsigned long long value) { return std::to_string(value); }

}  // namespace clew::base
