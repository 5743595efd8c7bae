#include "wire/statsd.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "model/json_text.h"

namespace clew::wire {
namespace {

constexpr std::string_view kFlag = "true";  // of a tag without a value
constexpr size_t kNone = std::string_view::npos;

Error expected(std::string_view line, std::string_view at, std::string_view what) {
  size_t column = static_cast<size_t>(at.data() - line.data()) + 1;
  return Error(Code::kInvalid,
               "column " + std::to_string(column) + ": expected " + std::string(what) + ", not " + quoted(at));
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

template <class T>
std::optional<T> whole_of(std::string_view text) {
  T v{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

// What stands before the delimiter; `rest` is what stands behind it, or null when there is none.
std::string_view cut_at(std::string_view& rest, char delimiter) {
  size_t at = rest.find(delimiter);
  std::string_view out = rest.substr(0, at);
  rest = at == kNone ? std::string_view() : rest.substr(at + 1);
  return out;
}

template <class Take>
void each_tag(std::string_view tags, char joined_by, Take&& take) {
  while (!tags.empty()) {
    std::string_view tag = cut_at(tags, ',');
    if (tag.empty()) continue;
    size_t at = tag.find(joined_by);
    if (at == kNone)
      take(tag, kFlag);
    else
      take(tag.substr(0, at), tag.substr(at + 1));
  }
}

void add_tags(std::string_view tags, char joined_by, StatsdLine& out) {
  each_tag(tags, joined_by, [&out](std::string_view name, std::string_view value) {
    if (!name.empty() && !value.empty() && out.tags.size() < kStatsdTagsMax) out.tags.emplace_back(name, value);
  });
}

// The name, and tags that stand in it.
Status read_head(std::string_view line, std::string_view head, StatsdLine& out) {
  out.head = head;
  out.name = head;
  size_t bracket = head.find('[');
  if (bracket != kNone) {
    size_t close = head.find(']', bracket);
    if (close == kNone) return expected(line, head.substr(bracket), "tags that end with ]");
    add_tags(head.substr(bracket + 1, close - bracket - 1), '=', out);
    // Tags may stand before the name, behind it or within: of the last the longer part is the name.
    std::string_view before = head.substr(0, bracket), behind = head.substr(close + 1);
    out.name = behind.size() > before.size() ? behind : before;
  } else if (size_t mark = head.find_first_of(",#"); mark != kNone) {
    add_tags(head.substr(mark + 1), '=', out);
    out.name = head.substr(0, mark);
  }
  if (out.name.empty()) return expected(line, head.empty() ? line : head, "a name");
  return {};
}

struct Type {
  StatsdKind kind;
  double scale = 1;
};
std::optional<Type> type_of(std::string_view text) {
  if (text == "c" || text == "m") return Type{StatsdKind::kCounter};
  if (text == "g") return Type{StatsdKind::kGauge};
  if (text == "ms") return Type{StatsdKind::kTimer, 1e-3};
  if (text == "h" || text == "d") return Type{StatsdKind::kTimer};
  if (text == "s") return Type{StatsdKind::kSet};
  return std::nullopt;
}

Status add_value(std::string_view line, std::string_view text, const Type& type, StatsdLine& out) {
  if (out.values.size() >= kStatsdValuesMax) return expected(line, text, "at most 10000 values");
  StatsdValue value{.kind = type.kind};
  if (type.kind == StatsdKind::kSet) {
    if (text.empty()) return expected(line, text, "a member of the set");
    value.member = text;
  } else {
    std::optional<double> number = number_of(text);
    if (!number) return expected(line, text, "a number");
    value.value = *number * type.scale;
    value.change = type.kind == StatsdKind::kGauge && (text[0] == '+' || text[0] == '-');
  }
  out.values.push_back(value);
  return {};
}

// VALUE[:VALUE...]|TYPE, and what stands behind as `rest`.
Status read_values(std::string_view line, std::string_view values, std::string_view type_text, StatsdLine& out) {
  std::optional<Type> type = type_of(type_text);
  if (!type) {
    return Error(Code::kUnsupported, "type " + quoted(type_text) + " is none of c, g, ms, h, d, s");
  }
  if (type->kind == StatsdKind::kSet) return add_value(line, values, *type, out);
  while (true) {
    size_t at = values.find(':');
    CLEW_TRY(add_value(line, values.substr(0, at), *type, out));
    if (at == kNone) return {};
    values.remove_prefix(at + 1);
  }
}

Status read_option(std::string_view line, std::string_view option, StatsdLine& out) {
  if (option.empty()) return {};
  switch (option[0]) {
    case '@': {
      std::optional<double> rate = number_of(option.substr(1));
      if (!rate || *rate <= 0 || *rate > 1) return expected(line, option, "a rate above 0, at most 1");
      out.rate = *rate;
      return {};
    }
    case '#': add_tags(option.substr(1), ':', out); return {};
    case 'T': {
      std::optional<int64_t> seconds = whole_of<int64_t>(option.substr(1));
      if (!seconds || *seconds <= 0 || *seconds > INT64_MAX / 1000'000) return expected(line, option, "T and seconds");
      out.millis = *seconds * 1000;
      return {};
    }
    default: return {};  // the container and the like
  }
}

// Datadog's words of an event's options and a check's.
struct Option {
  std::string_view mark;
  std::string_view name;
};
constexpr Option kEventOptions[] = {{"d:", "timestamp"},      {"h:", "host.name"},    {"k:", "event.aggregation_key"},
                                    {"p:", "event.priority"}, {"s:", "event.source"}, {"t:", "event.alert_type"},
                                    {"c:", "container.id"}};
constexpr Option kCheckOptions[] = {
    {"d:", "timestamp"}, {"h:", "host.name"}, {"m:", "message"}, {"c:", "container.id"}};

void add_member(std::string_view name, std::string_view value, std::string& json) {
  json.push_back(json.size() > 1 ? ',' : ' ');
  model::append_json_string(name, json);
  json.push_back(':');
  // A time is a number, so that it is read as one.
  bool digits = !value.empty() && value.size() < 16 && value.find_first_not_of("0123456789") == kNone;
  if (digits && name == "timestamp" && value[0] != '0')
    json.append(value);
  else
    model::append_json_string(value, json);
}

template <size_t N>
void add_options(std::string_view rest, const Option (&known)[N], std::string& json) {
  while (!rest.empty()) {
    std::string_view option = cut_at(rest, '|');
    if (option.starts_with('#')) {
      each_tag(option.substr(1), ':', [&json](std::string_view name, std::string_view value) {
        add_member("tags." + std::string(name), value, json);
      });
      continue;
    }
    for (const Option& each : known) {
      if (!option.starts_with(each.mark)) continue;
      std::string_view value = option.substr(each.mark.size());
      // A check's message is the last option, and may hold bars.
      if (each.mark == "m:" && !rest.empty())
        value = std::string_view(value.data(), static_cast<size_t>(rest.data() + rest.size() - value.data())),
        rest = {};
      add_member(each.name, value, json);
    }
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool newline = text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n';
    out.push_back(newline ? '\n' : text[i]);
    if (newline) ++i;
  }
  return out;
}

std::string_view level_of(std::string_view alert_type) {
  if (alert_type == "error") return "error";
  return alert_type == "warning" ? "warn" : "info";
}

Status event_json(std::string_view line, std::string& json) {
  std::string_view rest = line.substr(3);
  size_t comma = rest.find(','), close = rest.find("}:");
  std::optional<size_t> title, text;
  if (comma != kNone && close != kNone && comma < close) {
    title = whole_of<size_t>(rest.substr(0, comma));
    text = whole_of<size_t>(rest.substr(comma + 1, close - comma - 1));
  }
  if (!title || !text) return expected(line, line, "_e{TITLE BYTES,TEXT BYTES}:");
  rest.remove_prefix(close + 2);
  if (*title >= rest.size() || *text > rest.size() - *title - 1 || rest[*title] != '|')
    return expected(line, rest, "a title and a text as long as they say");
  std::string_view behind = rest.substr(*title + 1 + *text);
  if (!behind.empty() && behind[0] != '|') return expected(line, behind, "| or the end");
  std::string body = unescaped(rest.substr(*title + 1, *text));
  add_member("event.kind", "event", json);
  add_member("event.title", rest.substr(0, *title), json);
  add_member("message", body.empty() ? std::string(rest.substr(0, *title)) : body, json);
  size_t alert = behind.find("|t:");
  std::string_view alert_type = alert == kNone ? std::string_view() : behind.substr(alert + 3);
  add_member("level", level_of(alert_type.substr(0, alert_type.find('|'))), json);
  add_options(behind, kEventOptions, json);
  return {};
}

Status check_json_of(std::string_view line, std::string& json) {
  constexpr std::string_view kStatuses[] = {"ok", "warning", "critical", "unknown"};
  constexpr std::string_view kLevels[] = {"info", "warn", "error", "warn"};
  std::string_view rest = line.substr(4);
  std::string_view name = cut_at(rest, '|');
  std::string_view status = cut_at(rest, '|');
  if (name.empty()) return expected(line, line, "_sc|NAME|STATUS");
  if (status.size() != 1 || status[0] < '0' || status[0] > '3')
    return expected(line, status.data() == nullptr ? line : status, "a status of 0 to 3");
  size_t which = static_cast<size_t>(status[0] - '0');
  add_member("event.kind", "service_check", json);
  add_member("check.name", name, json);
  add_member("check.status", kStatuses[which], json);
  add_member("level", kLevels[which], json);
  size_t before = json.size();
  add_options(rest, kCheckOptions, json);
  if (json.find("\"message\":", before) == kNone)
    add_member("message", std::string(name) + " is " + std::string(kStatuses[which]), json);
  return {};
}

}  // namespace

StatsdForm statsd_form_of(std::string_view line) {
  if (line.starts_with("_e{")) return StatsdForm::kEvent;
  return line.starts_with("_sc|") ? StatsdForm::kServiceCheck : StatsdForm::kSamples;
}

Status read_statsd_line(std::string_view line, StatsdLine& out) {
  out.tags.clear();
  out.values.clear();
  out.rate = 1;
  out.millis = 0;
  size_t colon = line.find(':');
  // A tag's value in brackets may hold a colon.
  if (size_t bracket = line.find('['); bracket != kNone && bracket < colon) {
    size_t close = line.find(']', bracket);
    if (close != kNone) colon = line.find(':', close);
  }
  if (colon == kNone) return expected(line, line.substr(line.size()), "NAME:VALUE|TYPE");
  CLEW_TRY(read_head(line, line.substr(0, colon), out));
  std::string_view rest = line.substr(colon + 1);
  while (true) {
    size_t bar = rest.find('|');
    if (bar == kNone) return expected(line, rest.substr(rest.size()), "|TYPE");
    std::string_view values = rest.substr(0, bar);
    rest.remove_prefix(bar + 1);
    size_t end = rest.find_first_of("|:");
    CLEW_TRY(read_values(line, values, rest.substr(0, end), out));
    if (end == kNone) {
      rest = {};
      break;
    }
    bool more = rest[end] == ':';
    rest.remove_prefix(end + 1);
    if (!more) break;
  }
  out.tail = {};
  while (!rest.empty()) {
    std::string_view option = cut_at(rest, '|');
    if (option.starts_with('#')) out.tail = option;
    CLEW_TRY(read_option(line, option, out));
  }
  return {};
}

Status statsd_json(std::string_view line, StatsdForm form, std::string& json) {
  json = "{";
  CLEW_TRY(form == StatsdForm::kEvent ? event_json(line, json) : check_json_of(line, json));
  json.push_back('}');
  return {};
}

}  // namespace clew::wire
