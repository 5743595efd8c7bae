#include "pipeline/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/json_text.h"
#include "wire/json_scan.h"

namespace clew::pipeline {
namespace {

struct FlagName {
  model::Flag flag;
  std::string_view name;
};
constexpr FlagName kFlags[] = {
    {model::Flag::kTruncated, "truncated"},        {model::Flag::kAssumedZone, "assumed_zone"},
    {model::Flag::kAssumedYear, "assumed_year"},   {model::Flag::kOddTime, "odd_time"},
    {model::Flag::kParseError, "parse_error"},     {model::Flag::kRedacted, "redacted"},
    {model::Flag::kDuplicateKey, "duplicate_key"}, {model::Flag::kInferred, "inferred"},
    {model::Flag::kBadUtf8, "bad_utf8"},           {model::Flag::kArrivalTime, "arrival_time"}};

std::string json_string(std::string_view text) {
  std::string out;
  model::append_json_string(text, out);
  return out;
}

std::string flags_text(uint32_t flags) {
  std::string out = "[";
  for (const FlagName& known : kFlags) {
    if ((flags & static_cast<uint32_t>(known.flag)) == 0) continue;
    if (out.size() > 1) out += ',';
    out += '"';
    out += known.name;
    out += '"';
  }
  return out + "]";
}

// A number, true, false or null.
bool is_json_scalar(const std::string& text) {
  if (text == "true" || text == "false" || text == "null") return true;
  const char* end = text.data() + text.size();
  return !text.empty() && wire::scan::number_end(text.data(), end) == end;
}

// Flags in the order of their names; a time without the zeros at the end of its fraction.
std::string in_one_form(std::string_view name, std::string text) {
  if (name == model::kFlagsField && text.size() > 2 && text.front() == '[') {
    std::set<std::string> flags;
    for (size_t at = 1; at < text.size(); at = text.find_first_of(",]", at) + 1) {
      flags.insert(text.substr(at, text.find_first_of(",]", at) - at));
    }
    std::string out;
    for (const std::string& flag : flags) out += flag + ",";
    return out;
  }
  size_t point = name == "@timestamp" ? text.rfind('.') : std::string::npos;
  size_t zone = point == std::string::npos ? point : text.find_first_not_of("0123456789", point + 1);
  if (zone == std::string::npos) return text;
  size_t keep = zone;
  while (text[keep - 1] == '0') --keep;
  if (keep - 1 == point) keep = point;
  return text.erase(keep, zone - keep);
}

// What a case expects of one field, as the JSON text that it would have; nothing: the field is not there.
std::optional<std::string> expected_text(const Tree& value) {
  if (value.is_null() || (value.is_text() && !value.quoted && value.text == "null")) return std::nullopt;
  if (value.is_list()) {
    std::string out = "[";
    for (const Tree& item : value.items) {
      if (out.size() > 1) out += ',';
      std::string text = expected_text(item).value_or("null");
      bool word = item.is_text() && !item.quoted && !is_json_scalar(text);
      out += word ? json_string(text) : text;
    }
    return out + "]";
  }
  return value.quoted ? json_string(value.text) : value.text;
}

bool is_equal(const Tree& value, const std::string& expected, const std::string& got) {
  if (expected == got) return true;
  // A bare word in YAML is a text or a number, whichever the event has.
  return value.is_text() && !value.quoted && json_string(expected) == got;
}

void flatten(const Tree& map, const std::string& prefix, std::vector<std::pair<std::string, const Tree*>>& out) {
  for (const auto& [key, value] : map.members) {
    std::string name = prefix.empty() ? key.text : prefix + "." + key.text;
    if (value.is_map() && !value.members.empty())
      flatten(value, name, out);
    else
      out.emplace_back(std::move(name), &value);
  }
}

void compare(const Case& test, const Tree& expected, const EventText& got, std::vector<std::string>& out) {
  std::vector<std::pair<std::string, const Tree*>> fields;
  flatten(expected, "", fields);
  std::set<std::string> named;
  for (const auto& [name, value] : fields) {
    named.insert(name);
    std::optional<std::string> want = expected_text(*value);
    auto found = got.find(name);
    bool there = found != got.end();
    bool as_wanted = there && want && is_equal(*value, in_one_form(name, *want), in_one_form(name, found->second));
    if (want ? as_wanted : !there) continue;
    out.push_back(fmt::format("  {}\n    expected {}\n    got      {}", name, want.value_or("nothing"),
                              there ? found->second : "nothing"));
  }
  if (!test.exact) return;
  for (const auto& [name, value] : got) {
    bool own = name == "@timestamp" || name.starts_with('_');
    if (own || named.contains(name)) continue;
    out.push_back(fmt::format("  {}\n    expected nothing\n    got      {}", name, value));
  }
}

std::string event_line(const EventText& event) {
  std::string out = "{";
  for (const auto& [name, value] : event) out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", name, value);
  return out + "}";
}

}  // namespace

EventText event_text(Rows& batch, uint32_t row) {
  EventText out;
  for (const std::string& name : batch.names()) {
    Field* field = batch.find(name);
    if (field == nullptr || !field->cells[row].any() || name == model::kShapeField) continue;
    std::string text;
    if (name == model::kFlagsField) {
      out[name] = flags_text(batch.flags(row));
    } else {
      model::append_json_value(field->cells[row].field({}), text);
      out[name == model::kTimeField ? "@timestamp" : name] = std::move(text);
    }
  }
  // Of a line that is its own message.
  if (!out.contains("message") && out.contains("_raw")) out["message"] = out["_raw"];
  return out;
}

LineRun::LineRun(PipelinePtr pipeline, std::optional<process::Format> format, const os::Clock& clock, text::Zone zone)
    : pipeline_(std::move(pipeline)), format_(format), clock_(clock), zone_(std::move(zone)) {}

std::vector<EventText> LineRun::run(const std::vector<std::string>& lines, const Runner::Watch& watch) {
  std::optional<process::Format> format = format_ ? format_ : pipeline_->line_format();
  Lines read = Lines::kAsTheyCome;
  if (!format_ && format && *format != process::Format::kRaw) read = Lines::kReadByFirstStep;
  std::string sample;
  for (const std::string& line : lines) sample += line + "\n";
  process::Expect expect = format ? process::Expect::kOnly : process::Expect::kMostly;
  process::LineParser parser(format ? *format : process::detect(sample), expect);
  model::Batch batch;
  parser.attach(batch, {.arrival = clock_.now(), .zone = zone_});
  for (const std::string& line : lines) parser.parse_line(line);
  Runner runner(pipeline_, read);
  std::vector<EventText> out;
  for (model::Batch* one : runner.run(batch, watch)) {
    Rows rows;
    rows.attach(*one);
    for (uint32_t row = 0; row < one->rows(); ++row) {
      out.push_back(event_text(rows, row));
      if (one->dataset() != batch.dataset()) out.back()["dataset"] = json_string(one->dataset());
    }
  }
  return out;
}

std::vector<Case> read_cases(const Tree& file, Mistakes& mistakes) {
  std::vector<Case> out;
  const Tree* tests = file.is_map() ? file.find("tests") : nullptr;
  if (tests == nullptr || !tests->is_list() || tests->items.empty()) {
    mistakes.push_back(
        {file.line, "no tests: write tests: [{pipeline: shop, input: 'a line', expect: {status: 404}}]"});
    return out;
  }
  for (size_t i = 0; i < tests->items.size(); ++i) {
    const Tree& item = tests->items[i];
    Options options(fmt::format("test {}", i + 1), item,
                    "write {pipeline: shop, input: 'a line', expect: {status: 404}}", mistakes);
    Case test;
    test.line = item.line;
    test.name = options.text("name", fmt::format("test {}", i + 1));
    test.pipeline = options.required("pipeline");
    test.input = options.list("input");
    test.exact = options.yes("exact");
    bool dropped = options.yes("dropped");
    std::string format = options.text("format");
    if (!format.empty()) {
      Result<std::optional<process::Format>> known = process::format_by_name(format);
      if (known.ok())
        test.format = *known;
      else
        options.blame(known.error().message());
    }
    const Tree* expect = options.sub("expect");
    if (expect != nullptr && expect->is_map()) test.expected.push_back(*expect);
    if (expect != nullptr && expect->is_list()) test.expected = expect->items;
    if (test.input.empty()) options.blame("lacks input: a line or a list of lines");
    if (expect == nullptr && !dropped) options.blame("lacks expect: write expect: {field: value}, or dropped: yes");
    options.finish();
    out.push_back(std::move(test));
  }
  return out;
}

std::vector<std::string> difference(const Case& test, const std::vector<EventText>& got) {
  std::vector<std::string> out;
  if (test.expected.size() != got.size()) {
    out.push_back(fmt::format("  expected {} event{}, got {}", test.expected.size(),
                              test.expected.size() == 1 ? "" : "s", got.size()));
    for (const EventText& event : got) out.push_back("    got      " + event_line(event));
    return out;
  }
  for (size_t i = 0; i < got.size(); ++i) {
    std::vector<std::string> wrong;
    compare(test, test.expected[i], got[i], wrong);
    if (!wrong.empty() && got.size() > 1) out.push_back(fmt::format("  event {}:", i + 1));
    out.insert(out.end(), wrong.begin(), wrong.end());
  }
  return out;
}

}  // namespace clew::pipeline
