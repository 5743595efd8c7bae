#include "app/trace_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace clew::app {
namespace {

constexpr size_t kEqualShown = 5;          // of siblings that are alike and say nothing more
constexpr size_t kPathShown = 40;          // stretches of the critical path
constexpr uint32_t kWidthUnlimited = 120;  // where there is no terminal to ask
constexpr uint32_t kNumberCells = 10;
constexpr size_t kNoStep = SIZE_MAX;

double real_at(const Json& json, const char* name) {
  const Json& member = member_at(json, name);
  return member.is_number() ? member.get<double>() : 0;
}

bool flag_at(const Json& json, const char* name) {
  const Json& member = member_at(json, name);
  return member.is_boolean() && member.get<bool>();
}

std::string clean(const Json& json, const char* name) { return without_controls(text_at(json, name)); }

bool has_problem(const Json& step, std::string_view name) {
  const Json& problems = member_at(step, "problems");
  return problems.is_array() && std::any_of(problems.begin(), problems.end(), [&](const Json& p) {
           return p.is_string() && p.get<std::string>() == name;
         });
}

// The trace's steps with their children, as indices.
struct Forest {
  explicit Forest(const Json& trace) : steps(member_at(trace, "steps")) {
    size_t count = steps.is_array() ? steps.size() : 0;
    children.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const Json& parent = member_at(steps[i], "parent");
      size_t above = parent.is_number_unsigned() ? parent.get<size_t>() : kNoStep;
      if (above < i)
        children[above].push_back(i);
      else
        roots.push_back(i);
    }
  }
  const Json& steps;
  std::vector<size_t> roots;
  std::vector<std::vector<size_t>> children;
};

std::string name_of(const Json& step) {
  if (has_problem(step, "missing")) return "(missing " + clean(step, "span_id") + ")";
  std::string name = clean(step, "name");
  return name.empty() ? clean(step, "span_id") : name;
}

// 2025-11-10T18:30:45.25Z -> 18:30:45.250
std::string clock_text(const std::string& rfc3339) {
  size_t t = rfc3339.find('T');
  if (t == std::string::npos) return rfc3339;
  std::string text = rfc3339.substr(t + 1);
  while (!text.empty() && text.back() == 'Z') text.pop_back();
  size_t point = text.find('.');
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  fraction.resize(3, '0');
  return text.substr(0, point) + "." + fraction;
}

std::string counted(uint64_t n, const char* what) { return grouped(n) + " " + what + (n == 1 ? "" : "s"); }

