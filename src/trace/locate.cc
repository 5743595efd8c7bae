#include "trace/locate.h"

#include <algorithm>
#include <cctype>

#include "text/words.h"
#include "trace/pasted.h"

namespace clew::trace {
namespace {

constexpr uint32_t kMatchesMax = 1000;  // lines that a pasted text may be, events of one `_id`
constexpr size_t kTextsMax = 16;        // of a JSON object

// What the texts of a JSON object have to be: of an event without a message.
contract::Predicate texts_of_json(std::string_view text) {
  std::vector<contract::Predicate> all;
  for (size_t at = text.find("\":"); at != text.npos && all.size() < kTextsMax; at = text.find("\":", at + 2)) {
    size_t begin = text.find_first_not_of(' ', at + 2);
    if (begin == text.npos || text[begin] != '"') continue;
    size_t end = text.find('"', begin + 1);
    if (end == text.npos) break;
    std::string_view value = text.substr(begin + 1, end - begin - 1);
    bool plain = value.find('\\') == value.npos && !text::words_of(value).empty();
    if (plain) all.push_back(phrase(std::string(value)));
  }
  return all_of(std::move(all));
}

LoadSpec spec_of(const Where& where, contract::Predicate predicate) {
  LoadSpec spec{
      .access = where.access, .datasets = where.datasets, .range = where.range, .where = std::move(predicate)};
  spec.order = contract::Order::kNewestFirst;
  spec.records_max = kMatchesMax;
  return spec;
}

}  // namespace

Result<const Record*> event_of_id(Loader& loader, std::string_view id, const Where& where, std::stop_token stop,
                                  Records& found) {
  CLEW_TRY(loader.load(spec_of(where, equals("_id", std::string(id))), stop, found));
  auto last = std::max_element(found.rows.begin(), found.rows.end(),
                               [](const Record& a, const Record& b) { return a.seq < b.seq; });
  return last == found.rows.end() ? nullptr : &*last;
}

Result<const Record*> event_of_line(Loader& loader, std::string_view text, const Where& where, std::stop_token stop,
                                    Records& found) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  if (text.empty()) return nullptr;
  Pasted pasted = read_pasted(text);
  for (const std::string& words : pasted.phrases) {
    found = Records();
    CLEW_TRY(loader.load(spec_of(where, phrase(words)), stop, found));
    if (found.rows.empty()) continue;
    const Record* best = &found.rows.back();
    for (const Record& r : found.rows) {
      if (pasted.has_time() && pasted.distance(r.time) < pasted.distance(best->time)) best = &r;
    }
    return best;
  }
  if (text.front() != '{') return nullptr;
  contract::Predicate texts = texts_of_json(text);
  if (texts.children.empty()) return nullptr;
  found = Records();
  CLEW_TRY(loader.load(spec_of(where, std::move(texts)), stop, found));
  return found.rows.empty() ? nullptr : &found.rows.back();
}

}  // namespace clew::trace
