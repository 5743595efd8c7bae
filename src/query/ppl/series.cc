#include "query/ppl/series.h"

#include <charconv>

namespace clew::query::ppl {

namespace {

Status set_limit(CommandParser& parser, const std::string& text, exec::SeriesFold& fold) {
  std::string_view digits = text;
  std::string lower = expr::to_lower_ascii(text);
  fold.least = lower.starts_with("bottom");
  if (fold.least)
    digits.remove_prefix(6);
  else if (lower.starts_with("top"))
    digits.remove_prefix(3);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fold.limit);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return parser.fail("limit is a number, topN or bottomN, not " + quoted(text));
  }
  return {};
}

}  // namespace

Result<bool> take_series_option(CommandParser& parser, exec::SeriesFold& fold) {
  if (auto limit = CLEW_TRY(parser.option("limit"))) {
    CLEW_TRY(set_limit(parser, *limit, fold));
    return true;
  }
  if (auto use = CLEW_TRY(parser.bool_option("useother"))) {
    fold.keep_other = *use;
    return true;
  }
  if (auto name = CLEW_TRY(parser.option("otherstr"))) {
    fold.other = *name;
    return true;
  }
  if (auto use = CLEW_TRY(parser.bool_option("usenull"))) {
    fold.keep_null = *use;
    return true;
  }
  if (auto name = CLEW_TRY(parser.option("nullstr"))) {
    fold.null = *name;
    return true;
  }
  return false;
}

std::string print_series_options(const exec::SeriesFold& fold) {
  exec::SeriesFold plain;
  std::string out = " limit=" + std::string(fold.least ? "bottom" : "top") + std::to_string(fold.limit);
  if (!fold.keep_other) out += " useother=false";
  if (fold.other != plain.other) out += " otherstr=" + expr::print_string(fold.other);
  if (!fold.keep_null) out += " usenull=false";
  if (fold.null != plain.null) out += " nullstr=" + expr::print_string(fold.null);
  return out;
}

}  // namespace clew::query::ppl