std::string level_of(const Json& line) {
  std::string level = clean(line, "level");
  std::transform(level.begin(), level.end(), level.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return level;
}

bool is_bad(std::string_view level) {
  return level.starts_with("err") || level.starts_with("crit") || level.starts_with("fatal");
}

// Where no step says that it failed, lines may.
std::string bad_lines_text(const Json& trace, const Terminal& terminal) {
  uint64_t bad = 0;
  const Json* first = nullptr;
  auto look = [&](const Json& lines) {
    if (!lines.is_array()) return;
    for (const Json& line : lines) {
      if (!is_bad(level_of(line))) continue;
      ++bad;
      if (first == nullptr || text_at(line, "time") < text_at(*first, "time")) first = &line;
    }
  };
  look(member_at(trace, "lines"));
  if (const Json& steps = member_at(trace, "steps"); steps.is_array()) {
    for (const Json& step : steps) look(member_at(step, "lines"));
  }
  if (first == nullptr) return {};
  return painted(fmt::format("no step says that it failed, but {}: {} {}",
                             bad == 1 ? "a line of an error" : grouped(bad) + " lines of errors",
                             clock_text(text_at(*first, "time")), clean(*first, "message")),
                 Color::kRed, terminal) +
         "\n";
}

std::string head_text(const Json& trace, const Terminal& terminal) {
  std::string start = text_at(trace, "start");
  std::replace(start.begin(), start.end(), 'T', ' ');
  std::string out = painted(clean(trace, "trace_id"), Color::kBold, terminal);
  if (!start.empty()) out += "  " + start + "  " + human_millis(real_at(trace, "duration_ms"));
  const Json& services = member_at(trace, "services");
  out += "  " + counted(number_at(trace, "spans"), "step") + ", " +
         counted(services.is_array() ? services.size() : 0, "service") + ", " +
         counted(number_at(trace, "lines_count"), "line");
  out += "\n";
  std::string found_by = text_at(trace, "found_by");
  if (found_by == "inferred") {
    out += painted("inferred: no id binds these lines; they are of one place and close in time", Color::kYellow,
                   terminal) +
           "\n";
  } else if (found_by == "request_id") {
    out += painted("found by request id", Color::kDim, terminal) + "\n";
  }
  if (uint64_t alike = number_at(trace, "requests_alike"); alike > 1) {
    out += painted("one of " + grouped(alike) + " requests with this; a line with its time, or an id, says which",
                   Color::kYellow, terminal) +
           "\n";
  }
  if (number_at(trace, "failed") == 0) out += bad_lines_text(trace, terminal);
  const Json& clocks = member_at(trace, "clocks");
  if (clocks.is_array()) {
    for (const Json& c : clocks) {
      double shift = real_at(c, "shift_ms");
      std::string text = fmt::format("clock of {} is {:.3f} ms {}; corrected", clean(c, "host"), std::abs(shift),
                                     shift > 0 ? "behind" : "ahead");
      out += painted(text, Color::kYellow, terminal) + "\n";
    }
  }
  if (flag_at(trace, "cut"))
    out += painted("cut: there are more events than are read of one request", Color::kYellow, terminal) + "\n";
  if (uint64_t damaged = number_at(trace, "damaged_rows")) {
    out += painted(counted(damaged, "damaged row") + " left out", Color::kYellow, terminal) + "\n";
  }
  return out;
}

// Sent twice, or written twice in one moment.
bool same_line(const Json& a, const Json& b) {
  for (const char* member : {"time", "level", "message", "service", "host"}) {
    if (member_at(a, member) != member_at(b, member)) return false;
  }
  return true;
}

class TreePrinter {
 public:
  TreePrinter(const Json& trace, const TreeOptions& options, const Terminal& terminal)
      : trace_(trace), options_(options), terminal_(terminal), forest_(trace) {}

  std::string print() {
    out_ = head_text(trace_, terminal_);
    std::vector<Item> items = items_of(forest_.roots, member_at(trace_, "lines"));
    push(items, "", true);
    while (!stack_.empty()) {
      Entry entry = std::move(stack_.back());
      stack_.pop_back();
      take(entry);
    }
    return std::move(out_);
  }

 private:
  // A child or a line of a step, or a note that some were left out.
  struct Item {
    double offset_ms = 0;
    uint64_t seq = 0;  // tells the order of what has the same time
    size_t step = kNoStep;
    const Json* line = nullptr;
    std::string note;
    uint64_t times = 1;  // that the line is there, one copy like the other
  };
  struct Entry {
    Item item;
    std::string prefix;  // of the lines below
    std::string branch;  // of the item's own line
  };

  std::vector<Item> items_of(const std::vector<size_t>& children, const Json& lines) const;
  void push(std::vector<Item>& items, const std::string& prefix, bool top);
  void take(const Entry& entry);
  std::string step_text(const Json& step, bool top) const;
  std::string line_text(const Json& line) const;
  bool is_plain(size_t step) const;

  const Json& trace_;
  const TreeOptions options_;
  const Terminal terminal_;
  const Forest forest_;
  std::vector<Entry> stack_;
  std::string out_;
};

// Nothing would be lost to a reader who sees only how many of them there are.
bool TreePrinter::is_plain(size_t step) const {
  const Json& s = forest_.steps[step];
  std::string outcome = text_at(s, "outcome");
  bool quiet = outcome.empty() || outcome == "ok";
  return quiet && forest_.children[step].empty() && !member_at(s, "lines").is_array() &&
         !member_at(s, "problems").is_array();
}

std::vector<TreePrinter::Item> TreePrinter::items_of(const std::vector<size_t>& children, const Json& lines) const {
  std::vector<Item> items;
  std::string run_name;
  size_t run = 0;
  double run_ms = 0;
  auto end_run = [&] {
    if (run > kEqualShown) {
      items.push_back({items.empty() ? 0 : items.back().offset_ms, UINT64_MAX, kNoStep, nullptr,
                       fmt::format("… {} more {}, {}", run - kEqualShown, run_name, human_millis(run_ms))});
    }
    run = 0;
    run_ms = 0;
  };
  for (size_t child : children) {
    const Json& step = forest_.steps[child];
    if (!options_.all && member_at(step, "folded_into").is_number()) continue;
    std::string name = name_of(step);
    bool plain = !options_.all && is_plain(child);
    if (!plain || name != run_name) end_run();
    run_name = plain ? name : std::string();
    if (plain && ++run > kEqualShown) {
      run_ms += real_at(step, "duration_ms");
      continue;
    }
    items.push_back({real_at(step, "offset_ms"), number_at(step, "_seq"), child, nullptr, {}});
  }
  end_run();
  if (options_.lines && lines.is_array()) {
    for (const Json& line : lines) {
      bool again =
          !options_.all && !items.empty() && items.back().line != nullptr && same_line(*items.back().line, line);
      if (again)
        ++items.back().times;
      else
        items.push_back({real_at(line, "offset_ms"), number_at(line, "_seq"), kNoStep, &line, {}});
    }
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.offset_ms != b.offset_ms ? a.offset_ms < b.offset_ms : a.seq < b.seq;
  });
  return items;
}

