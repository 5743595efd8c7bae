#include "expr/functions.h"

namespace clew::expr {

std::span<const FunctionDef> json_functions() {
  return {};
}

}  // namespace clew::expr
