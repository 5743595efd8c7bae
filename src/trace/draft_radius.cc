// FreeRADIUS' debug log (`radiusd -X`): every line of a request begins with its number, sections are `NAME {` ... `} #
// NAME = RCODE`, modules answer `[NAME] = RCODE`.
//
//   (0) Received Access-Request Id 104 from 127.0.0.1:33278 to 127.0.0.1:1812 length 73
//   (0)   authorize {
//   (0)     [pap] = noop
//   (0)   } # authorize = ok
//   (0) Sent Access-Reject Id 104 from 127.0.0.1:1812 to 127.0.0.1:33278 length 20
#include <algorithm>
#include <charconv>
#include <map>

#include "trace/draft.h"

namespace clew::trace {
namespace {

constexpr size_t kSectionDepthMax = 64;
constexpr size_t kPrefixBytesMax = 64;  // of a time and a level before the number

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

Outcome outcome_of_rcode(std::string_view rcode) {
  for (std::string_view bad : {"reject", "fail", "invalid", "userlock", "disallow"}) {
    if (rcode == bad) return Outcome::kFailed;
  }
  return Outcome::kOk;
}

// `X = RCODE` split at the last equals sign.
bool split_rcode(std::string_view text, std::string_view& what, std::string_view& rcode) {
  size_t equals = text.rfind(" = ");
  if (equals == text.npos) return false;
  what = trimmed(text.substr(0, equals));
  rcode = trimmed(text.substr(equals + 3));
  return !rcode.empty() && rcode.find(' ') == rcode.npos;
}

// `if (...) {` only says what is about to be looked at; the block that is entered has two blanks before its brace.
bool begins_section(std::string_view text) {
  if (!text.ends_with("{")) return false;
  bool condition = text.starts_with("if ") || text.starts_with("elsif ");
  return !condition || text.ends_with("  {");
}

// What is being read of one request.
class Request {
 public:
  Request(Records& records, Drafts& out, uint64_t number, uint32_t first)
      : records_(records), out_(out), id_(records.keep("request " + std::to_string(number))), root_(out.steps.size()) {
    add_step(id_, {}, first, "request " + std::to_string(number));
    last_ = first;
  }

  void take(uint32_t index, std::string_view text) {
    last_ = index;
    text = trimmed(text);
    if (begins_section(text) && open_section(index, trimmed(text.substr(0, text.size() - 1)))) return;
    if (text.starts_with("}")) return close_section(index, trimmed(text.substr(1)));
    if (text.starts_with("[") && take_module(index, text)) return;
    note_packet(index, text);
    note_error(text);
    out_.lines.push_back({index, open_.empty() ? id_ : out_.steps[open_.back()].step.span_id});
  }

  void finish() {
    for (size_t section : open_) out_.steps[section].step.end = kNoTime;
    Step& root = out_.steps[root_].step;
    if (root.outcome != Outcome::kUnsaid) root.end = records_.rows[last_].time;
  }

 private:
  size_t add_step(std::string_view id, std::string_view parent, uint32_t index, std::string name) {
    const Record& r = records_.rows[index];
    Step& s = out_.steps.emplace_back().step;
    s.trace_id = id_;
    s.span_id = id;
    s.parent_id = parent;
    s.name = records_.keep(std::move(name));
    s.service = r.service.empty() ? std::string_view("radiusd") : r.service;
    s.host = r.host;
    s.goal = true;
    s.start = r.time;
    s.record = index;
    return out_.steps.size() - 1;
  }
  size_t add_child(uint32_t index, std::string_view name) {
    std::string_view parent = open_.empty() ? id_ : out_.steps[open_.back()].step.span_id;
    return add_step(records_.keep(std::string(id_) + "/" + std::to_string(++serial_)), parent, index,
                    std::string(name));
  }

  bool open_section(uint32_t index, std::string_view name) {
    if (name.empty() || open_.size() >= kSectionDepthMax) return false;
    open_.push_back(add_child(index, name));
    return true;
  }