void TreePrinter::push(std::vector<Item>& items, const std::string& prefix, bool top) {
  for (size_t n = items.size(); n-- > 0;) {
    bool last = n + 1 == items.size();
    bool line = items[n].step == kNoStep;
    std::string branch = top ? "" : line ? (last ? "└ " : "├ ") : (last ? "└─ " : "├─ ");
    std::string below = top ? "" : prefix + (last ? "   " : "│  ");
    stack_.push_back({std::move(items[n]), below, top ? "" : prefix + branch});
  }
}

void TreePrinter::take(const Entry& entry) {
  out_ += painted(entry.branch, Color::kDim, terminal_);
  if (!entry.item.note.empty()) {
    out_ += painted(entry.item.note, Color::kDim, terminal_) + "\n";
    return;
  }
  if (entry.item.line != nullptr) {
    out_ += line_text(*entry.item.line);
    if (entry.item.times > 1) out_ += painted("  " + grouped(entry.item.times) + " times", Color::kDim, terminal_);
    out_ += "\n";
    return;
  }
  const Json& step = forest_.steps[entry.item.step];
  out_ += step_text(step, entry.branch.empty()) + "\n";
  std::vector<Item> items = items_of(forest_.children[entry.item.step], member_at(step, "lines"));
  push(items, entry.prefix, false);
}

std::string TreePrinter::step_text(const Json& step, bool top) const {
  std::string out = painted(name_of(step), Color::kBold, terminal_);
  std::string outcome = text_at(step, "outcome");
  Color color = outcome == "failed" ? Color::kRed : outcome == "open" ? Color::kYellow : Color::kGreen;
  if (!outcome.empty()) out += "  " + painted(outcome, color, terminal_);
  if (uint64_t tries = number_at(step, "tries"); tries > 1) out += " after " + grouped(tries) + " tries";
  double millis = real_at(step, "duration_ms");
  bool open = has_problem(step, "no_end");
  // Of an open step that is how long it was seen, if at all.
  if (!has_problem(step, "missing") && !(open && millis == 0)) out += (open ? "  > " : "  ") + human_millis(millis);
  std::string who = clean(step, "service");
  if (!clean(step, "process").empty()) who += (who.empty() ? "process " : " process ") + clean(step, "process");
  if (!who.empty()) out += "  " + painted(who, Color::kCyan, terminal_);
  std::string reason = clean(step, "reason");
  bool cause = flag_at(step, "cause");
  if (!reason.empty() && (top || cause)) out += "  " + painted(reason, Color::kRed, terminal_);
  for (auto [problem, text] : {std::pair("no_end", "no end seen"), std::pair("no_start", "no start seen"),
                               std::pair("cycle", "names itself as its parent"), std::pair("inferred", "inferred"),
                               std::pair("missing", "never arrived; what names it is below")}) {
    if (has_problem(step, problem)) out += "  " + painted(text, Color::kYellow, terminal_);
  }
  if (cause && !top) out += painted("  ◀ broke here", Color::kRed, terminal_);
  if (uint64_t copies = number_at(step, "copies"); copies > 1) {
    out += painted("  arrived " + grouped(copies) + " times", Color::kDim, terminal_);
  }
  return out;
}

