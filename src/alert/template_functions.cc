#include "alert/template_functions.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "alert/template_tree.h"
#include "query/promql/duration.h"
#include "text/utf8.h"

namespace clew::alert {
namespace {

Error wrong(const std::string& message) { return Error(Code::kInvalid, message); }

Result<std::string> text_of(const Value& value) {
  if (value.is_text()) return value.text;
  return wrong("wrong type for value; expected string; got " + std::string(value.type_text()));
}

Result<Value> text_function(const ValueList& args, std::string (*change)(std::string)) {
  std::string text = CLEW_TRY(text_of(args.at(0)));
  return Value::of(change(std::move(text)));
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}
std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
// The first letter of each word great.
std::string title(std::string text) {
  bool begins = true;
  for (char& c : text) {
    if (begins && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' ||
                  static_cast<unsigned char>(c) >= 0x80;
    begins = !letter;
  }
  return text;
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                 c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string script_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\'': out += "\\'"; break;
      case '"': out += "\\\""; break;
      case '<': out += "\\u003C"; break;
      case '>': out += "\\u003E"; break;
      case '&': out += "\\u0026"; break;
      case '=': out += "\\u003D"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

// "host:80" to "host"; "[::1]:80" to "::1"; what has no port stays.
std::string strip_port(std::string text) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos) return text;
  std::string host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host.find(':') == std::string::npos ? host : text;
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

// "a.example.org:80" to "a:80"; addresses stay.
std::string strip_domain(std::string text) {
  std::string host = strip_port(text);
  std::string port = host.size() < text.size() && text[0] != '[' ? text.substr(host.size()) : std::string();
  if (is_address(host)) return text;
  return host.substr(0, host.find('.')) + port;
}

Result<std::unique_ptr<RE2>> regex_of(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (!regex->ok()) return wrong("error parsing regexp " + quoted(pattern) + ": " + regex->error());
  return regex;
}

// Go's $1, ${1} and ${name} of a replacement, of one match.
void append_replacement(const RE2& regex, std::string_view with, const std::vector<re2::StringPiece>& groups,
                        std::string& out) {
  for (size_t at = 0; at < with.size();) {
    if (with[at] != '$' || at + 1 == with.size()) {
      out += with[at++];
      continue;
    }
    if (with[at + 1] == '$') {
      out += '$';
      at += 2;
      continue;
    }
    bool braced = with[at + 1] == '{';
    size_t begin = at + (braced ? 2 : 1);
    size_t end = begin;
    auto word = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    while (end < with.size() && word(with[end])) ++end;
    std::string name(with.substr(begin, end - begin));
    if (name.empty() || (braced && (end == with.size() || with[end] != '}'))) {
      out += with[at++];
      continue;
    }
    at = end + (braced ? 1 : 0);
    size_t group = groups.size();
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      group = name.size() < 6 ? std::stoul(name) : groups.size();
    } else if (auto named = regex.NamedCapturingGroups().find(name); named != regex.NamedCapturingGroups().end()) {
      group = static_cast<size_t>(named->second);
    }
    if (group < groups.size()) out.append(groups[group].data(), groups[group].size());
  }
}

Result<Value> replace_all(const TemplateDoor&, const ValueList& args) {
  std::string pattern = CLEW_TRY(text_of(args[0]));
  std::string with = CLEW_TRY(text_of(args[1]));
  std::string text = CLEW_TRY(text_of(args[2]));
  std::unique_ptr<RE2> regex = CLEW_TRY(regex_of(pattern));
  std::string out;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(regex->NumberOfCapturingGroups()) + 1);
  size_t at = 0, copied = 0;
  size_t last_end = std::string::npos;  // of a match that was not empty: an empty one right behind it is none
  while (at <= text.size() &&
         regex->Match(text, at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) {
    size_t begin = static_cast<size_t>(groups[0].data() - text.data());
    size_t end = begin + groups[0].size();
    out.append(text, copied, begin - copied);
    if (end > begin || begin != last_end) append_replacement(*regex, with, groups, out);
    copied = at = end;
    last_end = end;
    if (end > begin) continue;
    // Behind an empty match the next character is passed.
    size_t bytes = end < text.size() ? text::decode_utf8(text, end).bytes : 1;
    out.append(text, end, end < text.size() ? bytes : std::string::npos);
    at = end + bytes;
    copied = std::min(at, text.size());
    last_end = std::string::npos;
  }
  if (copied < text.size()) out.append(text, copied);
  return Value::of(std::move(out));
}

Result<Value> match(const TemplateDoor&, const ValueList& args) {
  std::string pattern = CLEW_TRY(text_of(args[0]));
  std::string text = CLEW_TRY(text_of(args[1]));
  std::unique_ptr<RE2> regex = CLEW_TRY(regex_of(pattern));
  return Value::of(RE2::PartialMatch(text, *regex));
}

// Compared: -1, 0, 1, or 2 where a number is none.
Result<int> compared(const Value& a, const Value& b) {
  if (a.kind != b.kind) {
    return wrong(
        fmt::format("incompatible types for comparison: {} and {}; write numbers of $value with a point, as 10.0",
                    a.type_text(), b.type_text()));
  }
  switch (a.kind) {
    case Value::Kind::kBool: return static_cast<int>(a.truth) - static_cast<int>(b.truth);
    case Value::Kind::kText: return a.text.compare(b.text) < 0 ? -1 : a.text == b.text ? 0 : 1;
    case Value::Kind::kFloat:
      if (std::isnan(a.real) || std::isnan(b.real)) return 2;
      return a.real < b.real ? -1 : a.real == b.real ? 0 : 1;
    case Value::Kind::kInt:
    case Value::Kind::kDuration:
    case Value::Kind::kTime: return a.integer < b.integer ? -1 : a.integer == b.integer ? 0 : 1;
    case Value::Kind::kNone: return 0;
    default: return wrong("invalid type for comparison: " + std::string(a.type_text()));
  }
}

Result<Value> equal(const TemplateDoor&, const ValueList& args) {
  for (size_t i = 1; i < args.size(); ++i) {
    int order = CLEW_TRY(compared(args[0], args[i]));
    if (order == 0) return Value::of(true);
  }
  return Value::of(false);
}

Result<Value> not_equal(const TemplateDoor&, const ValueList& args) {
  int order = CLEW_TRY(compared(args[0], args[1]));
  return Value::of(order != 0);
}

template <int kOne, int kOther>
Result<Value> ordered(const TemplateDoor&, const ValueList& args) {
  if (args[0].kind == Value::Kind::kBool) return wrong("invalid type for comparison: bool has no order");
  int order = CLEW_TRY(compared(args[0], args[1]));
  return Value::of(order == kOne || order == kOther);
}

Result<Value> length(const TemplateDoor&, const ValueList& args) {
  const Value& value = args[0];
  if (value.is_text()) return Value::of(static_cast<int64_t>(value.text.size()));
  if (value.kind == Value::Kind::kList) return Value::of(static_cast<int64_t>(value.list->size()));
  if (value.kind == Value::Kind::kMap) return Value::of(static_cast<int64_t>(value.map->size()));
  return wrong("len of type " + std::string(value.type_text()));
}

Result<Value> element(const Value& of, const Value& key) {
  if (of.kind == Value::Kind::kMap) {
    if (!key.is_text()) return wrong("value has type " + std::string(key.type_text()) + "; should be string");
    auto found = of.map->find(key.text);
    return found == of.map->end() ? Value::of(std::string()) : found->second;
  }
  if (key.kind != Value::Kind::kInt) {
    return wrong("cannot index slice/array with type " + std::string(key.type_text()));
  }
  size_t size = of.is_text() ? of.text.size() : of.kind == Value::Kind::kList ? of.list->size() : 0;
  if (!of.is_text() && of.kind != Value::Kind::kList) {
    return wrong("can't index item of type " + std::string(of.type_text()));
  }
  if (key.integer < 0 || static_cast<uint64_t>(key.integer) >= size) {
    return wrong(fmt::format("index out of range: {}", key.integer));
  }
  auto at = static_cast<size_t>(key.integer);
  if (of.is_text()) return Value::of(static_cast<int64_t>(static_cast<unsigned char>(of.text[at])));
  return (*of.list)[at];
}

Result<Value> index(const TemplateDoor&, const ValueList& args) {
  Value value = args[0];
  for (size_t i = 1; i < args.size(); ++i) value = CLEW_TRY(element(value, args[i]));
  return value;
}

Result<Value> slice(const TemplateDoor&, const ValueList& args) {
  const Value& of = args[0];
  size_t size = of.is_text() ? of.text.size() : of.kind == Value::Kind::kList ? of.list->size() : 0;
  if (!of.is_text() && of.kind != Value::Kind::kList) {
    return wrong("can't slice item of type " + std::string(of.type_text()));
  }
  size_t bounds[2] = {0, size};
  for (size_t i = 1; i < args.size(); ++i) {
    if (args[i].kind != Value::Kind::kInt) return wrong("cannot slice with " + std::string(args[i].type_text()));
    if (args[i].integer < 0 || static_cast<uint64_t>(args[i].integer) > size) {
      return wrong(fmt::format("index out of range: {}", args[i].integer));
    }
    bounds[i - 1] = static_cast<size_t>(args[i].integer);
  }
  if (bounds[0] > bounds[1]) return wrong(fmt::format("invalid slice index: {} > {}", bounds[0], bounds[1]));
  if (of.is_text()) return Value::of(of.text.substr(bounds[0], bounds[1] - bounds[0]));
  return Value::of(ValueList(of.list->begin() + static_cast<std::ptrdiff_t>(bounds[0]),
                             of.list->begin() + static_cast<std::ptrdiff_t>(bounds[1])));
}

Result<Value> field_of_sample(const Value& sample, std::string_view field) {
  if (sample.kind != Value::Kind::kStruct) {
    return wrong("wrong type for value; expected a sample; got " + std::string(sample.type_text()));
  }
  auto found = sample.map->find(field);
  return found == sample.map->end() ? Value() : found->second;
}

Result<Value> query(const TemplateDoor& door, const ValueList& args) {
  std::string expr = CLEW_TRY(text_of(args[0]));
  if (!door.query) return wrong("query() cannot be asked here");
  return door.query(expr);
}

Result<Value> first(const TemplateDoor&, const ValueList& args) {
  if (args[0].kind != Value::Kind::kList) {
    return wrong("first() takes a list, not a " + std::string(args[0].type_text()));
  }
  if (args[0].list->empty()) return wrong("first() called on vector with no elements");
  return args[0].list->front();
}

Result<Value> label_of(const TemplateDoor&, const ValueList& args) {
  std::string name = CLEW_TRY(text_of(args[0]));
  Value labels = CLEW_TRY(field_of_sample(args[1], "Labels"));
  return element(labels, Value::of(std::move(name)));
}

Result<Value> string_value(const TemplateDoor&, const ValueList& args) {
  Value labels = CLEW_TRY(field_of_sample(args[0], "Labels"));
  return element(labels, Value::of(std::string("__value__")));
}

Result<Value> sort_by_label(const TemplateDoor&, const ValueList& args) {
  std::string name = CLEW_TRY(text_of(args[0]));
  if (args[1].kind != Value::Kind::kList) return wrong("sortByLabel takes a list");
  ValueList sorted = *args[1].list;
  auto key = [&](const Value& sample) -> std::string {
    Result<Value> labels = field_of_sample(sample, "Labels");
    if (!labels.ok() || labels->map == nullptr) return {};
    auto found = labels->map->find(name);
    return found == labels->map->end() ? std::string() : found->second.text;
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Value& a, const Value& b) { return key(a) < key(b); });
  return Value::of(std::move(sorted));
}

Result<Value> named_args(const TemplateDoor&, const ValueList& args) {
  ValueMap map;
  for (size_t i = 0; i < args.size(); ++i) map.emplace("arg" + std::to_string(i), args[i]);
  return Value::map_of(std::move(map));
}

Result<Value> parse_duration(const TemplateDoor&, const ValueList& args) {
  std::string text = CLEW_TRY(text_of(args[0]));
  std::optional<int64_t> millis = query::promql::parse_duration(text);
  if (!millis) return wrong("not a valid duration string: " + quoted(text));
  return Value::of(static_cast<double>(*millis) / 1000);
}

std::string path_of_url(const std::string& url) {
  size_t scheme = url.find("://");
  size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return path == std::string::npos ? std::string() : url.substr(path, url.find_first_of("?#", path) - path);
}

Result<Value> expression_link_of(const ValueList& args, const char* tab) {
  std::string expr = CLEW_TRY(text_of(args[0]));
  return Value::of("/graph?g0.expr=" + url_encoded(expr) + "&g0.tab=" + tab);
}

Result<Value> print(const TemplateDoor&, const ValueList& args) { return Value::of(print_values(args)); }

constexpr size_t kMany = 1000;

// In the order of names.
constexpr TemplateFunctionEntry kFunctions[] = {
    {"and", 1, kMany, nullptr},
    {"args", 0, kMany, named_args},
    {"eq", 2, kMany, equal},
    {"externalURL", 0, 0,
     [](const TemplateDoor& d, const ValueList&) -> Result<Value> { return Value::of(d.external_url); }},
    {"first", 1, 1, first},
    {"ge", 2, 2, ordered<1, 0>},
    {"graphLink", 1, 1, [](const TemplateDoor&, const ValueList& a) { return expression_link_of(a, "0"); }},
    {"gt", 2, 2, ordered<1, 1>},
    {"html", 0, kMany,
     [](const TemplateDoor&, const ValueList& a) -> Result<Value> { return Value::of(html_escaped(print_values(a))); }},
    {"humanize", 1, 1, humanize},
    {"humanize1024", 1, 1, humanize1024},
    {"humanizeDuration", 1, 1, humanize_duration},
    {"humanizePercentage", 1, 1, humanize_percentage},
    {"humanizeTimestamp", 1, 1, humanize_timestamp},
    {"index", 1, kMany, index},
    {"js", 0, kMany,
     [](const TemplateDoor&, const ValueList& a) -> Result<Value> {
       return Value::of(script_escaped(print_values(a)));
     }},
    {"label", 2, 2, label_of},
    {"le", 2, 2, ordered<-1, 0>},
    {"len", 1, 1, length},
    {"lt", 2, 2, ordered<-1, -1>},
    {"match", 2, 2, match},
    {"ne", 2, 2, not_equal},
    {"not", 1, 1, [](const TemplateDoor&, const ValueList& a) -> Result<Value> { return Value::of(!a[0].is_true()); }},
    {"now", 0, 0,
     [](const TemplateDoor& d, const ValueList&) -> Result<Value> {
       return Value::of(static_cast<double>(d.at_millis) / 1000);
     }},
    {"or", 1, kMany, nullptr},
    {"parseDuration", 1, 1, parse_duration},
    {"pathPrefix", 0, 0,
     [](const TemplateDoor& d, const ValueList&) -> Result<Value> { return Value::of(path_of_url(d.external_url)); }},
    {"print", 0, kMany, print},
    {"printf", 1, kMany,
     [](const TemplateDoor&, const ValueList& a) -> Result<Value> {
       std::string format = CLEW_TRY(text_of(a[0]));
       return Value::of(format_values(format, ValueList(a.begin() + 1, a.end())));
     }},
    {"println", 0, kMany,
     [](const TemplateDoor&, const ValueList& a) -> Result<Value> {
       std::string out;
       for (const Value& one : a) out += (out.empty() ? "" : " ") + print_value(one);
       return Value::of(out + "\n");
     }},
    {"query", 1, 1, query},
    {"reReplaceAll", 3, 3, replace_all},
    {"safeHtml", 1, 1,
     [](const TemplateDoor&, const ValueList& a) { return text_function(a, [](std::string t) { return t; }); }},
    {"slice", 1, 3, slice},
    {"sortByLabel", 2, 2, sort_by_label},
    {"stripDomain", 1, 1, [](const TemplateDoor&, const ValueList& a) { return text_function(a, strip_domain); }},
    {"stripPort", 1, 1, [](const TemplateDoor&, const ValueList& a) { return text_function(a, strip_port); }},
    {"strvalue", 1, 1, string_value},
    {"tableLink", 1, 1, [](const TemplateDoor&, const ValueList& a) { return expression_link_of(a, "1"); }},
    {"title", 1, 1, [](const TemplateDoor&, const ValueList& a) { return text_function(a, title); }},
    {"toDuration", 1, 1, to_duration},
    {"toLower", 1, 1, [](const TemplateDoor&, const ValueList& a) { return text_function(a, lower); }},
    {"toTime", 1, 1, to_time},
    {"toUpper", 1, 1, [](const TemplateDoor&, const ValueList& a) { return text_function(a, upper); }},
    {"urlQueryEscape", 1, 1,
     [](const TemplateDoor&, const ValueList& a) {
       return text_function(a, [](std::string t) { return url_encoded(t); });
     }},
    {"urlquery", 0, kMany,
     [](const TemplateDoor&, const ValueList& a) -> Result<Value> { return Value::of(url_encoded(print_values(a))); }},
    {"value", 1, 1, [](const TemplateDoor&, const ValueList& a) { return field_of_sample(a[0], "Value"); }},
};

}  // namespace

std::string expression_link(std::string_view expr) { return "/graph?g0.expr=" + url_encoded(expr) + "&g0.tab=1"; }

const TemplateFunctionEntry* find_template_function(std::string_view name) {
  for (const TemplateFunctionEntry& one : kFunctions) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

bool is_template_function(std::string_view name) { return find_template_function(name) != nullptr; }

}  // namespace clew::alert
