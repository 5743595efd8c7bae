// Errors of parsing, planning and running as what the caller of a query is told.
#pragma once

#include <string_view>

#include "base/result.h"
#include "expr/lexer.h"
#include "query/answer.h"
#include "query/ppl/context.h"

namespace clew::query {

Failure syntax_failure(std::string_view text, const expr::TokenStream& tokens, const Error& error);
Failure plan_failure(std::string_view text, const ppl::Context& context, const Error& error);
Failure run_failure(const Error& error);
Failure too_long_failure();

}  // namespace clew::query