std::string TreePrinter::line_text(const Json& line) const {
  std::string level = level_of(line);
  Color color = is_bad(level) ? Color::kRed : level.starts_with("warn") ? Color::kYellow : Color::kNone;
  std::string out = painted(clock_text(text_at(line, "time")), Color::kDim, terminal_) + " ";
  if (!level.empty()) out += painted(level, color, terminal_) + " ";
  out += clean(line, "message");
  if (flag_at(line, "inferred")) out += painted("  (inferred)", Color::kDim, terminal_);
  return out;
}

class Waterfall {
 public:
  Waterfall(const Json& trace, const Terminal& terminal)
      : trace_(trace),
        terminal_(terminal),
        forest_(trace),
        width_(terminal.width == 0 ? kWidthUnlimited : terminal.width) {}

  std::string print() {
    out_ = head_text(trace_, terminal_);
    if (forest_.children.empty()) return std::move(out_);
    measure();
    for (size_t i = 0; i < forest_.children.size(); ++i) row(i);
    critical_path();
    bottlenecks();
    return std::move(out_);
  }

 private:
  struct Stretch {
    double from_ms = 0;
    double to_ms = 0;
  };
  void measure();
  void row(size_t index);
  std::string bar(size_t index) const;
  void critical_path();
  void bottlenecks();
  std::string label(size_t index) const;

  const Json& trace_;
  const Terminal terminal_;
  const Forest forest_;
  const uint32_t width_;
  uint32_t name_cells_ = 0;
  uint32_t bar_cells_ = 0;
  double total_ms_ = 0;
  std::vector<std::vector<Stretch>> critical_;  // by step
  std::string out_;
};

std::string Waterfall::label(size_t index) const {
  const Json& step = forest_.steps[index];
  std::string text(2 * std::min<uint64_t>(number_at(step, "depth"), 40), ' ');
  std::string service = clean(step, "service");
  text += name_of(step);
  return service.empty() ? text : text + "  " + service;
}

void Waterfall::measure() {
  uint32_t widest = 0;
  for (size_t i = 0; i < forest_.children.size(); ++i) widest = std::max(widest, cells_of(label(i)));
  name_cells_ = std::min(widest, width_ * 2 / 5);
  uint32_t numbers = 2 * kNumberCells + 4;
  bar_cells_ = width_ > name_cells_ + numbers + 8 ? width_ - name_cells_ - numbers : 8;
  total_ms_ = std::max(real_at(trace_, "duration_ms"), 1e-6);
  critical_.resize(forest_.children.size());
  const Json& path = member_at(trace_, "critical_path");
  if (!path.is_array()) return;
  for (const Json& s : path) {
    size_t step = number_at(s, "step");
    double from = real_at(s, "from_ms");
    if (step < critical_.size()) critical_[step].push_back({from, from + real_at(s, "ms")});
  }
}

std::string Waterfall::bar(size_t index) const {
  const Json& step = forest_.steps[index];
  double cell_ms = total_ms_ / bar_cells_;
  double from = real_at(step, "offset_ms");
  double to = from + real_at(step, "duration_ms");
  auto first = static_cast<uint32_t>(std::clamp(from / cell_ms, 0.0, static_cast<double>(bar_cells_ - 1)));
  auto last = static_cast<uint32_t>(
      std::clamp(to / cell_ms - 1e-9, static_cast<double>(first), static_cast<double>(bar_cells_ - 1)));
  std::string text(first, ' ');
  for (uint32_t cell = first; cell <= last; ++cell) {
    double begin = cell * cell_ms;
    bool waited = std::any_of(critical_[index].begin(), critical_[index].end(), [&](const Stretch& s) {
      return std::min(s.to_ms, begin + cell_ms) - std::max(s.from_ms, begin) >= cell_ms / 2 || (first == last);
    });
    text += waited ? "█" : "─";
  }
  std::string outcome = text_at(step, "outcome");
  Color color = outcome == "failed" ? Color::kRed : outcome == "open" ? Color::kYellow : Color::kGreen;
  return painted(text, color, terminal_) + std::string(bar_cells_ - last - 1, ' ');
}

