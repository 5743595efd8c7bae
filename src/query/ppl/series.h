// What chart and timechart share: options of series.
#pragma once

#include "query/ppl/command.h"

namespace clew::query::ppl {

// limit=N, limit=topN, limit=bottomN, useother, otherstr, usenull, nullstr. True when one was taken.
Result<bool> take_series_option(CommandParser& parser, exec::SeriesFold& fold);
std::string print_series_options(const exec::SeriesFold& fold);

}  // namespace clew::query::ppl