  // Sections that were left without a word end with the one around them.
  void close_section(uint32_t index, std::string_view rest) {
    if (open_.empty()) return;
    std::string_view what;
    std::string_view rcode;
    if (rest.starts_with("#")) rest = trimmed(rest.substr(1));
    bool answers = split_rcode(rest, what, rcode);
    auto named = std::find_if(open_.rbegin(), open_.rend(), [&](size_t s) { return out_.steps[s].step.name == what; });
    size_t keep = answers && named != open_.rend() ? static_cast<size_t>(open_.rend() - named) - 1 : open_.size() - 1;
    Step& s = out_.steps[open_[keep]].step;
    for (; open_.size() > keep; open_.pop_back()) out_.steps[open_.back()].step.end = records_.rows[index].time;
    s.outcome = answers ? outcome_of_rcode(rcode) : Outcome::kOk;
    if (s.outcome != Outcome::kFailed)
      s.reason = {};
    else if (s.reason.empty())
      s.reason = rcode;
    else
      s.reason_is_own = true;
  }

  bool take_module(uint32_t index, std::string_view text) {
    std::string_view what;
    std::string_view rcode;
    if (!split_rcode(text, what, rcode) || !what.ends_with("]")) return false;
    size_t child = add_child(index, what.substr(1, what.size() - 2));
    Step& s = out_.steps[child].step;
    s.end = s.start;
    s.outcome = outcome_of_rcode(rcode);
    if (s.outcome != Outcome::kFailed) return true;
    // What the module said comes before its answer.
    s.reason = error_.empty() ? rcode : error_;
    s.reason_is_own = !error_.empty();
    return true;
  }

  void note_packet(uint32_t index, std::string_view text) {
    Step& root = out_.steps[root_].step;
    for (std::string_view lead : {"Received ", "rad_recv: "}) {
      if (text.starts_with(lead) && root.record == index) {
        root.name = records_.keep(std::string(id_) + ": " + std::string(text.substr(lead.size())));
      }
    }
    if (!text.starts_with("Sent ") && !text.starts_with("Sending Access-")) return;
    bool refused = text.find("-Reject") != text.npos || text.find("-NAK") != text.npos;
    root.outcome = refused ? Outcome::kFailed : Outcome::kOk;
    if (refused && root.reason.empty() && !root_error_.empty()) {
      root.reason = root_error_;
      root.reason_is_own = true;
    }
  }

  void note_error(std::string_view text) {
    size_t at = text.find("ERROR: ");
    if (at == text.npos) return;
    error_ = trimmed(text.substr(at + 7));
    if (open_.empty()) {
      root_error_ = error_;
      return;
    }
    Step& s = out_.steps[open_.back()].step;
    s.reason = error_;
  }

  Records& records_;
  Drafts& out_;
  std::string_view id_;
  size_t root_;
  std::vector<size_t> open_;
  uint32_t serial_ = 0;
  uint32_t last_ = kNone;
  std::string_view error_;       // the last one
  std::string_view root_error_;  // the last one outside of sections
};

}  // namespace

bool radius_number(std::string_view text, uint64_t& number, std::string_view& rest) {
  for (size_t at = text.find('('); at != text.npos && at <= kPrefixBytesMax; at = text.find('(', at + 1)) {
    bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == ':';
    auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), number);
    bool closed = error == std::errc() && end != text.data() + text.size() && *end == ')';
    if (!begins || !closed) continue;
    // Before it only a time and `: Debug: `.
    std::string_view before = trimmed(text.substr(0, at));
    if (!before.empty() && before.back() != ':') continue;
    rest = text.substr(static_cast<size_t>(end + 1 - text.data()));
    return rest.empty() || rest.front() == ' ';
  }
  return false;
}

void draft_radius(Records& records, std::vector<bool>& taken, Drafts& out) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < records.rows.size(); ++i) {
    uint64_t number = 0;
    std::string_view rest;
    if (!taken[i] && radius_number(records.rows[i].message, number, rest)) order.push_back(i);
  }
  // Lines without a time of their own all share one; the order of arrival is that of the log.
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return records.rows[a].seq < records.rows[b].seq; });
  std::map<uint64_t, Request> requests;
  for (uint32_t i : order) {
    uint64_t number = 0;
    std::string_view rest;
    radius_number(records.rows[i].message, number, rest);
    taken[i] = true;
    auto it = requests.find(number);
    if (it == requests.end()) it = requests.emplace(number, Request(records, out, number, i)).first;
    it->second.take(i, rest);
  }
  for (auto& [number, request] : requests) request.finish();
}

}  // namespace clew::trace