void Waterfall::row(size_t index) {
  const Json& step = forest_.steps[index];
  std::string offset = fit("+" + human_millis(real_at(step, "offset_ms")), kNumberCells, Align::kRight);
  std::string duration = fit(human_millis(real_at(step, "duration_ms")), kNumberCells, Align::kRight);
  out_ += fit(label(index), name_cells_, Align::kLeft) + " " + painted(offset, Color::kDim, terminal_) + " " +
          duration + " " + bar(index);
  while (out_.ends_with(' ')) out_.pop_back();
  if (text_at(step, "outcome") == "failed") out_ += painted(" failed", Color::kRed, terminal_);
  if (has_problem(step, "no_end")) out_ += painted(" no end seen", Color::kYellow, terminal_);
  out_ += "\n";
}

void Waterfall::critical_path() {
  const Json& path = member_at(trace_, "critical_path");
  if (!path.is_array() || path.empty()) return;
  std::set<std::string> services;
  std::set<size_t> steps;
  double total = 0;
  for (const Json& s : path) {
    size_t step = number_at(s, "step");
    if (step >= critical_.size()) continue;
    steps.insert(step);
    services.insert(clean(forest_.steps[step], "service"));
    total += real_at(s, "ms");
  }
  // A service says which step it is when each has only one.
  bool by_service = services.size() == steps.size() && !services.contains("");
  out_ += "\ncritical path " + human_millis(total) + ":";
  size_t shown = 0;
  for (const Json& s : path) {
    size_t step = number_at(s, "step");
    if (step >= critical_.size()) continue;
    if (++shown > kPathShown) {
      out_ += fmt::format(" … {} more", path.size() - kPathShown);
      break;
    }
    std::string who = by_service ? clean(forest_.steps[step], "service") : name_of(forest_.steps[step]);
    out_ += (shown == 1 ? " " : ", ") + who + " " + human_millis(real_at(s, "ms"));
  }
  out_ += "\n";
}

void Waterfall::bottlenecks() {
  const Json& list = member_at(trace_, "bottlenecks");
  if (!list.is_array() || list.empty()) return;
  out_ += "slowest on it:\n";
  for (const Json& b : list) {
    std::string ms = fit(human_millis(real_at(b, "ms")), kNumberCells, Align::kRight);
    out_ += fmt::format("{}  {:>5.1f} %  {}", ms, real_at(b, "share") * 100, clean(b, "name"));
    std::string service = clean(b, "service");
    if (!service.empty()) out_ += "  " + painted(service, Color::kCyan, terminal_);
    out_ += "\n";
  }
}

}  // namespace

std::string tree_text(const Json& trace, const TreeOptions& options, const Terminal& terminal) {
  return TreePrinter(trace, options, terminal).print();
}

std::string waterfall_text(const Json& trace, const Terminal& terminal) { return Waterfall(trace, terminal).print(); }

std::string trace_ndjson(const Json& trace) {
  auto dump = [](const char* name, const Json& json) {
    return Json{{name, json}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  };
  Json head = trace;
  head.erase("steps");
  head.erase("lines");
  std::string out = dump("trace", head);
  const Json& steps = member_at(trace, "steps");
  for (size_t i = 0; steps.is_array() && i < steps.size(); ++i) out += dump("step", steps[i]);
  const Json& lines = member_at(trace, "lines");
  for (size_t i = 0; lines.is_array() && i < lines.size(); ++i) out += dump("line", lines[i]);
  return out;
}

}  // namespace clew::app
